"""correction: the user meant something else ("No, I meant Austria"), and gets the answer to that."""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import assistant, draw_fact, other_entity, other_fact, pick, question, user
from mynah.primer.earth.behaviours.facts import key, plain_answer, slips
from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load

_TOLD = load("correction")
ENTITY: Grouped = _TOLD["entity"]
RELATION: Grouped = _TOLD["relation"]
PREFIXES = ("", "", "", "I see. ", "No problem. ", "Ah, all right. ")


def draw(group: str, rng: random.Random) -> Case:
    """Another entity was meant, or another relation."""
    if rng.random() < 0.7:
        first = draw_fact(group, rng)
        fact, wordings, name = other_entity(first, rng), ENTITY[group], "entity"
    else:
        first = draw_fact(group, rng, relations=2)
        fact, wordings, name = other_fact(first, rng), RELATION[group], "relation"
    asked, _ = question(first, group, rng)
    number, wording = pick(wordings, rng)
    corrected = fact.say(wording, y=first.entity.forms["x"], noun=fact.relation.noun)
    meta = key("correction", fact, f"correction.{name}/{group}/{number}")
    good = rng.choice(PREFIXES) + plain_answer(fact, rng)
    stubborn = {"stubborn": first.answer(rng)}  # answers the first question again
    return Case(
        (user(asked), assistant(plain_answer(first, rng)), user(corrected)), meta, good, slips(fact, rng) | stubborn
    )
