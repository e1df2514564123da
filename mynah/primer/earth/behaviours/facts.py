"""facts: one question, one fact."""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import SHRUGS, Fact, draw_fact, guided, question, sentence, user


def draw(group: str, rng: random.Random) -> Case:
    """A question on an entity of the group's split, in the group's words."""
    fact = draw_fact(group, rng)
    asked, phrasing = question(fact, group, rng)
    return Case((user(asked),), key("facts", fact, phrasing), plain_answer(fact, rng), slips(fact, rng))


def key(behaviour: str, fact: Fact, phrasing: str) -> dict:
    """The answer key of a question whose answer is this fact."""
    return {
        "behaviour": behaviour,
        "entity": f"{fact.kind.key}/{fact.entity.name}",
        "relation": f"{fact.kind.key}.{fact.relation.key}",
        "phrasing": phrasing,
        "parts": [list(fact.accepted)],
        "wrong": fact.wrong,
        "form": "",
    }


def plain_answer(fact: Fact, rng: random.Random) -> str:
    """A sentence; now and then just the value."""
    if rng.random() < 0.12 and not guided():
        return sentence(fact.fill(fact.relation.brief)).rstrip(".") + "."
    return fact.answer(rng)


def slips(fact: Fact, rng: random.Random) -> dict[str, str]:
    return {"wrong": fact.answer(rng, fact.mistake(rng)), "shrugs": rng.choice(SHRUGS)}
