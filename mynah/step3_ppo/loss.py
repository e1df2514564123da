"""The clipped surrogate and the clipped value loss (Schulman 2017), pure functions of flat tensors of chosen tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PolicyLoss:
    """Sums over tokens, so that microbatches add up; divide by the minibatch's token count."""

    loss: Tensor
    approx_kl: Tensor
    """Σ ½ (log ratio)², an estimate of KL(old ‖ new)."""
    clipped: Tensor
    """Tokens whose ratio left the clip range on the side where the gradient vanishes."""
    largest_ratio_gap: Tensor
    """max |ratio − 1|."""


def policy_loss(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, clip_range: float) -> PolicyLoss:
    """−Σ min(ρ A, clip(ρ, 1 ± ε) A) with ρ = exp(log π − log π_old); all arguments [n]."""
    log_ratio = logprobs - old_logprobs
    ratio = log_ratio.exp()
    plain = ratio * advantages
    limited = ratio.clamp(1 - clip_range, 1 + clip_range) * advantages
    return PolicyLoss(
        loss=-torch.minimum(plain, limited).sum(),
        approx_kl=0.5 * log_ratio.detach().square().sum(),
        clipped=(limited < plain).sum(),
        largest_ratio_gap=(ratio.detach() - 1).abs().max(),
    )


def value_loss(values: Tensor, old_values: Tensor, returns: Tensor, clip_range: float) -> Tensor:
    """½ Σ max((V − R)², (clip(V, V_old ± ε) − R)²); all arguments [n]."""
    limited = old_values + (values - old_values).clamp(-clip_range, clip_range)
    return 0.5 * torch.maximum((values - returns).square(), (limited - returns).square()).sum()
