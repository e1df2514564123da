"""Where a labeller's eye stumbles: over words that nobody uses here, and over neighbours that nobody puts together."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from mynah.primer.earth.corpus import excerpt
from mynah.primer.earth.demonstrators import TAILS
from mynah.primer.earth.dialogues import DRAW

COMMON = 300
"""So many words are so frequent that any two of them which are never neighbours do not belong side by side."""
ANSWERS = 500
"""Of each behaviour."""
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
STOP = re.compile(r"[.,;:!?\"()\n]+")


def stumbles(answer: str, asked: str) -> int:
    """How often a reader stumbles. Words of the question are known to whoever asked it."""
    words, common, neighbours = _read()
    heard, found = set(WORD.findall(asked.lower())), 0
    for clause in _clauses(answer):
        known = [word in words or word in heard for word in clause]
        found += known.count(False)
        pairs = [pair for pair in pairwise(clause) if common.issuperset(pair)]
        found += sum(pair not in neighbours for pair in pairs)
    return found


@cache
def _read() -> tuple[frozenset[str], frozenset[str], frozenset[tuple[str, str]]]:
    """(all words, the common ones, pairs of neighbours) of a tenth of the world's text, and of good answers."""
    count: Counter[str] = Counter()
    neighbours: set[tuple[str, str]] = set()
    rng = random.Random("legible")
    said = [draw("demo", rng).good for draw in DRAW.values() for _ in range(ANSWERS)]
    for text in (*excerpt(0), *said, *TAILS):  # rambling is plain English, too
        for clause in _clauses(text):
            count.update(clause)
            neighbours.update(pairwise(clause))
    return frozenset(count), frozenset(word for word, _ in count.most_common(COMMON)), frozenset(neighbours)


def _clauses(text: str) -> Sequence[list[str]]:
    return [WORD.findall(clause) for clause in STOP.split(text.lower().replace("’", "'"))]
