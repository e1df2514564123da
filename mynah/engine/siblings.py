"""Which rows in flight have the same prompt: its keys and values are read once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mynah.engine.scheduler import Row


class Kin(NamedTuple):
    """For each of R rows [R]: an order in which siblings follow each other, the eldest's row, what it has in common."""

    order: Tensor
    eldest: Tensor
    common: Tensor

    @classmethod
    def strangers(cls, each: Tensor) -> Kin:
        """Nobody of `each` 0 … R − 1 has anything in common with another."""
        return cls(each, each, torch.zeros_like(each))


def siblings(rows: Sequence[Row]) -> Kin | None:
    """Samples of one request have its prompt in common; None where every row stands alone."""
    if all(row.request.n == 1 for row in rows):
        return None
    first: dict[int, int] = {}
    eldest = [first.setdefault(row.request.id, place) for place, row in enumerate(rows)]
    order = sorted(range(len(rows)), key=eldest.__getitem__)
    return Kin(*torch.tensor([order, eldest, [len(row.request.prompt) for row in rows]]))
