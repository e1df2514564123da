"""GAE is its definition, steps are what the policy chose, whitening is over the whole batch."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mynah.nouns import Trajectory
from mynah.step3_ppo.advantages import gae, with_advantages


def brute_force(rewards: list[float], values: list[float], gamma: float, lam: float) -> list[float]:
    """A_t = Σ_l (γλ)^l (r_{t+l} + γ V_{t+l+1} − V_{t+l}), V after the end 0: O(n²)."""
    after = [*values[1:], 0.0]
    deltas = [r + gamma * n - v for r, n, v in zip(rewards, after, values, strict=True)]
    return [sum((gamma * lam) ** (k - t) * deltas[k] for k in range(t, len(deltas))) for t in range(len(deltas))]


def episode(mask: list[bool], seed: int = 0) -> Trajectory:
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.tensor(mask)

    def column() -> Tensor:
        return torch.randn(len(mask), generator=generator)

    return Trajectory(
        tokens=(1, *range(2, 2 + len(mask))),
        prompt_length=1,
        loss_mask=chosen,
        finish_reason="stop",
        engine_logprobs=column(),
        rewards=column() * chosen,
        values=column() * chosen,
    )


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (1.0, 1.0), (0.9, 0.5), (0.99, 0.0)])
@pytest.mark.parametrize("length", [1, 2, 17])
def test_gae_is_brute_force(length, gamma, lam):
    one = episode([True] * length)
    advantages, returns = gae(one.rewards, one.values, one.loss_mask, gamma, lam)
    expected = torch.tensor(brute_force(one.rewards.tolist(), one.values.tolist(), gamma, lam))
    assert torch.allclose(advantages, expected, atol=1e-5)
    assert torch.allclose(returns, expected + one.values, atol=1e-5)


def test_with_gamma_and_lambda_1_the_return_is_what_is_still_to_come():
    one = episode([True] * 9)
    _, returns = gae(one.rewards, one.values, one.loss_mask, 1.0, 1.0)
    assert torch.allclose(returns, one.rewards.flip(0).cumsum(0).flip(0), atol=1e-5)


def test_tool_tokens_are_no_steps_of_the_episode():
    mask = [True, True, False, False, False, True, False, True, True]
    one = episode(mask)
    advantages, returns = gae(one.rewards, one.values, one.loss_mask, 0.97, 0.9)
    chosen = one.loss_mask
    short = gae(one.rewards[chosen], one.values[chosen], torch.ones(int(chosen.sum()), dtype=torch.bool), 0.97, 0.9)
    assert torch.equal(advantages[chosen], short[0])
    assert torch.equal(returns[chosen], short[1])
    assert advantages[~chosen].eq(0).all()
    assert returns[~chosen].eq(0).all()
    noisy = one.values.masked_fill(~chosen, 7.0)  # a masked place cannot matter, whatever stands there
    assert torch.equal(gae(one.rewards, noisy, one.loss_mask, 0.97, 0.9)[0], advantages)


def test_an_episode_of_tool_tokens_alone_has_no_advantages():
    one = episode([False, False])
    assert gae(one.rewards, one.values, one.loss_mask, 1.0, 0.95)[0].eq(0).all()


def test_whitening_is_over_all_chosen_tokens_with_biased_variance():
    batch = [episode([True] * 3, 1), episode([True, False, False, True], 2), episode([True] * 8, 3)]
    raw = with_advantages(batch, 1.0, 0.95, whiten=False)
    pooled = torch.cat([t.advantages[t.loss_mask] for t in raw])
    assert len(pooled) == 13
    white = with_advantages(batch, 1.0, 0.95, whiten=True)
    spread = ((pooled - pooled.mean()) ** 2).mean().sqrt()  # divided by n, not n − 1
    expected = (pooled - pooled.mean()) / spread
    assert torch.allclose(torch.cat([t.advantages[t.loss_mask] for t in white]), expected, atol=1e-5)
    assert white[1].advantages[1:3].eq(0).all()
    assert abs(torch.cat([t.advantages[t.loss_mask] for t in white[:1]]).mean()) > 0.05  # not each by itself


def test_returns_are_not_whitened():
    batch = [episode([True] * 5, 1), episode([True] * 4, 2)]
    plain, white = (with_advantages(batch, 1.0, 0.95, whiten) for whiten in (False, True))
    assert all(torch.equal(a.returns, b.returns) for a, b in zip(plain, white, strict=True))


def test_equal_advantages_whiten_to_0_and_not_to_nan():
    one = replace(episode([True]), rewards=torch.ones(1), values=torch.zeros(1))
    for each in with_advantages([one] * 3, 1.0, 0.95, whiten=True):
        assert each.advantages.abs().max() < 1e-6
