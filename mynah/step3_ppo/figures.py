"""What an iteration's rollouts were like: the figures that are logged, and that collapse is told by."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mynah.nouns import Trajectory
from mynah.step3_ppo.rewards import mismatch, ref_kl


def describe(trajectories: Sequence[Trajectory], end_of_turn: int) -> dict[str, float]:
    """What the rollouts were like, before the update.

    `objective` is what PPO maximises: the score less kl_coef · ref_kl, that is the sum of an answer's rewards. The
    entropy is estimated by −log π of what was drawn: its mean is the entropy, and no pass over the batch is spent.
    """
    gaps = torch.cat([mismatch(t) for t in trajectories])
    count = len(trajectories)
    returns = torch.cat([t.returns[t.loss_mask] for t in trajectories if t.returns is not None])
    values = torch.cat([t.values[t.loss_mask] for t in trajectories if t.values is not None])
    logprobs = torch.cat([t.logprobs[t.loss_mask] for t in trajectories if t.logprobs is not None])
    return {
        "objective": sum(float(t.rewards.sum()) for t in trajectories if t.rewards is not None) / count,
        "score": sum(t.score or 0.0 for t in trajectories) / count,
        "ref_kl": sum(ref_kl(t) for t in trajectories) / count,
        "entropy": -float(logprobs.mean()),
        "length": sum(len(t.completion) for t in trajectories) / count,
        "ended": sum(t.tokens[-1] == end_of_turn for t in trajectories) / count,
        "mismatch_kl": float(gaps.mean()),
        "mismatch_max": float(gaps.abs().max()),
        "value_explained": 1 - float((returns - values).var() / returns.var().clamp(min=1e-8)),
    }
