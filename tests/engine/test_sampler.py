"""Draws follow the distribution they claim, and are a function of their key alone."""

import math

import pytest
import torch
from torch import Tensor

from mynah.engine.sampler import _truncate, gumbel, row_keys, sample

V = 12
LOGITS = torch.linspace(2.5, -2.5, V)[torch.randperm(V, generator=torch.Generator().manual_seed(0))]


def keys(count: int, seed: int = 0, position: int = 3) -> Tensor:
    return row_keys(torch.full((count,), seed), torch.arange(count), torch.full((count,), position))


def draw(
    count: int,
    logits: Tensor = LOGITS,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """`count` draws of sequences 0 … count − 1."""
    one = torch.ones(count)
    rows = logits.expand(count, -1)
    return sample(rows, keys(count), one * temperature, one.long() * top_k, one * top_p, one * min_p)


def chi_square(tokens: Tensor, expected: Tensor) -> float:
    """Pearson's statistic over the possible tokens; asserts that no impossible one was drawn."""
    counts = torch.bincount(tokens, minlength=len(expected)).double()
    assert counts[expected == 0].sum() == 0
    wanted = expected[expected > 0].double() * len(tokens)
    return float(((counts[expected > 0] - wanted) ** 2 / wanted).sum())


def beyond_chance(degrees: int) -> float:
    """What a χ² of so many degrees of freedom exceeds once in some ten thousand times (Wilson & Hilferty 1931)."""
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + 3.8 * math.sqrt(spread)) ** 3


