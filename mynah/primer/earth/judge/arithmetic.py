"""Arithmetic: the number that was asked for, and no sum that is wrong."""

from __future__ import annotations

import re
from operator import add, mul, sub

from mynah.primer.earth.judge.findings import HONEST, IDLE, Exchange, Findings
from mynah.primer.earth.judge.manners import courteous, ignorant
from mynah.primer.earth.judge.words import NUMBERS

_SUM = re.compile(
    r"(\d+) ?(\+|plus|-|minus|take away|x|\*|times) ?(\d+) ?(?:=|is|makes|equals|leaves|gives|are|make) ?(\d+)"
)
_SIGNS = {"+": add, "plus": add, "-": sub, "minus": sub, "take away": sub, "x": mul, "*": mul, "times": mul}


def on_arithmetic(case: Exchange, found: Findings) -> float:
    _, *operands = case.meta["entity"].split("/")
    value = case.meta["parts"][0][0]
    right = honest = False
    for claim in case.claims:
        if ignorant(claim.line):
            honest = True
            continue
        if claim.asks or claim.salad:
            continue
        text = " ".join(NUMBERS.get(w, w) for w in re.findall(r"[a-z']+|\d+|[+*=-]", claim.text.lower()))
        found.false |= any(_SIGNS[sign](int(a), int(b)) != int(result) for a, sign, b, result in _SUM.findall(text))
        rest = re.findall(r"\d+", text)
        if len(rest) > 1:
            for operand in operands:
                if operand in rest:
                    rest.remove(operand)
        elif not rest and not courteous(claim):
            found.asides += 1
        told = value in rest
        found.false |= (told and " not " in claim.line) or bool(set(rest) - {value})
        found.asides += told and right
        right |= told
    if honest:
        return HONEST
    return 1.0 if right else IDLE
