"""Accuracy, calibration and length bias against brute force."""

import math
import random

import pytest
import torch

from mynah.step2_reward.calibration import pair_figures
from mynah.step2_reward.comparisons import RankedGroup
from mynah.train.scoring import unsupervised


def group(lengths: list[int], pairs: list[tuple[int, int, float]]) -> RankedGroup:
    return RankedGroup(unsupervised([1], [[2] * length for length in lengths]), tuple(pairs), True)


@pytest.fixture
def random_pairs() -> tuple[list[RankedGroup], list[torch.Tensor], list[tuple[float, float, int]]]:
    """Groups, scores, and the same as flat rows (score gap, weight, length gap)."""
    rng = random.Random(0)
    groups, scores, rows = [], [], []
    for _ in range(80):
        lengths, values = [rng.randint(1, 4) for _ in range(4)], [rng.choice([-1, 0, 0.5, 2.0]) for _ in range(4)]
        pairs = [(i, k, rng.random()) for i in range(4) for k in range(4) if i != k and rng.random() < 0.4]
        groups.append(group(lengths, pairs))
        scores.append(torch.tensor(values))
        rows += [(values[i] - values[k], weight, lengths[i] - lengths[k]) for i, k, weight in pairs]
    return groups, scores, rows


def share(rows: list[tuple[float, float]]) -> float:
    return sum(w * (1.0 if x > 0 else 0.5 if x == 0 else 0.0) for x, w in rows) / sum(w for _, w in rows)


def test_figures_are_brute_force(random_pairs):
    groups, scores, rows = random_pairs
    figures = pair_figures(groups, scores, bins=5)
    assert figures.pairs == len(rows)
    assert figures.prompts == 80
    assert figures.accuracy == pytest.approx(share([(gap, w) for gap, w, _ in rows]), abs=1e-5)
    unequal = [(gap, w, length) for gap, w, length in rows if length]
    assert figures.length_bias_data == pytest.approx(share([(length, w) for _, w, length in unequal]), abs=1e-5)
    assert figures.length_bias_model == pytest.approx(share([(g * length, w) for g, w, length in unequal]), abs=1e-5)
    sure = {}
    for gap, w, _ in rows:
        p = 1 / (1 + math.exp(-abs(gap)))
        sure.setdefault(min(4, int((p - 0.5) * 10)), []).append((p, gap, w))
    assert len(figures.calibration) == len(sure) > 2
    for row, (_, inside) in zip(figures.calibration, sorted(sure.items()), strict=True):
        weight = sum(w for *_, w in inside)
        assert row["predicted"] == pytest.approx(sum(p * w for p, _, w in inside) / weight, abs=1e-3)
        assert row["observed"] == pytest.approx(share([(gap, w) for _, gap, w in inside]), abs=1e-3)
        assert row["n"] == len(inside)


def test_labellers_who_follow_the_score_are_calibrated():
    """Pairs drawn with P(first is better) = σ(gap): observed meets predicted in every bin."""
    rng = random.Random(1)
    groups, scores = [], []
    for _ in range(8000):
        gap = rng.uniform(-4, 4)
        first = rng.random() < 1 / (1 + math.exp(-gap))
        groups.append(group([1, 1], [(0, 1, 1.0) if first else (1, 0, 1.0)]))
        scores.append(torch.tensor([gap, 0.0]))
    for row in pair_figures(groups, scores).calibration:
        assert row["observed"] == pytest.approx(row["predicted"], abs=0.04)


def test_a_model_that_likes_length_shows_it():
    groups = [group([1, 3], [(0, 1, 1.0)]), group([5, 2], [(0, 1, 1.0)]), group([2, 2], [(0, 1, 1.0)])]
    figures = pair_figures(groups, [torch.tensor([1.0, 3.0]), torch.tensor([5.0, 2.0]), torch.tensor([0.0, 9.0])])
    assert figures.length_bias_data == 0.5
    assert figures.length_bias_model == 1.0
    assert figures.accuracy == pytest.approx(1 / 3)


def test_without_unequal_lengths_there_is_no_bias_to_speak_of():
    figures = pair_figures([group([2, 2], [(0, 1, 1.0)])], [torch.tensor([1.0, 0.0])])
    assert (figures.length_bias_data, figures.length_bias_model) == (0.5, 0.5)
