"""Salad: how many faults a sentence has, and how little it is like the sentences of the primer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from mynah.primer.earth import code_prose, conversations, howtos, kindness_prose, sums, talk_prose
from mynah.primer.earth.behaviours import challenge, code, harmless, premise, refusal, unknown, writing
from mynah.primer.earth.behaviours.fact import SHRUGS
from mynah.primer.earth.harm import ALL as FAMILIES
from mynah.primer.earth.judge.tables import table_words, topics
from mynah.primer.earth.judge.words import ARTICLES, END, GRAMMAR, split_clauses
from mynah.primer.earth.kinds import KINDS

BE = frozenset(("is", "are", "was", "were"))
FINITE = BE | frozenset("has have eats lives does speaks uses pays circles orbits belongs lies".split())
_PREPOSITIONS = frozenset("of in on at to for with from by into".split())
_AFTER_ARTICLE = ARTICLES | FINITE | (_PREPOSITIONS - {"by", "in", "at"})
"""What never stands there."""
_HARD = frozenset(("of", "in", "to", "with", "for"))
_NEVER_LAST = frozenset("a an the and or but because with my your".split())
_OPEN_LAST = _NEVER_LAST | frozenset("of in to is are was that for from by i".split())
_TWICE = frozenset("that had no bye ha very really night knock lo so many".split())


def faults(words: Sequence[str], clauses: Sequence[int], text: str) -> int:
    """How often neighbours cannot stand so, words loop, or the sentence breaks off."""
    count = 0
    for i, (one, two) in enumerate(pairwise(words)):
        if clauses[i] != clauses[i + 1]:
            count += one in ARTICLES
        elif one == two:
            count += one not in _TWICE and not one.isdigit()
        elif one in ARTICLES:
            count += two in _AFTER_ARTICLE
        elif one in BE:
            count += two in FINITE
        elif one in _PREPOSITIONS:
            count += two in BE or (one in _HARD and two in _HARD)
    last = words[-1]
    ended = text.rstrip().endswith((".", "!", "?"))
    count += len(words) > 1 and (last in _NEVER_LAST or (last in _OPEN_LAST and not ended))
    triples = list(zip(words, words[1:], words[2:], strict=False))
    if len(set(triples)) < len(triples):
        count += sum(times - 2 for times in Counter(triples).values() if times > 2)
        loops = ((i, n) for n in (2, 3, 4) for i in range(len(words) - 2 * n))
        count += sum(words[i : i + n] == words[i + n : i + 2 * n] for i, n in loops)
    return count + 2 * (len(words) > 9 and len(set(words)) < len(words) / 2)


def strange(words: Sequence[str], clauses: Sequence[int]) -> float:
    """The share of a sentence's triples of shapes that no sentence of the primer has: high in word salad."""
    triples = _triples(words, clauses)
    known = _known_triples()
    return sum(triple not in known for triple in triples) / len(triples) if len(words) > 2 and triples else 0.0


@lru_cache(maxsize=32768)
def _shape(word: str) -> str:
    """A word of grammar as it is, any other by its ending."""
    if word in GRAMMAR:
        return word
    if word in table_words():  # "Fleming", "duckling"
        return "C"
    return next((f"-{end}" for end in ("ing", "ed") if word.endswith(end) and len(word) > len(end) + 2), "C")


def _triples(words: Sequence[str], clauses: Sequence[int]) -> list[tuple[str, str, str]]:
    """Three shapes in a row, never across two clauses; a run of words of substance counts as one."""
    shapes, places = ["^"], [clauses[0]]
    for word, place in zip(words, clauses, strict=True):
        shape = _shape(word)
        if shape != "C" or shapes[-1] != "C" or places[-1] != place:
            shapes.append(shape)
            places.append(place)
    shapes.append("$")
    places.append(places[-1])
    rows = zip(shapes, shapes[1:], shapes[2:], strict=False)
    return [row for i, row in enumerate(rows) if places[i] == places[i + 2]]


@cache
def _known_triples() -> frozenset[tuple[str, str, str]]:
    """The triples of shapes in plain sentences of the primer."""
    triples: set[tuple[str, str, str]] = set()
    for text in _told():
        # A name may bring its article along.
        for name in ("thing", "the thing", "a thing", "an thing") if "{x" in text else ("thing",):
            for sentence in END.split(re.sub(r"\{\w+\}", "thing", re.sub(r"\{xs?\}", name, text))):
                raw, clauses = split_clauses(sentence)
                if raw:
                    triples.update(_triples([token.lower() for token in raw], clauses))
    return frozenset(triples)


def _told() -> Iterator[str]:
    """Plain sentences of the primer, with slots."""
    yield from SHRUGS
    for kind in KINDS:
        yield from kind.asides
        for r in kind.relations:
            yield from _strings((r.answers, r.claims, r.denials, r.tellings, r.pronoun_tellings, r.questions))
        # What is said of an invention depends on the verb: "discovered", "wrote".
        for verb, done, dated in {tuple(e.forms.get(f, "") for f in ("verb", "done", "dated")) for e in kind.entities}:
            if verb:
                yield f"thing {verb} {{x}}"
                for was in ("was", "was not"):
                    yield from (f"{{x}} {was} {done} by thing", f"{{x}} {was} {dated} in thing")
                    yield from (f"it {was} thing who {verb} {{x}}", f"It {was} in thing that {{x}} was {dated}")
    yield from _strings(tuple((topic.answers, topic.asks) for topic in topics().values()))
    yield from _strings(tuple((howto.answer, howto.also) for howto in howtos.howtos()))
    yield from _strings(tuple((text.bodies, text.asks) for text in writing.TEXTS.values()))
    for family in FAMILIES:
        yield from (*family.harms, *family.better, *family.wishes)
        doing = family.doing
        yield from (f"I will not help with {doing}", f"{doing} is wrong", f"help with {doing}, but")
    proses = (kindness_prose, talk_prose, code_prose, conversations, howtos, sums)
    for module in (*proses, code, challenge, harmless, premise, refusal, unknown):
        yield from _strings({name: value for name, value in vars(module).items() if name.isupper()})


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(one)
