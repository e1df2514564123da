"""Rewards per token: the KL penalty on each, the score once at the end; and the controller of the penalty's weight."""

from __future__ import annotations

import torch
from torch import Tensor

from mynah.nouns import Trajectory


def token_rewards(trajectory: Trajectory, kl_coef: float) -> Tensor:
    """r_t = −kl_coef · (log π − log π_ref) for every token that the policy chose, plus the score at the last of them.

    The penalty is never clamped at zero: a token less likely than under the reference gives a bonus, and the sum
    stays an unbiased estimate of the KL (Ziegler 2019). Other tokens (tool output, user turns) get 0. Shape [C].
    """
    assert trajectory.score is not None
    rewards = -kl_coef * log_ratio(trajectory)
    chosen = trajectory.loss_mask.nonzero()
    if len(chosen):
        rewards[int(chosen[-1])] += trajectory.score
    return rewards


def ref_kl(trajectory: Trajectory) -> float:
    """Σ_t log π − log π_ref over the trajectory, in nats: one sample of KL(policy ‖ reference)."""
    return float(log_ratio(trajectory).sum())


def log_ratio(trajectory: Trajectory) -> Tensor:
    """log π − log π_ref [C], 0 where the policy did not choose."""
    assert trajectory.logprobs is not None
    assert trajectory.ref_logprobs is not None
    return (trajectory.logprobs - trajectory.ref_logprobs) * trajectory.loss_mask


class KLController:
    """Keeps `kl_coef` fixed, or moves it so that `ref_kl` tends to a target (Ziegler 2019, section 2.2).

    Args:
        horizon: Iterations over which an error of 20 % in KL changes the coefficient by e^0.2.
    """

    def __init__(self, kl_coef: float, target: float | None, horizon: float) -> None:
        self.kl_coef, self.target, self.horizon = kl_coef, target, horizon

    def update(self, mean_ref_kl: float) -> None:
        if self.target is not None:
            error = max(-0.2, min(0.2, mean_ref_kl / self.target - 1))
            self.kl_coef *= 1 + error / max(1.0, self.horizon)


def mismatch(trajectory: Trajectory) -> Tensor:
    """log p of the engine minus log p of the learner [n], over chosen tokens: 0 if both computed the same."""
    assert trajectory.logprobs is not None
    return (trajectory.engine_logprobs - trajectory.logprobs)[trajectory.loss_mask].to(torch.float64)
