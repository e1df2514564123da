"""Generalised advantage estimation over the tokens that the policy chose, and whitening over the whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mynah.nouns import Trajectory


def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """(advantages [C], returns [C]) with A_t = Σ_l (γλ)^l δ_{t+l}, δ_t = r_t + γ V_{t+1} − V_t (Schulman 2016).

    Tokens with mask 0 are no steps of the episode: the next state of a chosen token is the next chosen token's. After
    the last one the value is 0. Masked places hold 0.
    """
    chosen = mask.nonzero().squeeze(-1)
    r, v = rewards[chosen], values[chosen]
    advantages = torch.zeros_like(r)
    following = next_value = 0.0
    for t in reversed(range(len(chosen))):
        delta = float(r[t]) + gamma * next_value - float(v[t])
        following = delta + gamma * lam * following
        advantages[t], next_value = following, float(v[t])
    spread = torch.zeros_like(rewards)
    return spread.scatter(0, chosen, advantages), spread.scatter(0, chosen, advantages + v)


def with_advantages(trajectories: Sequence[Trajectory], gamma: float, lam: float, whiten: bool) -> list[Trajectory]:
    """Fill in `advantages` and `returns`; advantages are whitened over all chosen tokens of the batch."""
    filled = []
    for trajectory in trajectories:
        assert trajectory.rewards is not None
        assert trajectory.values is not None
        advantages, returns = gae(trajectory.rewards, trajectory.values, trajectory.loss_mask, gamma, lam)
        filled.append(replace(trajectory, advantages=advantages, returns=returns))
    if not whiten:
        return filled
    pooled = torch.cat([t.advantages[t.loss_mask] for t in filled if t.advantages is not None])
    mean, std = pooled.mean(), pooled.var(correction=0).sqrt()
    return [
        replace(t, advantages=(t.advantages - mean) / (std + 1e-8) * t.loss_mask)
        for t in filled
        if t.advantages is not None
    ]
