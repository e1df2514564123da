"""Bootstrap weights for the ensemble: each head sees its own resample of the prompts."""

from __future__ import annotations

import torch
from torch import Tensor


def bootstrap_weights(groups: int, members: int, seed: int) -> Tensor:
    """How often each head drew each group, with replacement: [groups, members], columns sum to `groups`."""
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randint(groups, (groups, members), generator=generator)
    return torch.zeros(groups, members).scatter_add_(0, draws, torch.ones(groups, members))
