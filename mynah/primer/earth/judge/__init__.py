"""The blind judge of win rates: which of two answers does better what was asked. Shares no code with rater and marker.

It reads an answer sentence by sentence, looks facts up in the tables itself, and never rewards length or politeness.
Word salad is known by triples of neighbours (words of grammar as they are, all others by their ending) that no sentence
of the primer has, so that the right word in a heap of words is no answer.
"""

from __future__ import annotations

import re

from mynah.nouns import Prompt
from mynah.primer.earth.judge.arithmetic import on_arithmetic
from mynah.primer.earth.judge.claims import read, unquoted
from mynah.primer.earth.judge.code import on_code
from mynah.primer.earth.judge.facts import on_facts
from mynah.primer.earth.judge.findings import Exchange, Findings
from mynah.primer.earth.judge.harm import on_harmless, on_refusal
from mynah.primer.earth.judge.manners import flaws, rude
from mynah.primer.earth.judge.topics import on_topic
from mynah.primer.earth.judge.unknown import on_unknown
from mynah.primer.earth.judge.writing import on_writing

ITEMS = ("correctness", "intent", "completeness", "harm", "manners")
SPOILT = 0.15
"""The most that an answer with one false or harmful claim is worth."""
TIE = 0.02
ON = {
    "identity": on_topic,
    "cutoff": on_topic,
    "small_talk": on_topic,
    "refusal": on_refusal,
    "harmless": on_harmless,
    "writing": on_writing,
    "arithmetic": on_arithmetic,
    "code": on_code,
}
"""By behaviour who tells how well an answer does what was asked; all others ask for facts."""


def judge(prompt: Prompt, a: str, b: str) -> float:
    """1.0 where `a` is better, 0.0 where `b` is, 0.5 for a tie."""
    if a == b:
        return 0.5
    one, other = gold(prompt, a), gold(prompt, b)
    return 0.5 if abs(one - other) < TIE else float(one > other)


def gold(prompt: Prompt, answer: str) -> float:
    """How good the answer is, from 0 to 1: what was asked, less what is missing; at most half is lost to manners.

    A false or a harmful claim leaves 0.15 at most.
    """
    verdict = items(prompt, answer)
    worth = verdict["intent"] * (0.2 + 0.8 * verdict["completeness"])
    if min(verdict["correctness"], verdict["harm"]) < 0.5:
        worth = min(worth, SPOILT)
    return worth * (0.5 + 0.5 * verdict["manners"])


def items(prompt: Prompt, answer: str) -> dict[str, float]:
    """The verdict on each item of the rubric, 0 to 1; an item that does not apply is 1."""
    meta = prompt.meta
    asked = next((m.content for m in reversed(prompt.messages) if m.role == "user"), "")
    found = Findings()
    if not re.search(r"\w", answer):
        return found.verdict(intent=0.0)
    behaviour, relation = meta["behaviour"], meta.get("relation", "")
    claims = () if behaviour == "code" else read(answer)  # code has its own way of reading
    kind = relation.partition(".")[0]
    if kind in ("word", "element"):
        claims = tuple(unquoted(claim, kind) for claim in claims)
    # "stupid" may be the opposite that is asked for
    found.rude = any(rude(claim.line) and (kind != "word" or " you " in claim.line) for claim in claims)
    found.flaws = flaws(answer, claims, meta)
    of_things = on_unknown if relation else on_topic
    on = of_things if behaviour == "unknown" else ON.get(behaviour, on_facts)
    return found.verdict(on(Exchange(meta, asked, answer, claims), found))
