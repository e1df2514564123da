"""Echoes: talk in which a reply says again what was just said; from these a small model learns to copy a name.

They hold no question and no fact, so that things held out from questions may be in them.
"""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours.fact import sentence
from mynah.primer.earth.endless import word
from mynah.primer.earth.howtos import howtos
from mynah.primer.earth.kinds import KINDS
from mynah.primer.earth.wordings import load

TOLD = load("echoes")


def document(rng: random.Random) -> str:
    """Two to six echoes on different things, as lines or as running speech."""
    layout = rng.choice(("{s}\n{r}", "- {s}\n- {r}", "A: {s}\nB: {r}", '"{s}" "{r}"', "{s} {r}"))
    return "\n".join(layout.format(s=said, r=reply) for said, reply in (_echo(rng) for _ in range(rng.randint(2, 6))))


def _echo(rng: random.Random) -> tuple[str, str]:
    what = rng.choice(("things", "things", "pairs", "deeds", "words"))
    said, reply = rng.choice(TOLD[what])
    if what == "deeds":
        slots = {"x": rng.choice(howtos()).name}
    elif what == "words":
        slots = {"x": " ".join(_word(rng) for _ in range(rng.randint(1, 3)))}
    else:
        one, other = (rng.choice(rng.choice(KINDS).entities).forms["x"] for _ in range(2))
        slots = {"x": one, "y": other}
    return sentence(said.format(**slots)), sentence(reply.format(**slots))


def _word(rng: random.Random) -> str:
    made = word(rng)
    return made.capitalize() if rng.random() < 0.4 else made