def kept(logits: Tensor, keep: list[int]) -> Tensor:
    """The distribution over the tokens of `keep`, renormalised."""
    mask = torch.full_like(logits, float("-inf"))
    mask[keep] = 0
    return (logits + mask).softmax(-1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_draws_follow_the_softmax(temperature: float) -> None:
    tokens, _, _ = draw(40_000, temperature=temperature)
    expected = (LOGITS / temperature).softmax(-1)
    assert chi_square(tokens, expected) < beyond_chance(V - 1)
    assert chi_square(tokens, (LOGITS / (temperature * 1.1)).softmax(-1)) > 3 * beyond_chance(V - 1)  # it could fail


@pytest.mark.parametrize("k", [1, 2, 5, V, V + 3])
def test_top_k_keeps_the_k_most_likely(k: int) -> None:
    tokens, _, _ = draw(20_000, top_k=k)
    expected = kept(LOGITS, LOGITS.topk(min(k, V)).indices.tolist())
    assert chi_square(tokens, expected) < beyond_chance(max(1, min(k, V) - 1))


@pytest.mark.parametrize(
    ("p", "size"), [(0.0, 1), (0.49, 1), (0.51, 2), (0.79, 2), (0.81, 3), (0.97, 4), (0.99, 5), (1.0, 5)]
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(p: float, size: int) -> None:
    probabilities = torch.tensor([0.03, 0.5, 0.15, 0.3, 0.02])
    tokens, _, _ = draw(20_000, probabilities.log(), top_p=p)
    expected = kept(probabilities.log(), probabilities.argsort(descending=True)[:size].tolist())
    assert chi_square(tokens, expected) < beyond_chance(max(1, size - 1))


@pytest.mark.parametrize(("share", "size"), [(0.0, 5), (0.05, 4), (0.07, 3), (0.31, 2), (0.59, 2), (0.61, 1), (1, 1)])
def test_min_p_keeps_what_is_likely_beside_the_most_likely(share: float, size: int) -> None:
    probabilities = torch.tensor([0.03, 0.5, 0.15, 0.3, 0.02])
    tokens, _, _ = draw(20_000, probabilities.log(), min_p=share)
    expected = kept(probabilities.log(), probabilities.argsort(descending=True)[:size].tolist())
    assert chi_square(tokens, expected) < beyond_chance(max(1, size - 1))


def test_top_k_and_top_p_both_hold() -> None:
    probabilities = torch.tensor([0.4, 0.3, 0.2, 0.1])
    assert set(draw(3000, probabilities.log(), top_k=3, top_p=0.65)[0].tolist()) == {0, 1}
    assert set(draw(3000, probabilities.log(), top_k=1, top_p=0.65)[0].tolist()) == {0}
    assert set(draw(3000, probabilities.log(), top_p=0.95, min_p=0.7)[0].tolist()) == {0, 1}


def test_equally_likely_tokens_are_cut_by_count() -> None:
    assert set(draw(3000, torch.zeros(6), top_k=2)[0].tolist()) == {0, 1}
    assert set(draw(3000, torch.zeros(6), top_p=0.4)[0].tolist()) == {0, 1, 2}


def test_a_row_that_keeps_all_loses_nothing_beside_one_that_truncates() -> None:
    """In fp32 the cumulative sum reaches 1 long before such a tail does."""
    logprobs = torch.tensor([0.0] + [-40.0] * 50).log_softmax(-1).expand(2, -1)
    kept_of = _truncate(logprobs, torch.tensor([2, 0]), torch.ones(2))
    assert torch.isfinite(kept_of[0]).sum() == 2
    assert torch.equal(kept_of[1], logprobs[1])


def test_temperature_zero_takes_the_most_likely_token() -> None:
    tokens, logprobs, table = draw(50, temperature=0.0, top_k=3, top_p=0.5)
    assert set(tokens.tolist()) == {int(LOGITS.argmax())}
    assert torch.allclose(table[0], LOGITS.log_softmax(-1))
    assert torch.allclose(logprobs, LOGITS.log_softmax(-1).max())


def test_every_row_has_its_own_settings() -> None:
    rows = LOGITS.expand(4, -1)
    temperature, top_k, top_p = (
        torch.tensor([0.0, 1.0, 2.0, 1.0]),
        torch.tensor([0, 1, 0, 0]),
        torch.tensor([1, 1, 1, 0.0]),
    )
    tokens, _, table = sample(rows, keys(4), temperature, top_k, top_p, torch.zeros(4))
    best = int(LOGITS.argmax())
    assert [tokens[i].item() for i in (0, 1, 3)] == [best] * 3
    assert torch.allclose(table[2], (LOGITS / 2).log_softmax(-1))


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_logprobs_are_those_of_the_temperature(temperature: float) -> None:
    tokens, logprobs, table = draw(100, temperature=temperature, top_k=4)
    expected = (LOGITS / temperature).log_softmax(-1)
    torch.testing.assert_close(logprobs, expected[tokens])
    torch.testing.assert_close(table, expected.expand(100, -1))


def test_the_noise_is_gumbel_noise() -> None:
    noise = gumbel(keys(500), 4000).double()
    assert torch.isfinite(noise).all()
    assert noise.mean().item() == pytest.approx(0.5772157, abs=0.004)  # Euler's γ; standard error 0.0009
    assert noise.var().item() == pytest.approx(math.pi**2 / 6, abs=0.012)
    for quantile in (0.001, 0.1, 0.5, 0.9, 0.999):
        x = -math.log(-math.log(quantile))
        share = (noise < x).double().mean().item()
        assert share == pytest.approx(quantile, abs=5 * math.sqrt(quantile * (1 - quantile) / noise.numel()))


def test_the_noise_of_neighbours_is_not_related() -> None:
    """Across tokens, positions, sequences and seeds."""
    base = gumbel(keys(400), 500).double()
    others = [base.roll(1, 0), base.roll(1, 1), gumbel(keys(400, position=4), 500), gumbel(keys(400, seed=1), 500)]
    for other in others:
        pair = torch.stack([base.flatten(), other.double().flatten()])
        assert abs(torch.corrcoef(pair)[0, 1].item()) < 5 / math.sqrt(base.numel())


def test_no_two_keys_are_alike() -> None:
    grid = torch.cartesian_prod(*(torch.arange(-3, 30) for _ in range(3)))
    assert len(row_keys(*grid.T).unique()) == len(grid)


def test_noise_depends_on_key_and_token_alone() -> None:
    some = keys(7)
    assert torch.equal(gumbel(some, 100)[4], gumbel(some[4:5], 100)[0])
    assert torch.equal(gumbel(some, 100), gumbel(some, 300)[:, :100])


def test_noise_is_that_of_the_formula_as_it_is_written() -> None:
    """To the bit: splitmix64 in plain integers, the rest in one expression; more rows than are worked on together."""
    wide = 40_000
    some = keys(3)
    noise = gumbel(some, wide)
    for row in range(3):
        for token in (0, 1, 77, wide - 1):
            x = splitmix64(some[row].item() + token * 0x9E3779B97F4A7C15) >> 32
            uniform = (torch.tensor(float(x)) + 0.5) * 2.0**-32
            expected = -torch.log(-torch.log1p(-uniform.clamp(max=1 - 2.0**-24)))
            assert noise[row, token] == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)


def splitmix64(x: int) -> int:
    """The finaliser of Steele et al., on unsigned 64-bit integers."""
    x &= 2**64 - 1
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)
