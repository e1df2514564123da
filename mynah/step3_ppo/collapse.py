"""What a run looks like when it is no longer worth going on, or learned nothing though it ended; and what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, variance

PATIENCE = 3
"""Iterations in a row that must look bad: one may be chance."""


def collapse(history: Sequence[Mapping[str, float]], max_ref_kl: float) -> str | None:
    """Why the last iterations look like a collapse, in one sentence; None while all is well.

    `history`: figures of every iteration so far, with `ref_kl`, `score`, `entropy`, `length`, `ended`.
    """
    if len(history) <= PATIENCE:
        return None
    first, last = history[0], history[-PATIENCE:]
    if all(row["ref_kl"] > max_ref_kl for row in last):
        return f"ref_kl is above {max_ref_kl:g} nats; raise ppo.kl_coef, or set ppo.kl_target"
    if all(row["score"] < first["score"] - 1 for row in last):
        return "the score fell by more than one standard deviation of the samples; lower ppo.learning_rate"
    if first["entropy"] > 0.05 and all(row["entropy"] < 0.02 * first["entropy"] for row in last):
        return "entropy fell below 2 % of its start; lower ppo.learning_rate, or raise ppo.kl_coef"
    if first["length"] > 3 and all(row["length"] < 1.5 for row in last):
        return (
            "answers shrank to nothing but their end; lower ppo.learning_rate, or look at what the reward model likes"
        )
    if first["ended"] > 0.5 and all(row["ended"] < 0.1 for row in last):
        return "fewer than one answer in ten ends within its budget; raise ppo.max_new_tokens or ppo.kl_coef"
    return None


def backwards(history: Sequence[Mapping[str, float]]) -> str | None:
    """One sentence if a run made its own objective worse, by more than two standard errors; else None.

    A policy that stayed where it began would have done better. Too high a rate for so few answers does that: weights
    wander, `ref_kl` grows, the score does not. The quarters at the beginning and at the end are compared.
    """
    quarter = len(history) // 4
    if quarter < 2:
        return None
    first, last = ([row["objective"] for row in rows] for rows in (history[:quarter], history[-quarter:]))
    fall, error = fmean(first) - fmean(last), math.sqrt((variance(first) + variance(last)) / quarter)
    if fall <= 2 * error:
        return None
    return (
        f"what it maximises, score − kl_coef · ref_kl, fell from {fmean(first):.2f} to {fmean(last):.2f}: the policy "
        f"left the reference and was not paid for it; try a lower ppo.learning_rate"
    )
