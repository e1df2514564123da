"""The clipped policy and value losses against their formulas, token by token."""

import math

import pytest
import torch

from mynah.step3_ppo.loss import policy_loss, value_loss


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_policy_loss_is_its_formula():
    new, old, advantages = draws(200), draws(200) + 0.3 * draws(200, seed=1), draws(200, seed=2)
    total = kl = clipped = gap = 0.0
    for n, o, a in zip(new.tolist(), old.tolist(), advantages.tolist(), strict=True):
        ratio = math.exp(n - o)
        limited = min(max(ratio, 0.8), 1.2)
        total -= min(ratio * a, limited * a)
        kl += 0.5 * (n - o) ** 2
        clipped += (a > 0 and ratio > 1.2) or (a < 0 and ratio < 0.8)
        gap = max(gap, abs(ratio - 1))
    got = policy_loss(new, old, advantages, 0.2)
    assert float(got.loss) == pytest.approx(total, rel=1e-5)
    assert float(got.approx_kl) == pytest.approx(kl, rel=1e-5)
    assert 20 < int(got.clipped) == clipped < 180
    assert float(got.largest_ratio_gap) == pytest.approx(gap, rel=1e-4)


@pytest.mark.parametrize(
    ("log_ratio", "advantage", "moves"),
    [(0.5, 1.0, False), (0.5, -1.0, True), (-0.5, 1.0, True), (-0.5, -1.0, False), (0.1, 1.0, True), (0.1, -1.0, True)],
)
def test_the_gradient_vanishes_only_where_the_ratio_went_too_far_the_good_way(log_ratio, advantage, moves):
    new = torch.tensor([log_ratio], requires_grad=True)
    policy_loss(new, torch.zeros(1), torch.tensor([advantage]), 0.2).loss.backward()
    assert bool(new.grad.abs() > 0) == moves


def test_at_ratio_1_the_gradient_is_the_policy_gradient():
    new, advantages = draws(10).requires_grad_(), draws(10, seed=1)
    policy_loss(new, new.detach().clone(), advantages, 0.2).loss.backward()
    assert torch.allclose(new.grad, -advantages)


def test_value_loss_is_its_formula():
    values, old, returns = draws(200), draws(200) + 0.3 * draws(200, seed=1), draws(200, seed=2)
    total = 0.0
    for v, o, r in zip(values.tolist(), old.tolist(), returns.tolist(), strict=True):
        limited = o + min(max(v - o, -0.2), 0.2)
        total += 0.5 * max((v - r) ** 2, (limited - r) ** 2)
    assert float(value_loss(values, old, returns, 0.2)) == pytest.approx(total, rel=1e-5)


def test_a_value_that_moved_beyond_the_clip_towards_its_return_moves_no_further():
    for value, moves in ((0.1, True), (0.5, False)):  # old 0, return 1
        v = torch.tensor([value], requires_grad=True)
        value_loss(v, torch.zeros(1), torch.ones(1), 0.2).backward()
        assert bool(v.grad.abs() > 0) == moves


def test_losses_of_microbatches_add_up():
    new, old, advantages, returns = (draws(30, seed=s) for s in range(4))
    whole = policy_loss(new, old, advantages, 0.2)
    parts = [policy_loss(new[s], old[s], advantages[s], 0.2) for s in (slice(0, 7), slice(7, 30))]
    for name in ("loss", "approx_kl", "clipped"):
        assert float(getattr(whole, name)) == pytest.approx(float(sum(getattr(p, name) for p in parts)), rel=1e-5)
    split = value_loss(new[:7], old[:7], returns[:7], 0.2) + value_loss(new[7:], old[7:], returns[7:], 0.2)
    assert float(value_loss(new, old, returns, 0.2)) == pytest.approx(float(split), rel=1e-5)
