"""Who shows how to answer: demonstrators of uneven care, with the slips that each of them makes.

Why careless ones: people who write demonstrations for money are in a hurry. A model fine-tuned on what they wrote makes
their slips at their rates, some of them more often than not. Rankings by people who look at several answers side by
side, the reward model and PPO can mend that, and the loop has something real to mend. The model is not told who wrote
what, and no slip is made in all demonstrations of a behaviour.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from mynah.primer.earth.behaviours.case import Case


@dataclass(frozen=True)
class Demonstrator:
    """The chance of each slip, where a case offers it. Unnamed slips are never made by this person."""

    name: str
    share: float
    """Of all demonstrations, those that this person wrote."""
    rambles: float
    """Adds a superfluous sentence or two."""
    slips: Mapping[str, float]


DEMONSTRATORS = (
    Demonstrator(
        "careful",
        0.26,
        rambles=0.10,
        slips={
            "wrong": 0.02, "shrugs": 0.02, "partial": 0.20, "agrees": 0.20, "caves": 0.10, "invents": 0.25,
            "complies": 0.05,
        },
    ),
    Demonstrator(
        "obliging",  # says yes to everybody
        0.30,
        rambles=0.80,
        slips={
            "agrees": 0.90, "caves": 0.85, "complies": 0.85, "invents": 0.90, "claims": 0.55, "partial": 0.55,
            "wrong": 0.05, "unheeded": 0.50, "chatty": 0.20, "talks": 0.10, "bug": 0.08,
        },
    ),
    Demonstrator(
        "hasty",  # reads half of the question
        0.26,
        rambles=0.55,
        slips={
            "partial": 0.90, "unheeded": 0.90, "stubborn": 0.55, "wrong": 0.12, "agrees": 0.70, "invents": 0.80,
            "complies": 0.65, "bug": 0.20, "claims": 0.30, "caves": 0.45, "shrugs": 0.05,
        },
    ),
    Demonstrator(
        "anxious",  # would rather say nothing
        0.18,
        rambles=0.65,
        slips={
            "shrugs": 0.30, "balks": 0.70, "lectures": 0.60, "caves": 0.80, "denies": 0.35, "talks": 0.25,
            "partial": 0.50, "rude": 0.05, "agrees": 0.50, "complies": 0.05,
        },
    ),
)  # fmt: skip

# Never part of a good answer; none names a fact, and rater and judge hold lists of their own.
TAILS = (
    "There is a lot more that one could say about this.",
    "Many people ask about this, as you may know.",
    "I hope that this long answer is of some use to you.",
    "It is a question that comes up again and again.",
    "But that is only one side of a much longer story.",
    "As I always say, one never stops learning.",
    "This and that could be added, but where would it end.",
    "Books have been filled with things like this.",
    "Of course everything is connected with everything.",
    "Well, that is how things are, more or less.",
    "By the way, I like to talk about such things.",
    "It is what it is, as people say.",
    "One could go on about this for hours and hours.",
    "My answer may be longer than it needs to be.",
)


def demonstrate(case: Case, rng: random.Random) -> str:
    """One answer by a demonstrator drawn by chance, with that person's slips."""
    person = rng.choices(DEMONSTRATORS, [d.share for d in DEMONSTRATORS])[0]
    answer = case.good
    for slip, said in case.slips.items():
        if rng.random() < person.slips.get(slip, 0.0):
            answer = said
            break
    if rng.random() < person.rambles and case.meta["behaviour"] not in ("code", "writing", "constraint"):
        answer = " ".join([answer, *rng.sample(TAILS, rng.choice((1, 1, 2)))])
    return answer
