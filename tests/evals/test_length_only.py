"""The length-only baseline, and reward accuracy beside it."""

import random

import pytest
import torch

from mynah.agent.scorer import Scorer
from mynah.evals.length_only import agreements, cross_validated, fit, length_differences
from mynah.evals.reward_accuracy import reward_accuracy
from mynah.model.heads import ScalarModel
from mynah.nouns import Comparison, Prompt
from tests import toys


def test_the_fit_is_the_maximum_of_the_likelihood():
    rng = random.Random(0)
    differences = [rng.gauss(0.5, 1) for _ in range(400)]
    weight = fit(differences)

    def loss(w: float) -> float:
        d = torch.tensor(differences, dtype=torch.float64)
        return float(-torch.nn.functional.logsigmoid(w * d).sum() + 0.5e-3 * w * w)

    assert weight > 0.3
    assert all(loss(weight) < loss(weight + step) for step in (-1e-3, 1e-3))
    assert fit([-d for d in differences]) == pytest.approx(-weight)


def test_it_prefers_what_length_told_in_training():
    assert agreements(fit([1.0, 2.0, 0.5]), [1.0, -1.0, 0.0]) == [1.0, 0.0, 0.5]
    assert agreements(fit([-1.0, -2.0]), [1.0, -1.0]) == [0.0, 1.0]
    assert fit([]) == 0.0


def test_cross_validation_keeps_a_prompt_in_one_fold():
    # Each prompt prefers a length of its own; were its other pairs known, all would be right.
    differences = [d for prompt in range(10) for d in [1.0 if prompt % 2 else -1.0] * 6]
    clusters = [prompt for prompt in range(10) for _ in range(6)]
    assert sum(cross_validated(differences, clusters)) / 60 < 0.6


def pairs(count: int, seed: int = 0) -> list[Comparison]:
    """The longer answer is better, so length alone is always right."""
    rng = random.Random(seed)
    return [
        Comparison(
            Prompt(toys.user(toys.question(rng)), f"{i}", {"subset": "odd" if i % 3 else "even"}),
            ("red blue gold cat", "red"),
            (1, 2),
        )
        for i in range(count)
    ]


def test_a_random_reward_model_is_measured_beside_length():
    backbone = toys.model()
    scorer = Scorer(ScalarModel(backbone), toys.tokenizer())
    torch.nn.init.normal_(scorer.model.score.weight, generator=torch.Generator().manual_seed(0))
    rows = pairs(40)
    tied = Comparison(rows[0].prompt, ("a", "b"), (1, 1))
    long = Comparison(Prompt(toys.user("hill " * 200)), ("a", "bb"), (1, 2))
    found = reward_accuracy(scorer, [*rows, tied, long])
    figures = found.figures
    assert figures["length_only"].value == 1
    assert figures["over_length"].value == pytest.approx(figures["accuracy"].value - 1)
    assert figures["accuracy/even"].n + figures["accuracy/odd"].n == figures["accuracy"].n == 40
    macro = (figures["accuracy/even"].value + figures["accuracy/odd"].value) / 2
    assert figures["accuracy_macro"].value == pytest.approx(macro)
    assert found.counts == {"all_tied": 1, "too_long": 1}
    assert figures["length_only"].low < 0.95  # 40 of 40 are not all
    assert length_differences(rows)[0] > 0


def test_few_prompts_leave_much_open():
    scorer = Scorer(ScalarModel(toys.model()), toys.tokenizer())
    for count in (1, 3):
        figures = reward_accuracy(scorer, pairs(count)).figures
        for name in ("accuracy", "length_only", "over_length"):
            assert figures[name].high - figures[name].low > 0.5


def test_a_subset_of_null_is_none():
    scorer = Scorer(ScalarModel(toys.model()), toys.tokenizer())
    rows = [
        Comparison(
            Prompt(toys.user(f"what is in the hill {i}"), meta={"subset": None} if i else {}), ("red", "a"), (1, 2)
        )
        for i in range(2)
    ]
    assert set(reward_accuracy(scorer, rows).figures) == {"accuracy", "length_only", "over_length"}
