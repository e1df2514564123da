"""What an experiment found: accuracy of each contender by subset and as macro mean, beside length alone, as a table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from bench.real.judgements import Fold, Judged
from mynah.evals.intervals import Estimate, bootstrap_mean
from mynah.evals.length_only import agreements, fit, length_differences
from mynah.nouns import Comparison

LENGTH, WORDS = "length only", "words only"
OURS, TRL = "mynah", "TRL"


def outcomes(rows: Sequence[Comparison], scores: Sequence[Sequence[float]]) -> list[float]:
    """1 for each strict pair whose better answer scores higher, ½ where both score the same, else 0."""
    found = []
    for row, of_row in zip(rows, scores, strict=True):
        for better, worse in row.pairs():
            delta = of_row[better] - of_row[worse]
            found.append(1.0 if delta > 0 else 0.5 if delta == 0 else 0.0)
    return found


def macro(rows: Sequence[Judged], scores: Sequence[Sequence[float]]) -> float:
    """The mean over subsets of the share of pairs that come out right: what settings are chosen by."""
    right: dict[str, list[float]] = {}
    for row, of_row in zip(rows, scores, strict=True):
        right.setdefault(row.subset, []).extend(outcomes([row.comparison], [of_row]))
    return sum(sum(of_one) / len(of_one) for of_one in right.values()) / len(right)


def by_length(fold: Fold) -> list[float]:
    """`outcomes` on a fold's test rows of a logistic of the answers' lengths, fitted per subset on the other folds."""
    weights = {}
    for subset in {row.subset for row in fold.test}:
        others = [row.comparison for row in (*fold.train, *fold.dev) if row.subset == subset]
        weights[subset] = fit(length_differences(others))
    return [
        agreement
        for row in fold.test
        for agreement in agreements(weights[row.subset], length_differences([row.comparison]))
    ]


def figures(folds: Sequence[Fold], found: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Estimate]]:
    """By subset, then `macro mean`: each contender's accuracy, and ours less each other's, on the same pairs.

    Args:
        found: By contender, the outcomes of all test pairs, fold after fold.
    """
    pairs = [row for fold in folds for row in fold.test for _ in row.comparison.pairs()]
    columns = dict(found)
    if OURS in found:
        columns |= {
            f"{OURS} − {name}": [ours - other for ours, other in zip(found[OURS], theirs, strict=True)]
            for name, theirs in found.items()
            if name != OURS
        }
    turns: list[Hashable] = [row.turn for row in pairs]
    subsets = [row.subset for row in pairs]
    table: dict[str, dict[str, Estimate]] = {}
    for subset in dict.fromkeys(subsets):
        places = [i for i, own in enumerate(subsets) if own == subset]
        table[subset] = {
            name: bootstrap_mean([values[i] for i in places], [turns[i] for i in places])
            for name, values in columns.items()
        }
    if len(table) > 1:
        table["macro mean"] = {
            name: bootstrap_mean(values, turns, subsets, equal=True) for name, values in columns.items()
        }
    return table


def markdown(table: Mapping[str, Mapping[str, Estimate]]) -> str:
    """In percent, differences in points, each with its 95 % interval."""
    names = list(next(iter(table.values())))
    lines = ["| subset | pairs | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for subset, columns in table.items():
        cells = [_shown(estimate, signed="−" in name) for name, estimate in columns.items()]
        lines.append(f"| {subset} | {next(iter(columns.values())).n:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plain(table: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {
        subset: {name: estimate.to_json("value") for name, estimate in columns.items()}
        for subset, columns in table.items()
    }


def _shown(estimate: Estimate, signed: bool) -> str:
    value, low, high = (100 * number for number in (estimate.value, estimate.low, estimate.high))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]" if signed else f"{value:.1f} [{low:.1f}, {high:.1f}]"
