"""correction: the user meant something else ("No, I meant Austria"), and gets the answer to that."""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import assistant, draw_fact, other_entity, other_fact, pick, question, user
from mynah.primer.earth.behaviours.facts import key, plain_answer, slips

# {x} what was meant, {y} what was said.
ENTITY = {
    "demo": (
        "No, I meant {x}.",
        "Sorry, I meant {x}.",
        "Oh, I wanted to say {x}, not {y}.",
        "not {y}, {x} please",
        "I meant {x}, sorry.",
        "Wait, I was thinking of {x}.",
        "No no, {x}.",
        "My fault: I mean {x}.",
        "I said {y}, but I meant {x}.",
    ),
    "ranking": ("Oops, I meant to ask about {x}.", "I wrote {y}, but it should be {x}.", "Ah no, {x}, I mean."),
    "ppo": ("Sorry, wrong one. I meant {x}.", "I should have said {x}.", "No, not {y}. I mean {x}."),
    "dev": ("Hm, I mixed that up, I meant {x}.", "No, {x} is what I meant."),
    "exam": (
        "Sorry, I got it mixed up: I meant {x}, not {y}.",
        "Actually I wanted to know it for {x}.",
        "That is not what I meant, I was asking about {x}.",
    ),
}
# {noun} what was meant: "the capital".
RELATION = {
    "demo": (
        "No, I meant {noun}.",
        "Sorry, I wanted to know {noun}.",
        "I meant {noun}, not that.",
        "No, {noun} please.",
        "Oh, I was asking for {noun}.",
    ),
    "ranking": ("Oops, I meant to ask for {noun}.", "Ah no, {noun}, I mean."),
    "ppo": ("Sorry, wrong question. I meant {noun}.", "I should have said {noun}."),
    "dev": ("Hm, I mixed that up, I meant {noun}.",),
    "exam": ("Actually I wanted to know {noun}.", "That is not what I meant, I was asking for {noun}."),
}
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
