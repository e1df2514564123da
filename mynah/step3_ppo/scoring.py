"""What the frozen models and the learner say of rollouts before the update: log p, reference log p, values, scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mynah.model.heads import EnsembleHeads, ScalarModel
from mynah.model.packed import PackedPlan
from mynah.model.transformer import Transformer
from mynah.nouns import PackedBatch, Prompt, Trajectory
from mynah.tokens import Tokenizer
from mynah.train.token_loss import token_logprobs

Check = Callable[[Prompt, str], float]
"""What an answer's text to a prompt is worth where that can be checked: 1 if it is right, else 0."""


@torch.no_grad()
def evaluate(
    trajectories: Sequence[Trajectory],
    batch: PackedBatch,
    policy: Transformer,
    reference: Transformer,
    value_model: ScalarModel,
    temperature: float,
) -> list[Trajectory]:
    """Fill in `logprobs`, `ref_logprobs` and `values`, all computed in the layout that the update will use.

    A token's value is read where the token was predicted from: it is the value of the state before the choice.
    """
    plan = PackedPlan(batch, value_model.dtype)
    columns = (
        token_logprobs(policy, batch, temperature=temperature),
        token_logprobs(reference, batch, temperature=temperature),
        value_model.read(value_model.hidden(batch.tokens, batch.positions, plan)[batch.sources]),
    )
    counts = [int(trajectory.loss_mask.sum()) for trajectory in trajectories]
    filled = []
    for trajectory, *parts in zip(trajectories, *(column.cpu().split(counts) for column in columns), strict=True):
        logprobs, ref_logprobs, values = (_spread(part, trajectory.loss_mask) for part in parts)
        filled.append(replace(trajectory, logprobs=logprobs, ref_logprobs=ref_logprobs, values=values))
    return filled


@torch.no_grad()
def score(
    trajectories: Sequence[Trajectory],
    batch: PackedBatch,
    reward_model: ScalarModel,
    ensemble: EnsembleHeads | None,
    uncertainty_penalty: float,
    end_of_turn: int,
    missing_end_score: float,
) -> list[Trajectory]:
    """Fill in `score`, read at the last token, the end of turn.

    Without an end of turn (out of budget, or ended by another stop token, which the reward model never saw) the score
    is replaced by `missing_end_score` (Ziegler 2019). With an uncertainty penalty β it is the ensemble's mean − β · its
    standard deviation.
    """
    plan = PackedPlan(batch, reward_model.dtype)
    ends = reward_model.hidden(batch.tokens, batch.positions, plan)[batch.ends]
    if ensemble and uncertainty_penalty:
        heads = ensemble(ends)  # [S, M]
        scores = heads.mean(1) - uncertainty_penalty * heads.std(dim=1, correction=0)
    else:
        scores = reward_model.read(ends)
    return [
        replace(trajectory, score=value if trajectory.tokens[-1] == end_of_turn else missing_end_score)
        for trajectory, value in zip(trajectories, scores.tolist(), strict=True)
    ]


def checked(
    rollouts: Sequence[Sequence[Trajectory]],
    prompts: Sequence[Prompt],
    check: Check,
    tokenizer: Tokenizer,
    missing_end_score: float,
) -> list[list[Trajectory]]:
    """Fill in `score` by a check of each answer's text; `missing_end_score` without an end of turn, as above."""
    return [
        [
            replace(t, score=check(prompt, tokenizer.decode(t.completion).strip()))
            if t.tokens[-1] == tokenizer.end_of_turn
            else replace(t, score=missing_end_score)
            for t in group
        ]
        for prompt, group in zip(prompts, rollouts, strict=True)
    ]


def _spread(values: Tensor, mask: Tensor) -> Tensor:
    """`values` of the masked-in tokens back at their places [C], 0 elsewhere."""
    return torch.zeros(len(mask)).masked_scatter_(mask, values)
