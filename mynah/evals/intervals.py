"""95 % intervals: Wilson for rates, bootstrap for means, by cluster where answers about one thing hang together."""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z = 1.959964
RESAMPLES = 2000
AT_ONCE = 2**20
"""Draws held at a time."""
SAME = 1e-9
"""An interval no wider than this is a point: all draws were the same, rounding aside."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval and the number of observations."""

    value: float
    low: float
    high: float
    n: int

    def to_json(self, name: str = "rate") -> dict[str, Any]:
        """`{name: value, "low", "high", "n"}`, rounded to what n can bear."""
        plain = {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}
        return {name: plain.pop("value")} | plain


def wilson(successes: float, n: int) -> Estimate:
    """A rate's score interval (Wilson 1927); half successes (ties) are fine."""
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    rate = successes / n
    middle = (rate + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n))
    return Estimate(rate, max(0.0, min(rate, middle - half)), min(1.0, max(rate, middle + half)), n)  # rounding aside


def bootstrap_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    strata: Sequence[Hashable] | None = None,
    seed: int = 0,
    equal: bool = False,
) -> Estimate:
    """A mean's percentile bootstrap. Of differences between two models on the same questions it is a paired one.

    Args:
        clusters: Whole clusters are drawn: their values hang together, as answers about one entity do, in whatever
            strata they lie.
        strata: What is fixed by design (so many questions of each behaviour) is not left to the draw: clusters are
            drawn within each stratum, whose weight is its share of the values. A cluster of several strata is drawn in
            the one with the fewest clusters (the first of equals), and brings its values in the others along: a little
            too narrow where that leaves a stratum with few clusters of its own.
        equal: All strata weigh the same instead: the macro mean.
    """
    if not values:
        return Estimate(0.0, 0.0, 0.0, 0)
    totals, counts, drawn_in = _table(values, clusters or range(len(values)), strata or [None] * len(values))
    weights = np.full(len(counts), 1 / len(counts)) if equal else counts.sum(1) / len(values)
    means = np.zeros(RESAMPLES)
    for rows, places in _resamples(np.bincount(drawn_in, minlength=len(counts)).tolist(), seed):
        often = _how_often(places)
        total, count = often @ totals.T, often @ counts.T
        # a stratum whose clusters are all drawn elsewhere may get none: then it stays as it is
        stays = np.broadcast_to(totals.sum(1) / counts.sum(1), total.shape)
        means[rows] = np.divide(total, count, out=stays.copy(), where=count > 0) @ weights
    value = float(totals.sum(1) / counts.sum(1) @ weights)
    return Estimate(value if equal else sum(values) / len(values), *_middle(means), len(values))


def _table(
    values: Sequence[float], clusters: Sequence[Hashable], strata: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Sums and numbers of the values [strata, clusters], and where each cluster is drawn; clusters in that order."""
    row_of = {stratum: i for i, stratum in enumerate(dict.fromkeys(strata))}
    column_of = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
    totals = np.zeros((len(row_of), len(column_of)))
    counts = np.zeros_like(totals)
    at = [row_of[stratum] for stratum in strata], [column_of[cluster] for cluster in clusters]
    np.add.at(totals, at, np.array(values, dtype=float))
    np.add.at(counts, at, 1.0)
    there = counts > 0
    drawn_in = np.where(there, there.sum(1, keepdims=True), len(column_of) + 1).argmin(0)
    order = np.argsort(drawn_in, kind="stable")
    return totals[:, order], counts[:, order], drawn_in[order]


def bootstrap_ratio(tops: Sequence[float], bottoms: Sequence[float], seed: int = 0) -> Estimate:
    """Σ tops / Σ bottoms, whole observations drawn; of bits and bytes of documents, say.

    Raises ValueError for none, or for more of one than of the other.
    """
    top, bottom = np.array(tops, dtype=float), np.array(bottoms, dtype=float)
    if len(top) != len(bottom) or not tops:
        raise ValueError(f"{len(top)} tops and {len(bottom)} bottoms")
    ratios = np.zeros(RESAMPLES)
    for rows, places in _resamples([len(top)], seed):
        ratios[rows] = top[places].sum(1) / bottom[places].sum(1)
    return Estimate(sum(tops) / sum(bottoms), *_middle(ratios), len(top))


def _resamples(sizes: Sequence[int], seed: int) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Of every stratum with `sizes` clusters, that many drawn with replacement, RESAMPLES times.

    The numbers are `random.Random(seed)`'s, one after the other.

    Yields:
        Some of the resamples, and the places of what they drew among all clusters, [resamples, sum of sizes].
    """
    state = random.Random(seed).getstate()[1]
    rng = np.random.RandomState()
    rng.set_state(("MT19937", np.array(state[:-1], dtype=np.uint32), state[-1], 0, 0.0))
    width = sum(sizes)
    size, first = np.repeat(sizes, sizes), np.repeat(np.cumsum([0, *sizes[:-1]]), sizes)
    step = max(1, AT_ONCE // width)
    for start in range(0, RESAMPLES, step):
        rows = slice(start, min(start + step, RESAMPLES))
        uniform = rng.random_sample((rows.stop - start, width))
        yield rows, (uniform * size).astype(np.int64) + first


def _how_often(places: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each resample drew each cluster, [resamples, clusters]."""
    rows, width = places.shape
    flat = (places + width * np.arange(rows)[:, None]).ravel()
    return np.bincount(flat, minlength=rows * width).reshape(rows, width).astype(float)


def _middle(figures: NDArray[np.float64]) -> tuple[float, float]:
    """Between which ends the middle 95 % of the resampled figures lie."""
    figures = np.sort(figures)
    return float(figures[int(0.025 * RESAMPLES)]), float(figures[int(0.975 * RESAMPLES) - 1])


def rate(outcomes: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Estimate:
    """A share of outcomes between 0 and 1: Wilson's interval where each stands alone, else a bootstrap by cluster."""
    if _count(outcomes, clusters) == len(outcomes):
        return wilson(sum(outcomes), len(outcomes))
    return share(outcomes, clusters)


def share(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    strata: Sequence[Hashable] | None = None,
    equal: bool = False,
) -> Estimate:
    """The bootstrap of a mean of values between 0 and 1.

    Where all draws are the same (one cluster, say, or nothing but zeros) they tell nothing: then Wilson's interval,
    with the clusters as what was observed.
    """
    found = bootstrap_mean(values, clusters, strata, equal=equal)
    if found.high - found.low > SAME:
        return found
    groups = _count(values, clusters)
    alike = wilson(found.value * groups, groups)
    return Estimate(found.value, alike.low, alike.high, found.n)


def difference(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Estimate:
    """The bootstrap of a mean of differences, or other values between −1 and 1.

    One cluster tells nothing: −1 … 1. Where several are the same, others may yet be a share of all, up to the upper end
    of Wilson's interval for none seen, and as far away as −1 or 1.
    """
    found, groups = bootstrap_mean(values, clusters), _count(values, clusters)
    if groups < 2:
        return Estimate(found.value, -1.0, 1.0, found.n)
    if found.high - found.low > SAME:
        return found
    value, unseen = found.value, wilson(0, groups).high
    return Estimate(value, value - unseen * (1 + value), value + unseen * (1 - value), found.n)


def _count(values: Sequence[float], clusters: Sequence[Hashable] | None) -> int:
    return len(set(clusters)) if clusters else len(values)
