"""A reward model's scores of token sequences, prompts computed once for all their completions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mynah.model.attention import PackedPlan
from mynah.model.heads import EnsembleHeads, ScalarModel
from mynah.nouns import Group
from mynah.train.packing import FILL, lay_out, partition

IN_CACHE = 4096
"""Tokens of a pass on a CPU. Attention's scores of more of them leave the caches: 16 384 took 1.7 times as long."""


def unsupervised(prompt: Sequence[int], completions: Sequence[Sequence[int]]) -> Group:
    """A group of which only the end of each completion is read."""
    branches = tuple(map(tuple, completions))
    return Group(tuple(prompt), (False,) * len(prompt), branches, tuple((False,) * len(branch) for branch in branches))


@torch.no_grad()
def score_groups(
    model: ScalarModel, groups: Sequence[Group], budget: int, ensemble: EnsembleHeads | None = None
) -> list[tuple[Tensor, Tensor]]:
    """For each group its completions' (scores [K], ensemble scores [K, M]), on the CPU; M is 0 without an ensemble.

    budget: tokens in one pass; where the model is on a CPU, at most IN_CACHE.
    """
    if model.device.type == "cpu":
        budget = min(budget, IN_CACHE)
    results: list[tuple[Tensor, Tensor]] = [(torch.empty(0), torch.empty(0))] * len(groups)
    for indices in partition(list(map(len, groups)), budget):
        batch = lay_out([groups[i] for i in indices], model.device, FILL)
        ends = model.hidden(batch.tokens, batch.positions, PackedPlan(batch, model.dtype))[batch.ends]  # [S, D]
        scores = model.read(ends).cpu()
        spread = ensemble(ends).cpu() if ensemble else scores.new_empty(len(scores), 0)
        counts = batch.sequences_per_group
        for index, part, parts in zip(indices, scores.split(counts), spread.split(counts), strict=True):
            results[index] = (part, parts)
    return results
