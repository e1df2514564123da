"""Rewards per token, and the controller of kl_coef."""

import pytest
import torch

from mynah.nouns import Trajectory
from mynah.step3_ppo.rewards import KLController, mismatch, ref_kl, token_rewards


def episode(mask: list[bool], logprobs: list[float], ref: list[float], score: float = 2.0) -> Trajectory:
    return Trajectory(
        tokens=(1, *range(2, 2 + len(mask))),
        prompt_length=1,
        loss_mask=torch.tensor(mask),
        finish_reason="stop",
        engine_logprobs=torch.tensor(logprobs) + 0.25,
        logprobs=torch.tensor(logprobs),
        ref_logprobs=torch.tensor(ref),
        score=score,
    )


def test_every_token_pays_its_kl_and_the_last_gets_the_score_once():
    one = episode([True] * 3, [-1.0, -2.0, -3.0], [-1.5, -1.0, -3.5])
    assert torch.allclose(token_rewards(one, 0.1), torch.tensor([-0.05, 0.1, -0.05 + 2.0]))
    assert float(token_rewards(one, 0.1).sum()) == pytest.approx(2.0 - 0.1 * ref_kl(one), abs=1e-6)


def test_the_penalty_is_never_clamped():
    one = episode([True] * 3, [-5.0, -4.0, -3.0], [-1.0, -1.0, -1.0], score=0.0)  # far below the reference: a bonus
    assert torch.allclose(token_rewards(one, 0.5), torch.tensor([2.0, 1.5, 1.0]))
    assert ref_kl(one) == pytest.approx(-9.0)


def test_tool_tokens_neither_pay_nor_earn():
    mask = [True, False, False, True, False]
    one = episode(mask, [-1.0, -9.0, -9.0, -2.0, -9.0], [-2.0, -1.0, -1.0, -1.0, -1.0], score=3.0)
    assert torch.allclose(token_rewards(one, 0.1), torch.tensor([-0.1, 0.0, 0.0, 0.1 + 3.0, 0.0]))
    assert ref_kl(one) == pytest.approx(0.0)
    removed = episode([True, True], [-1.0, -2.0], [-2.0, -1.0], score=3.0)
    assert torch.equal(token_rewards(one, 0.1)[one.loss_mask], token_rewards(removed, 0.1))
    assert len(mismatch(one)) == 2


def test_mismatch_is_engine_minus_learner():
    assert mismatch(episode([True, True], [-1.0, -2.0], [0.0, 0.0])).tolist() == [0.25, 0.25]


def test_the_controller_follows_the_papers_formula_and_its_clipping():
    for kl, factor in (
        (6.6, 1 + 0.1 / 50),
        (60.0, 1 + 0.2 / 50),
        (0.0, 1 - 0.2 / 50),
        (6.0, 1.0),
        (-50.0, 1 - 0.2 / 50),
    ):
        controller = KLController(0.1, target=6.0, horizon=50)
        controller.update(kl)
        assert controller.kl_coef == pytest.approx(0.1 * factor), kl


def test_too_much_kl_raises_the_coefficient_and_too_little_lowers_it():
    up, down = KLController(0.1, 6.0, 10), KLController(0.1, 6.0, 10)
    for _ in range(20):
        up.update(9.0)
        down.update(3.0)
    assert up.kl_coef > 0.12 > 0.08 > down.kl_coef > 0


def test_ten_iterations_of_the_largest_error_move_it_by_about_a_fifth_over_the_horizon():
    controller = KLController(1.0, 6.0, horizon=10)
    for _ in range(10):
        controller.update(100.0)
    assert controller.kl_coef == pytest.approx(2.718281828**0.2, rel=0.01)


def test_without_a_target_the_coefficient_stays():
    controller = KLController(0.05, None, 10)
    controller.update(1000.0)
    assert controller.kl_coef == 0.05


def test_a_horizon_shorter_than_an_iteration_does_not_overshoot():
    controller = KLController(0.1, 6.0, horizon=0.04 * 12)
    controller.update(100.0)
    assert controller.kl_coef == pytest.approx(0.12)
