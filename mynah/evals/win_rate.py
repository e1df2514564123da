"""Win rates: two models' answers to the same prompts, judged blind; ties count half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mynah.evals.exam import cluster
from mynah.evals.intervals import share
from mynah.nouns import Prompt, Samples

Judge = Callable[[Prompt, str, str], float]
"""1 if the first answer is better, 0 if the second, 0.5 for a tie."""


def win_rate(ours: Sequence[Samples], theirs: Sequence[Samples], judge: Judge) -> dict[str, Any]:
    """`{rate, low, high, n, identical}` of the first answers.

    Each pair is judged in both orders, so that a judge who likes the first place gains nothing by it; `identical` is
    the share of pairs that are the same text, and ties therefore.
    """
    outcomes, same, clusters = [], 0, []
    for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        assert our.prompt.id == their.prompt.id
        a, b = our.completions[0], their.completions[0]
        same += a == b
        outcomes.append(0.5 if a == b else (judge(our.prompt, a, b) + 1 - judge(our.prompt, b, a)) / 2)
        clusters.append(cluster(our.prompt, number))
    estimate = share(outcomes, clusters, [row.prompt.meta.get("behaviour") for row in ours])
    return estimate.to_json() | {"identical": round(same / max(1, len(outcomes)), 4)}


def same_length(
    ours: Sequence[Samples], theirs: Sequence[Samples], within: float = 0.2
) -> tuple[list[Samples], list[Samples]]:
    """The pairs whose answers differ in length, in words, by no more than a share of the longer one."""

    def alike(our: Samples, their: Samples) -> bool:
        lengths = [len(row.completions[0].split()) for row in (our, their)]
        return max(lengths) - min(lengths) <= within * max(lengths)

    pairs = [pair for pair in zip(ours, theirs, strict=True) if alike(*pair)]
    return [our for our, _ in pairs], [their for _, their in pairs]
