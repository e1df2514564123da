"""How often a reward model's preference is that of a ranking, or of gold; on any file of rankings or pairs."""

from __future__ import annotations

from collections.abc import Sequence

from mynah.agent.scorer import Scorer
from mynah.evals.exam import Gold
from mynah.evals.intervals import Estimate, bootstrap_mean
from mynah.nouns import Comparison


def accuracy(scorer: Scorer, comparisons: Sequence[Comparison]) -> Estimate:
    """Share of strict pairs in which the better answer scores higher; equal scores count half; clustered by prompt."""
    scored = scorer.score([c.prompt for c in comparisons], [c.completions for c in comparisons])
    outcomes, clusters = [], []
    for comparison, result in zip(comparisons, scored, strict=True):
        for better, worse in comparison.pairs():
            outcomes.append(_agrees(float(result.scores[better] - result.scores[worse])))
            clusters.append(repr(comparison.prompt.messages))
    return bootstrap_mean(outcomes, clusters)


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
    return bootstrap_mean(outcomes, clusters)


def _agrees(delta: float) -> float:
    return 1.0 if delta > 0 else 0.5 if delta == 0 else 0.0
