"""Rollouts: the engine's completions of this iteration's prompts as trajectories."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mynah.engine import Engine
from mynah.nouns import Group, SamplingParams, Trajectory


def roll_out(
    engine: Engine, prompts: Sequence[Sequence[int]], params: SamplingParams, n: int, first_sequence: int
) -> list[list[Trajectory]]:
    """`n` trajectories of each prompt. Every completion token was the policy's choice, so the masks are all True."""
    completions = engine.generate(prompts, params, n, first_sequence)
    return [
        [
            Trajectory(
                tokens=(*prompt, *completion.tokens),
                prompt_length=len(prompt),
                loss_mask=torch.ones(len(completion.tokens), dtype=torch.bool),
                finish_reason=completion.finish_reason,
                engine_logprobs=torch.tensor(completion.logprobs),
            )
            for completion in group
        ]
        for prompt, group in zip(prompts, completions, strict=True)
    ]


def as_group(trajectories: Sequence[Trajectory]) -> Group:
    """The trajectories of one prompt as one forward pass: the prompt once, a branch each, supervised by their masks."""
    prompt = trajectories[0].tokens[: trajectories[0].prompt_length]
    return Group(
        prompt,
        (False,) * len(prompt),
        tuple(trajectory.completion for trajectory in trajectories),
        tuple(tuple(trajectory.loss_mask.tolist()) for trajectory in trajectories),
    )
