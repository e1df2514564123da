"""Simulated labellers: noisy, marked as what they are, and fair to identical texts."""

import random

from mynah.feedback.simulated import SAME, agreement, label
from mynah.nouns import Prompt, Samples
from tests import toys


def quality(prompt: Prompt, text: str) -> float:
    return float(len(text))


def samples(count: int = 200, k: int = 4) -> list[Samples]:
    rng = random.Random(0)
    return [
        Samples(prompt, tuple("x" * rng.randint(0, 6) for _ in range(k)), ("stop",) * k)
        for prompt in toys.prompts(count, seed=2)
    ]


def test_without_noise_they_rank_by_quality():
    for row in label(samples(), quality, noise=0.0, labellers=3, seed=0):
        for i, one in enumerate(row.completions):
            for k, other in enumerate(row.completions):
                assert (row.ranks[i] < row.ranks[k]) == (len(one) > len(other))
        assert min(row.ranks) == 1


def test_identical_texts_tie_whatever_the_noise():
    rows = [Samples(Prompt(toys.user("q")), ("red", "blue", "red", "red"), ("stop",) * 4)] * 50
    for row in label(rows, lambda prompt, text: 0.0, noise=5.0, labellers=2, seed=0):
        assert len({row.ranks[i] for i in (0, 2, 3)}) == 1


def test_qualities_closer_than_an_eye_can_tell_tie():
    worth = {"a": 1.0, "b": 1.0 - 0.9 * SAME, "c": 1.0 - 1.8 * SAME, "d": -1.0}
    row = Samples(Prompt(toys.user("q")), tuple(worth), ("stop",) * 4)
    [ranked] = label([row], lambda prompt, text: worth[text], noise=0.0, labellers=1, seed=0)
    assert ranked.ranks == (1, 1, 3, 4)  # a group spans at most SAME below its best: c does not chain on


def test_their_evidence_is_marked_simulated():
    rows = label(samples(), quality, 0.5, labellers=3, seed=0)
    assert {row.source for row in rows} == {"simulated"}
    assert {row.labeller for row in rows} == {"simulated-0", "simulated-1", "simulated-2"}


def test_a_seed_repeats_itself():
    assert label(samples(), quality, 1.0, 3, seed=5) == label(samples(), quality, 1.0, 3, seed=5)
    assert label(samples(), quality, 1.0, 3, seed=5) != label(samples(), quality, 1.0, 3, seed=6)


def test_agreement_falls_with_noise_from_1_to_a_half():
    shares = [agreement(samples(), quality, noise, seed=0)[0] for noise in (0.0, 1.0, 3.0, 1000.0)]
    assert shares[0] == 1.0
    assert shares[0] > shares[1] > shares[2] > shares[3]
    assert abs(shares[3] - 0.5) < 0.05


def test_agreement_is_of_pairs_on_which_neither_ties():
    flat = [Samples(Prompt(toys.user("q")), ("a", "b"), ("stop",) * 2)]
    assert agreement(flat, lambda prompt, text: 1.0, noise=0.0, seed=0) == (0.0, 0)
    share, pairs = agreement(samples(50), quality, 0.0, seed=0)
    strict = sum(len(one) < len(other) for row in samples(50) for one in row.completions for other in row.completions)
    assert (share, pairs) == (1.0, strict)
