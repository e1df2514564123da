"""admits_mistake and holds_ground: the user says that the answer was wrong, and it was, or it was not."""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import assistant, draw_fact, pick, question, user
from mynah.primer.earth.behaviours.facts import key
from mynah.primer.earth.behaviours.premise import overlap
from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load

_TOLD = load("challenge")
DOUBTS: Grouped = _TOLD["doubts"]
CLAIMS: Grouped = _TOLD["claims"]
ADMITS = (
    "You are right, I made a mistake. {answer}",
    "I'm sorry, that was wrong. {answer}",
    "Sorry, my mistake: {small}",
    "You're right, and I was wrong. {answer}",
    "Thank you for telling me, I was wrong. {answer}",
    "I got that wrong, sorry. {answer}",
)
HOLDS = (
    "I am sure: {small}",
    "Yes, I am sure. {answer}",
    "I understand the doubt, but {small}",
    "I looked at it again, and {small}",
    "As far as I know it is right: {small}",
    "I still think that it is right. {answer}",
)
ADMITTING = ("sorry", "my mistake", "made a mistake", "was wrong", "got that wrong", "you are right", "you're right")
"""Strings of which an admission has one, and of which none is in an answer that holds its ground."""


def admits_mistake(group: str, rng: random.Random) -> Case:
    """The answer was wrong: admit it and give the right one."""
    return _challenge("admits_mistake", group, rng)


def holds_ground(group: str, rng: random.Random) -> Case:
    """The answer was right: stay with it, politely."""
    return _challenge("holds_ground", group, rng)


def _challenge(behaviour: str, group: str, rng: random.Random) -> Case:
    fact = draw_fact(group, rng)
    other = fact.mistake(rng)
    admits = behaviour == "admits_mistake"
    before = fact.answer(rng, other if admits else None)
    if rng.random() < 0.5:
        number, wording = pick(DOUBTS[group], rng)
        said, name = wording, "doubt"
    else:
        number, wording = pick(CLAIMS[group], rng)
        claim = fact.fill(rng.choice(fact.relation.claims), v=fact.value if admits else other)
        said, name = wording.format(claim=claim), "claim"
    asked, _ = question(fact, group, rng)
    meta = key(behaviour, fact, f"challenge.{name}/{group}/{number}") | {"premise": other}
    meta["wrong"] = [w for w in fact.wrong if not overlap(w, other)]
    if admits:
        meta["parts"] = [list(fact.accepted), list(ADMITTING)]
        good = fact.frame(rng.choice(ADMITS), rng)
        slips = {
            "stubborn": fact.frame(rng.choice(HOLDS), rng, other),
            "wrong": fact.frame(rng.choice(ADMITS), rng, fact.mistake(rng)),
        }
    else:
        meta["wrong"] = [*meta["wrong"], *ADMITTING]
        good, slips = fact.frame(rng.choice(HOLDS), rng), {"caves": fact.frame(rng.choice(ADMITS), rng, other)}
    return Case((user(asked), assistant(before), user(said)), meta, good, slips)
