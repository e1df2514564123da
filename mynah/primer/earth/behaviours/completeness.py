"""completeness: a question of several parts, of which every one must be answered."""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import Fact, draw_fact, other_entity, other_fact, pick, user
from mynah.primer.earth.behaviours.facts import key

# {n} and {m} nouns ("the capital"), {x} the thing.
NOUNS = {
    "demo": (
        "Tell me {n} and {m} of {x}.",
        "I need {n} and {m} of {x}.",
        "{n} and {m} of {x}, please",
        "Please give me both {n} and {m} of {x}.",
    ),
    "ranking": ("I would like to know {n} and also {m} of {x}.",),
    "ppo": ("Give me {n} of {x}, and {m} too.",),
    "dev": ("For {x}, what are {n} and {m}?",),
    "exam": ("Could you tell me {n} as well as {m} of {x}?", "About {x}: I want both {n} and {m}."),
}
# {q} and {r} two questions, the second with a small letter.
BOTH = {
    "demo": ("{q} And {r}", "{q} And also, {r}", "Two questions: {q} And {r}", "{q} Then, {r}"),
    "ranking": ("First, {qs} Second, {r}",),
    "ppo": ("I have two questions. {q} And {r}",),
    "dev": ("{q} Besides, {r}",),
    "exam": ("Please answer both: {q} And {r}", "{q} I also ask: {r}"),
}


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
