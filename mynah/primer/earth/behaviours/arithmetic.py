"""arithmetic: small sums."""

from __future__ import annotations

import random

from mynah.primer.earth import sums
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import pick, sentence, user
from mynah.primer.earth.kinds import SPLITS


def draw(group: str, rng: random.Random) -> Case:
    """A sum of the group's split, in the group's words."""
    while True:
        op = rng.choice(tuple(sums.QUESTIONS))
        a, b = rng.choice(sums.pairs(op))
        if sums.split_of(op, a, b) == SPLITS[group]:
            break
    value = sums.result(op, a, b)
    number, wording = pick(sums.QUESTIONS[op][group], rng)
    meta = {
        "behaviour": "arithmetic",
        "entity": f"{op}/{a}/{b}",
        "phrasing": f"arithmetic.{op}/{group}/{number}",
        "parts": [[str(value)]],
        "wrong": [str(n) for n in range(401) if n not in (a, b, value)],
        "form": "",
    }
    off = value + rng.choice((-2, -1, 1, 2, 10)) if value > 1 else value + rng.choice((1, 2))
    good, wrong = (sentence(rng.choice(sums.ANSWERS[op]).format(a=a, b=b, v=v)) for v in (value, off))
    return Case((user(sentence(wording.format(a=a, b=b))),), meta, good, {"wrong": wrong, "shrugs": "I do not know."})
