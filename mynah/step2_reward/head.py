"""The score head fitted on the trunk as it is, before anything is trained: a linear probe (Kumar 2022, LP-FT).

A head that is drawn at random first pulls the trunk about, and few updates do not make a good one of it. On hidden
states that stay as they are, the best head of all is found at once: the problem is convex.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor

from mynah.step2_reward.comparisons import RankedGroup
from mynah.step2_reward.loss import ranking_loss
from mynah.train.order import share

PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Of the squared weights, halved, where features are of unit size; the right one depends on how much there is."""
PARTS = 5
"""Each part's prompts, all rankings of a prompt together, are judged by heads that are fitted on the others."""
ITERATIONS = 100


@dataclass(frozen=True)
class _Pairs:
    """All strict preferences over all completions."""

    features: Tensor  # [S, D]
    better: Tensor  # [P]
    worse: Tensor  # [P]
    weights: Tensor  # [P, 1]
    parts: Tensor  # [P]

    def loss(self, heads: Tensor, weights: Tensor) -> Tensor:
        """heads: [M, D]; weights: [P, M]."""
        return ranking_loss(F.linear(self.features, heads), self.better, self.worse, weights)

    def fit(self, weights: Tensor, penalty: float) -> Tensor:
        """The heads [M, D] that are best for weights [P, M]."""
        heads = torch.zeros(weights.shape[1], self.features.shape[1], requires_grad=True)
        optimiser = torch.optim.LBFGS([heads], max_iter=ITERATIONS, line_search_fn="strong_wolfe")
        shares = weights / weights.sum(0).clamp(min=1e-9)

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = self.loss(heads, shares) + penalty / 2 * heads.square().sum()
            loss.backward()
            return loss

        optimiser.step(closure)
        return heads.detach()

    def unseen(self, penalty: float) -> float:
        """The loss on prompts that a head was not fitted on."""
        total = 0.0
        for part in range(PARTS):
            held = torch.where((self.parts == part)[:, None], self.weights, 0.0)
            total += float(self.loss(self.fit(self.weights - held, penalty), held))
        return total


@torch.enable_grad()
def fit_heads(
    ends: Sequence[Tensor], groups: Sequence[RankedGroup], counts: Tensor, show: Callable[..., None] = lambda **_: None
) -> Tensor:
    """Heads [1 + M, D] under which the rankings are likeliest, less a penalty that cross-validation chooses.

    Args:
        ends: Of each group the hidden states [K, D] at its completions' ends, fp32.
        groups: What was preferred.
        counts: [groups, M], how often each head of the ensemble drew each group; the first head sees each once.
        show: Told how far it is.
    """
    firsts = [0, *accumulate(map(len, ends))]
    rows = [
        (first + better, first + worse, weight, number, int(share(repr(ranked.group.trunk)) * PARTS))
        for number, (first, ranked) in enumerate(zip(firsts, groups, strict=False))
        for better, worse, weight in ranked.pairs
    ]
    better, worse, weights, numbers, parts = (torch.tensor(column) for column in zip(*rows, strict=True))
    features = torch.cat(list(ends))
    size = (features[better] - features[worse]).square().mean(0).sqrt().clamp(min=1e-6) * features.shape[1] ** 0.5
    pairs = _Pairs(features / size, better, worse, weights[:, None], parts)
    losses = {}
    for penalty in PENALTIES:
        show(head=f"fitting, penalty {penalty:g}")
        losses[penalty] = pairs.unseen(penalty)
    penalty = min(losses, key=losses.__getitem__)
    drawn = torch.cat([torch.ones(len(numbers), 1), counts[numbers]], dim=1)
    fitted = pairs.fit(pairs.weights * drawn, penalty) / size
    show(head=f"fitted, penalty {penalty:g}")
    return fitted
