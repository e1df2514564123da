"""Rollouts in the one layout that old log-probabilities, values and every update share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mynah.nouns import PackedBatch, Trajectory


@dataclass(frozen=True)
class Microbatch:
    """Some rollouts of one minibatch, as many as memory allows, with what their update needs of them."""

    minibatch: int
    """The update that it is a part of."""
    batch: PackedBatch
    old_logprobs: Tensor  # [N]
    old_values: Tensor  # [N]
    advantages: Tensor  # [N]
    returns: Tensor  # [N]


def microbatch(minibatch: int, batch: PackedBatch, trajectories: Sequence[Trajectory]) -> Microbatch:
    """The chosen tokens' columns, end to end, beside their layout."""

    def column(name: str) -> Tensor:
        return torch.cat([getattr(t, name)[t.loss_mask] for t in trajectories]).to(batch.tokens.device)

    return Microbatch(minibatch, batch, column("logprobs"), column("values"), column("advantages"), column("returns"))
