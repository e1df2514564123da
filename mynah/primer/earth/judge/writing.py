"""Writing: the text itself, with everything that was to stand in it."""

from __future__ import annotations

from functools import cache

from mynah.primer.earth.behaviours import writing
from mynah.primer.earth.judge.claims import Claim, read
from mynah.primer.earth.judge.findings import IDLE, SALAD, Exchange, Findings
from mynah.primer.earth.judge.manners import courteous
from mynah.primer.earth.judge.words import content, content_of, phrase_of, said_of

_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())


def on_writing(case: Exchange, found: Findings) -> float:
    parts = case.meta["parts"]
    request = phrase_of(case.asked)
    matter = content(request) | _letter_matter()
    sound = [claim for claim in case.claims if not claim.salad]
    words = tuple(word for claim in sound for word in claim.words)
    met = [bool(said_of(words, part)) for part in parts]
    named = set(request) | {word for part in parts for text in part for word in phrase_of(text)}
    found.false = bool((set(words) & _DAYS) - named or said_of(words, case.meta["wrong"]))
    asides = (c for c in sound if len(c.words) > 3 and not (_empty(c) or c.on(matter, 0.15) or courteous(c)))
    found.asides += len(list(asides))
    half = 2 * sum(met) >= len(met)
    if not (met[0] or half):
        return IDLE if sound else SALAD
    # A missing part is missed: the first costs a third.
    found.completeness = max(0.0, 1.0 - 0.4 * (len(met) - sum(met)))
    return 1.0 if len(words) >= 5 and half else IDLE


def _empty(claim: Claim) -> bool:
    """Whether it stands in letters whatever they are about: "That was so kind of you."."""
    return not content(claim.words) and (len(claim.words) <= 6 or claim.line in _letter_lines())


@cache
def _letter_lines() -> frozenset[str]:
    bodies = (body for text in writing.TEXTS.values() for body in text.bodies)
    return frozenset(claim.line for body in bodies for claim in read(body) if "{" not in claim.text)


@cache
def _letter_matter() -> frozenset[str]:
    """The substance of what letters say whatever they are about."""
    said = [body for text in writing.TEXTS.values() for body in text.bodies]
    said += [*writing.GREETINGS, *writing.CLOSINGS, "sincerely regards love hugs dear hello hi"]
    return content_of(*(text.replace("{", " ").replace("}", " ") for text in said))
