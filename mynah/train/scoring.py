"""A reward model's scores of token sequences, prompts computed once for all their completions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mynah.model.heads import EnsembleHeads, ScalarModel
from mynah.model.packed import PackedPlan
from mynah.nouns import Group
from mynah.train.packing import FILL, lay_out, partition

IN_CACHE = 4096
"""Tokens of a pass on a CPU. Attention's scores of more of them leave the caches: 16 384 took 1.7 times as long."""


def unsupervised(prompt: Sequence[int], completions: Sequence[Sequence[int]]) -> Group:
    """A group of which only the end of each completion is read."""
    branches = tuple(map(tuple, completions))
    return Group(tuple(prompt), (False,) * len(prompt), branches, tuple((False,) * len(branch) for branch in branches))


@dataclass(frozen=True)
class Ends:
    """What one pass read: the hidden states at the ends of some groups' completions."""

    indices: list[int]
    """Which groups."""
    counts: tuple[int, ...]
    """Completions of each."""
    states: Tensor  # [S, D], one group's after the other's


@torch.no_grad()
def read_ends(model: ScalarModel, groups: Sequence[Group], budget: int) -> Iterator[Ends]:
    """All groups, a pass at a time.

    budget: tokens in one pass; where the model is on a CPU, at most IN_CACHE.
    """
    if model.device.type == "cpu":
        budget = min(budget, IN_CACHE)
    for indices in partition(groups, budget):
        batch = lay_out([groups[i] for i in indices], model.device, FILL)
        ends = model.hidden(batch.tokens, batch.positions, PackedPlan(batch, model.dtype))[batch.ends]
        yield Ends(indices, batch.sequences_per_group, ends)


@torch.no_grad()
def score_ends(
    model: ScalarModel, ends: Iterable[Ends], ensemble: EnsembleHeads | None = None
) -> list[tuple[Tensor, Tensor]]:
    """For each group its completions' (scores [K], ensemble scores [K, M]), on the CPU; M is 0 without an ensemble."""
    found: dict[int, tuple[Tensor, Tensor]] = {}
    for read in ends:
        scores = model.read(read.states).cpu()
        spread = ensemble(read.states).cpu() if ensemble else scores.new_empty(len(scores), 0)
        for index, part, parts in zip(read.indices, scores.split(read.counts), spread.split(read.counts), strict=True):
            found[index] = (part, parts)
    return [found[index] for index in range(len(found))]


def score_groups(
    model: ScalarModel, groups: Sequence[Group], budget: int, ensemble: EnsembleHeads | None = None
) -> list[tuple[Tensor, Tensor]]:
    """`score_ends` of `read_ends`."""
    return score_ends(model, read_ends(model, groups, budget), ensemble)
