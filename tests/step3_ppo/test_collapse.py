"""Each sign of collapse, and that one bad iteration is none; and that an objective which falls is told."""

import random

import pytest

from mynah.step3_ppo.collapse import PATIENCE, backwards, collapse

WELL = {"ref_kl": 5.0, "score": 0.5, "entropy": 1.0, "length": 12.0, "ended": 0.95}
SIGNS = [
    ({"ref_kl": 61.0}, "ref_kl is above 60 nats"),
    ({"score": -0.6}, "the score fell"),
    ({"entropy": 0.01}, "entropy fell below 2 %"),
    ({"ended": 0.05}, "fewer than one answer in ten ends"),
    ({"length": 1.2}, "answers shrank"),
]


@pytest.mark.parametrize(("sign", "words"), SIGNS)
def test_a_sign_that_stays_is_a_collapse(sign, words):
    history = [WELL, WELL] + [WELL | sign] * PATIENCE
    found = collapse(history, max_ref_kl=60.0)
    assert found is not None
    assert words in found
    assert "ppo." in found  # what to try


@pytest.mark.parametrize(("sign", "words"), SIGNS)
def test_a_sign_that_passes_is_none(sign, words):
    bad = WELL | sign
    assert collapse([WELL, WELL] + [bad] * (PATIENCE - 1), 60.0) is None
    assert collapse([WELL] + [bad] * (PATIENCE - 1) + [WELL], 60.0) is None
    assert collapse([WELL] + [bad] * PATIENCE + [WELL], 60.0) is None


def test_all_is_well():
    assert collapse([WELL] * 50, 60.0) is None
    assert collapse([], 60.0) is None
    better = {"ref_kl": 30.0, "score": 3.0, "entropy": 0.2, "length": 40.0, "ended": 0.9}
    assert collapse([WELL] + [better] * 50, 60.0) is None


def test_what_a_policy_was_like_from_the_start_is_no_collapse():
    odd = {"ref_kl": 0.0, "score": -3.0, "entropy": 0.01, "length": 1.0, "ended": 0.0}
    assert collapse([odd] * 10, 60.0) is None


def objectives(start: float, end: float, iterations: int = 40) -> list[dict[str, float]]:
    """A straight way from one to the other, with noise of 0.1."""
    rng = random.Random(0)
    way = [start + (end - start) * i / iterations for i in range(iterations)]
    return [{"objective": value + rng.gauss(0, 0.1)} for value in way]


def test_an_objective_that_falls_is_told_and_one_that_wavers_is_not():
    told = backwards(objectives(0.9, -0.3))
    assert told is not None
    assert "ppo.learning_rate" in told
    assert backwards(objectives(0.9, 0.9)) is None
    assert backwards(objectives(0.2, 0.9)) is None
    assert backwards(objectives(0.9, -0.3)[:7]) is None, "seven iterations tell nothing"
