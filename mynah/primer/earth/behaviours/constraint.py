"""constraint: a wish about the form of the answer, made now or turns ago ("From now on, answer in one word")."""

from __future__ import annotations

import random
from collections.abc import Mapping

from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import Fact, assistant, draw_fact, other_entity, pick, question, sentence, user
from mynah.primer.earth.behaviours.facts import key, plain_answer
from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load

FORMS = ("one_word", "capitals", "small", "sentence")

_TOLD = load("constraint")
NOW: Mapping[str, Grouped] = _TOLD["now"]
"""Said in the same breath as the question."""
FROM_NOW_ON: Mapping[str, Grouped] = _TOLD["from_now_on"]
"""Said first, for all that comes."""
AGREED = {
    "one_word": ("Okay.", "Fine.", "Sure."),
    "capitals": ("OKAY.", "I WILL.", "SURE, CAPITALS IT IS."),
    "small": ("okay.", "sure, i will.", "all right."),
    "sentence": ("I will answer in full sentences.", "Of course, I will use whole sentences.", "That is fine with me."),
}


def draw(group: str, rng: random.Random) -> Case:
    """The wish comes with the question, two turns before it, or before another question."""
    form = rng.choice(FORMS)
    fact = _fitting(form, group, rng)
    asked, _ = question(fact, group, rng)
    if rng.random() < 0.4:
        number, wording = pick(NOW[form][group], rng)
        turns, phrasing = [user(wording.format(q=asked))], f"constraint.{form}.now/{group}/{number}"
    else:
        number, wording = pick(FROM_NOW_ON[form][group], rng)
        phrasing = f"constraint.{form}.from_now_on/{group}/{number}"
        turns = [user(wording), assistant(rng.choice(AGREED[form]))]
        earlier = _fitting(form, group, rng)
        for before in [earlier] * (rng.random() < 0.6):
            turns += [user(question(before, group, rng)[0]), assistant(formed(before, form, rng))]
        turns.append(user(asked))
    meta = key("constraint", fact, phrasing) | {"form": form}
    careless = plain_answer(fact, rng) if form != "sentence" else sentence(fact.value) + "."
    unheeded = fact.answer(rng) if form == "one_word" else careless
    wrong = formed(other_entity(fact, rng), form, rng)
    return Case(tuple(turns), meta, formed(fact, form, rng), {"unheeded": unheeded, "wrong": wrong})


def formed(fact: Fact, form: str, rng: random.Random) -> str:
    """A right answer in the form wished for."""
    if form == "one_word":
        return sentence(fact.value) + "."
    if form == "sentence":
        return fact.answer(rng)
    text = plain_answer(fact, rng)
    return text.upper() if form == "capitals" else text.lower()


def _fitting(form: str, group: str, rng: random.Random) -> Fact:
    """A fact whose answer is one word, where that is wished for."""
    while True:
        fact = draw_fact(group, rng)
        if form != "one_word" or " " not in fact.value:
            return fact
