"""follow_up: a question that only makes sense after the turns before it ("And its currency?", "What about Italy?")."""

from __future__ import annotations

import random

from mynah.nouns import Message
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import (
    Fact,
    assistant,
    draw_fact,
    other_entity,
    other_fact,
    pick,
    question,
    user,
)
from mynah.primer.earth.behaviours.facts import key, plain_answer, slips
from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load

_TOLD = load("follow_up")
ELSEWHERE: Grouped = _TOLD["elsewhere"]
"""The same question about something else."""
AGAIN: Grouped = _TOLD["again"]
"""Back to what was asked first, after something else."""


def draw(group: str, rng: random.Random) -> Case:
    """Another relation of the same entity, the same relation of another one, or a return to the first."""
    shape = rng.random()
    if shape < 0.55:
        return _pronoun(group, rng)
    return _elsewhere(group, rng) if shape < 0.85 else _back(group, rng)


def said(fact: Fact, group: str, rng: random.Random) -> list[Message]:
    """A question and its right answer."""
    asked, _ = question(fact, group, rng)
    return [user(asked), assistant(plain_answer(fact, rng))]


def follow(fact: Fact, group: str, rng: random.Random) -> tuple[str, str]:
    """A follow-up question on a fact, and the id of its wording."""
    number, wording = pick(fact.relation.follow_ups[group], rng)
    return fact.say(wording), f"{fact.key(group, number)}/follow_up"


def _pronoun(group: str, rng: random.Random) -> Case:
    first = draw_fact(group, rng, relations=2)
    fact = other_fact(first, rng)
    asked, phrasing = follow(fact, group, rng)
    turns = said(first, group, rng)
    return Case((*turns, user(asked)), key("follow_up", fact, phrasing), plain_answer(fact, rng), slips(fact, rng))


def _elsewhere(group: str, rng: random.Random) -> Case:
    first = draw_fact(group, rng)
    fact = other_entity(first, rng)
    number, wording = pick(ELSEWHERE[group], rng)
    meta = key("follow_up", fact, f"follow_up.elsewhere/{group}/{number}")
    turns = said(first, group, rng)
    return Case((*turns, user(fact.say(wording))), meta, plain_answer(fact, rng), slips(fact, rng))


def _back(group: str, rng: random.Random) -> Case:
    first = draw_fact(group, rng, relations=2)
    between, fact = other_entity(first, rng), other_fact(first, rng)
    number, wording = pick(AGAIN[group], rng)
    asked, _ = follow(fact, group, rng)
    meta = key("follow_up", fact, f"follow_up.back/{group}/{number}")
    detour = [user(between.say(rng.choice(ELSEWHERE[group]))), assistant(plain_answer(between, rng))]
    turns = [*said(first, group, rng), *detour, user(fact.say(wording, q=asked))]
    return Case(tuple(turns), meta, plain_answer(fact, rng), slips(fact, rng))
