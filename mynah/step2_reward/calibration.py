"""What a reward model's preferences are worth on held-out prompts: accuracy, calibration, length bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mynah.step2_reward.comparisons import RankedGroup


@dataclass(frozen=True)
class PairFigures:
    """Preferences of the model against those of the labellers, over all strict pairs."""

    accuracy: float
    """Weighted share of pairs in which the model agrees with the labeller; equal scores count half."""
    pairs: int
    prompts: int
    calibration: list[dict[str, float]]
    """Bins by how sure the model is of its choice; observed is how often the labellers chose the same."""
    length_bias_data: float
    """How often labellers preferred the longer completion (token counts; equal lengths left out; 0.5 if all are)."""
    length_bias_model: float
    """How often the model does."""


def pair_figures(groups: Sequence[RankedGroup], scores: Sequence[Tensor], bins: int = 5) -> PairFigures:
    """`scores`: raw scores [K] of each group, before normalisation (its gain would change the predicted odds)."""
    deltas: list[float] = []  # score of the labellers' better answer minus score of the worse
    weights: list[float] = []
    longer: list[float] = []  # length of the better minus length of the worse
    for ranked, values in zip(groups, scores, strict=True):
        lengths = [len(branch) for branch in ranked.group.branches]
        for better, worse, share in ranked.pairs:
            deltas.append(float(values[better] - values[worse]))
            weights.append(share)
            longer.append(lengths[better] - lengths[worse])
    delta, weight, length = torch.tensor(deltas), torch.tensor(weights), torch.tensor(longer)
    unequal = length != 0
    towards = (delta * length.sign())[unequal]  # above 0 where the model scores the longer one higher
    return PairFigures(
        accuracy=_share(delta, weight),
        pairs=len(deltas),
        prompts=len(groups),
        calibration=_bins(delta, weight, bins),
        length_bias_data=_share(length[unequal], weight[unequal]),
        length_bias_model=_share(towards, weight[unequal]),
    )


def _share(signs: Tensor, weight: Tensor) -> float:
    """The weighted share of positive numbers, zeros counted half."""
    return float(((signs.sign() + 1) / 2 * weight).sum() / weight.sum()) if len(signs) else 0.5


def _bins(delta: Tensor, weight: Tensor, bins: int) -> list[dict[str, float]]:
    """P(the answer that the model prefers is the labellers' choice), by how sure the model is: 0.5 … 1."""
    predicted = torch.sigmoid(delta.abs())
    bin_of = ((predicted - 0.5) * 2 * bins).long().clamp(max=bins - 1)
    rows = []
    for index in bin_of.unique().tolist():
        inside = bin_of == index
        sure = float((predicted[inside] * weight[inside]).sum() / weight[inside].sum())
        right = _share(delta[inside], weight[inside])
        rows.append({"predicted": round(sure, 4), "observed": round(right, 4), "n": int(inside.sum())})
    return rows
