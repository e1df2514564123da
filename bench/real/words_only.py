"""What words alone tell: a logistic of the words and pairs of neighbours that an answer has, and of its length.

It knows no language, reads no order beyond two words and sees no prompt but its subset. Beside length alone it says how
much of people's preferences so few pairs can teach a model that brings nothing along.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from zlib import crc32

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.real import result
from bench.real.judgements import Fold, Judged

TABLE = 2**16
"""Weights that words and pairs are hashed to."""
PENALTIES = (0.01, 0.03, 0.1, 0.3)
"""Of the squared weights, halved; the best on the dev part is taken."""
OWN = 0.7
"""How freely a subset's own weights move beside those of all, as a factor of their features."""
LENGTH = 3.0
"""The same of log length."""


def by_words(fold: Fold) -> list[float]:
    """`result.outcomes` on a fold's test rows of the logistic, fitted on the other folds."""
    differences = _differences(fold.train)
    fits = [_fit(differences, penalty) for penalty in PENALTIES]
    best = max(fits, key=lambda weights: result.macro(fold.dev, _scores(fold.dev, weights)))
    return result.outcomes([row.comparison for row in fold.test], _scores(fold.test, best))


def _fit(differences: Tensor, penalty: float) -> Tensor:
    """The weights [TABLE, 1] under which the better answers are likeliest, less the penalty; the problem is convex."""
    weights = torch.zeros(TABLE, 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=60)

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.softplus(-torch.sparse.mm(differences, weights)).mean() + penalty / 2 * weights.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()


def _scores(rows: Sequence[Judged], weights: Tensor) -> list[list[float]]:
    return [
        [sum(value * weights[place].item() for place, value in _features(text, row.subset)) for text in row.answers]
        for row in rows
    ]


def _differences(rows: Sequence[Judged]) -> Tensor:
    """The features of every better answer less those of the worse, sparse [pairs, TABLE]."""
    places: list[tuple[int, int]] = []
    values: list[float] = []
    pairs = [(row, better, worse) for row in rows for better, worse in row.comparison.pairs()]
    for number, (row, better, worse) in enumerate(pairs):
        for answer, sign in ((better, 1.0), (worse, -1.0)):
            for place, value in _features(row.answers[answer], row.subset):
                places.append((number, place))
                values.append(sign * value)
    indices = torch.tensor(places).reshape(-1, 2).T
    return torch.sparse_coo_tensor(
        indices, torch.tensor(values), (len(pairs), TABLE), check_invariants=False
    ).coalesce()


def _features(answer: str, subset: str) -> Iterator[tuple[int, float]]:
    """(place in the table, value) of each word and pair that occurs, and of log length: for all subsets, and own."""
    words = re.findall(r"[\w']+|[^\w\s]", answer.lower())
    grams = dict.fromkeys([*words, *(f"{a} {b}" for a, b in pairwise(words))], 1.0)
    for gram, value in (grams | {"log length": LENGTH * math.log1p(len(answer))}).items():
        yield _place(gram), value
        yield _place(f"{subset}: {gram}"), value if gram == "log length" else OWN * value


def _place(name: str) -> int:
    return crc32(name.encode()) % TABLE
