"""The baseline that every reward model must beat: a preference for the longer (or the shorter) answer, and no more.

P(a ≻ b) = σ(w · (log length a − log length b)), lengths in characters. Fitted on a training file, or cross-validated:
each pair is judged by a weight fitted on the other folds, all pairs of a prompt in one fold.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from mynah.nouns import Comparison

FOLDS = 5
RIDGE = 1e-3
"""Keeps the weight finite where length decides every pair."""


def length_differences(comparisons: Sequence[Comparison]) -> list[float]:
    """log length of the better answer − log length of the worse, for every strict pair in order."""
    return [
        math.log1p(len(comparison.completions[better])) - math.log1p(len(comparison.completions[worse]))
        for comparison in comparisons
        for better, worse in comparison.pairs()
    ]


def fit(differences: Sequence[float]) -> float:
    """The weight w that makes the better answers likeliest (Newton's method; the log-likelihood is concave)."""
    weight = 0.0
    for _ in range(50):
        chosen = [_sigmoid(weight * d) for d in differences]
        slope = sum((1 - p) * d for p, d in zip(chosen, differences, strict=True)) - RIDGE * weight
        curvature = sum(p * (1 - p) * d * d for p, d in zip(chosen, differences, strict=True)) + RIDGE
        step = slope / curvature
        weight += max(-5.0, min(5.0, step))
        if abs(step) < 1e-9:
            break
    return weight


def agreements(weight: float, differences: Sequence[float]) -> list[float]:
    """1 where the weight prefers the better answer, 0 where the worse, ½ where lengths are equal."""
    return [0.5 if weight * d == 0 else float(weight * d > 0) for d in differences]


def cross_validated(differences: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    """`agreements` of each pair by a weight that was fitted without its fold."""
    fold_of = {cluster: number % FOLDS for number, cluster in enumerate(dict.fromkeys(clusters))}
    folds = [fold_of[cluster] for cluster in clusters]
    weights = [fit([d for d, own in zip(differences, folds, strict=True) if own != fold]) for fold in range(FOLDS)]
    return [agreements(weights[fold], [d])[0] for d, fold in zip(differences, folds, strict=True)]


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
