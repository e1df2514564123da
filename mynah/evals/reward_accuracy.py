"""How often a reward model's preference is that of a ranking, or of gold; on any file of rankings or pairs."""

from __future__ import annotations

from collections.abc import Sequence

from mynah.agent.scorer import Scorer, answered
from mynah.errors import UserError
from mynah.evals.exam import Gold
from mynah.evals.intervals import Estimate, difference, rate
from mynah.evals.length_only import agreements, cross_validated, fit, length_differences
from mynah.evals.measurement import Measurement
from mynah.evals.multiple_choice import by_subset
from mynah.evals.questions import optional
from mynah.nouns import Comparison
from mynah.progress import Progress

BATCH = 64
"""Comparisons scored between two moves of the progress bar."""


def reward_accuracy(scorer: Scorer, comparisons: Sequence[Comparison], train: Sequence[Comparison] = ()) -> Measurement:
    """Accuracy on strict pairs, by subset where prompts carry one, beside what length alone would reach.

    The length-only baseline is fitted on `train`, or cross-validated where there is none. `over_length` is the
    difference on the same pairs, so its interval is a paired one. All are clustered by prompt.
    """
    fitting = [comparison for comparison in comparisons if comparison.pairs() and _fits(scorer, comparison)]
    outcomes: list[float] = []
    with Progress("pairs", len(fitting), "prompts") as progress:
        for start in range(0, len(fitting), BATCH):
            batch = fitting[start : start + BATCH]
            for comparison, result in zip(
                batch, scorer.score([c.prompt for c in batch], [c.completions for c in batch]), strict=True
            ):
                scores = result.scores.tolist()
                outcomes += [_agrees(scores[better] - scores[worse]) for better, worse in comparison.pairs()]
            progress.advance(len(batch))
    owners = [comparison for comparison in fitting for _ in comparison.pairs()]
    clusters = [repr(comparison.prompt.messages) for comparison in owners]
    subsets = [optional(comparison.prompt.meta, "subset") for comparison in owners]
    differences = length_differences(fitting)
    length = (
        agreements(fit(length_differences(train)), differences) if train else cross_validated(differences, clusters)
    )
    gained = [ours - theirs for ours, theirs in zip(outcomes, length, strict=True)]
    figures = {
        "accuracy": rate(outcomes, clusters),
        "length_only": rate(length, clusters),
        "over_length": difference(gained, clusters),
    }
    figures |= by_subset("accuracy", outcomes, subsets, clusters)
    ties = sum(not comparison.pairs() for comparison in comparisons)
    counts = {"all_tied": ties, "too_long": len(comparisons) - ties - len(fitting)}
    return Measurement("reward_accuracy", figures, counts, {"length is fitted": "on a file" if train else "5-fold"})


def _fits(scorer: Scorer, comparison: Comparison) -> bool:
    try:
        answered(scorer.chat, comparison.prompt, comparison.completions, scorer.model.backbone.config.context)
    except UserError:
        return False
    return True


def accuracy(scorer: Scorer, comparisons: Sequence[Comparison]) -> Estimate:
    """Share of strict pairs in which the better answer scores higher; equal scores count half; clustered by prompt."""
    scored = scorer.score([c.prompt for c in comparisons], [c.completions for c in comparisons])
    outcomes, clusters = [], []
    for comparison, result in zip(comparisons, scored, strict=True):
        for better, worse in comparison.pairs():
            outcomes.append(_agrees(float(result.scores[better] - result.scores[worse])))
            clusters.append(repr(comparison.prompt.messages))
    return rate(outcomes, clusters)


def accuracy_gold(scorer: Scorer, comparisons: Sequence[Comparison], gold: Gold) -> Estimate:
    """The same against gold scores: what the labellers' noise hides."""
    scored = scorer.score([c.prompt for c in comparisons], [c.completions for c in comparisons])
    outcomes, clusters = [], []
    for comparison, result in zip(comparisons, scored, strict=True):
        worth = [gold(comparison.prompt, text) for text in comparison.completions]
        for i in range(len(worth)):
            for k in range(i):
                if worth[i] != worth[k]:
                    sign = 1 if worth[i] > worth[k] else -1
                    outcomes.append(_agrees(sign * float(result.scores[i] - result.scores[k])))
                    clusters.append(repr(comparison.prompt.messages))
    return rate(outcomes, clusters)


def _agrees(delta: float) -> float:
    return 1.0 if delta > 0 else 0.5 if delta == 0 else 0.0
