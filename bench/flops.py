"""The arithmetic of training as it is written: a shared prompt once, the head only where a token is predicted."""

from __future__ import annotations

from collections.abc import Sequence

from mynah.model.sizes import ModelConfig

BOTH_WAYS = 3
"""A forward and a backward pass, in forward passes."""


def forward(shape: ModelConfig, trunk: int, branches: Sequence[int] = (), predicted: int = 0) -> int:
    """FLOPs of one forward pass over a prompt of `trunk` tokens and the answers to it, of so many tokens each.

    Args:
        predicted: Tokens whose distribution is asked for, of all answers together.
    """
    keys = trunk * (trunk + 1) // 2 + sum(length * trunk + length * (length + 1) // 2 for length in branches)
    head = 2 * shape.vocab_size * shape.width
    token = shape.flops_per_token(0) - head
    key = shape.flops_per_token(1) - shape.flops_per_token(0)
    return (trunk + sum(branches)) * token + keys * key + predicted * head


def ppo_iteration(shape: ModelConfig, prompts: int, samples: int, prompt: int, new: int) -> int:
    """FLOPs of rollouts, log-probabilities under policy and reference, values, rewards, and one update of the policy
    and one of the values, all over the same episodes."""
    episodes, predicted = [new] * samples, samples * new
    with_head, without = 3 + BOTH_WAYS, 2 + BOTH_WAYS
    one = with_head * forward(shape, prompt, episodes, predicted) + without * forward(shape, prompt, episodes)
    return prompts * one
