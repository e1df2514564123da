"""completeness: a question of several parts, of which every one must be answered."""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import Fact, draw_fact, other_entity, other_fact, pick, user
from mynah.primer.earth.behaviours.facts import key
from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load

_TOLD = load("completeness")
NOUNS: Grouped = _TOLD["nouns"]
BOTH: Grouped = _TOLD["both"]


def draw(group: str, rng: random.Random) -> Case:
    """Two facts of one thing, or the same fact of two things."""
    shape = rng.random()
    if shape < 0.6:
        first = draw_fact(group, rng, relations=2)
        second = other_fact(first, rng)
    else:
        first = draw_fact(group, rng)
        second = other_entity(first, rng)
    if shape < 0.3:
        number, wording = pick(NOUNS[group], rng)
        name, asked = "nouns", first.say(wording, n=first.relation.noun, m=second.relation.noun)
    else:
        number, wording = pick(BOTH[group], rng)
        q, r = rng.choice(first.relation.questions[group]), rng.choice(second.relation.questions[group])
        name, asked = "both", wording.format(q=first.say(q), qs=first.go_on(q), r=second.go_on(r))
    meta = key("completeness", first, f"completeness.{name}/{group}/{number}")
    meta["parts"] = [list(first.accepted), list(second.accepted)]
    mine = {v.lower() for v in (*first.accepted, *second.accepted, first.entity.name, second.entity.name)}
    meta["wrong"] = [w for w in dict.fromkeys([*first.wrong, *second.wrong]) if w.lower() not in mine]
    good = joined(first, second, rng)
    half, false = first.answer(rng), joined(first, second, rng, second.mistake(rng))
    return Case((user(asked),), meta, good, {"partial": half, "wrong": false})


def joined(first: Fact, second: Fact, rng: random.Random, value: str | None = None) -> str:
    """Both answers, as two sentences or one."""
    one = first.answer(rng)
    if rng.random() < 0.6:
        return f"{one} {second.answer(rng, value)}"
    return one.rstrip(".") + second.frame(", and {small}", rng, value)
