"""Dropout keeps the mean, drops what it says, and is drawn from PyTorch's generator alone."""

import pytest
import torch

from mynah.model.layers import dropout


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_is_dropped_and_the_mean_kept(share: float) -> None:
    torch.manual_seed(0)
    found = dropout(torch.ones(1001, 333), share)  # not a multiple of the four elements of a draw
    assert float((found == 0).float().mean()) == pytest.approx(share, abs=0.005)
    assert float(found.mean()) == pytest.approx(1.0, abs=0.03)
    assert len(found.unique()) == 2
    rows, columns = (found == 0).float().mean(1), (found == 0).float().mean(0)
    assert rows.std() < 0.04
    assert columns.std() < 0.03


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(1)
    lost = (dropout(torch.ones(400_000), 0.5) == 0).float() - 0.5
    for distance in range(1, 9):
        assert abs(float((lost[distance:] * lost[:-distance]).mean())) < 0.25 * 0.02


def test_the_gradient_goes_where_the_values_went() -> None:
    torch.manual_seed(2)
    x = torch.randn(50, 40, requires_grad=True)
    y = dropout(x, 0.3)
    y.sum().backward()
    assert torch.equal(x.grad * x.detach(), y.detach())


def test_a_seed_repeats_and_nothing_is_drawn_for_nothing() -> None:
    x = torch.randn(64, 64)
    torch.manual_seed(3)
    first, second = dropout(x, 0.2), dropout(x, 0.2)
    torch.manual_seed(3)
    assert torch.equal(dropout(x, 0.2), first)
    assert not torch.equal(first, second)
    before = torch.get_rng_state()
    assert torch.equal(dropout(x, 0.0), x)
    assert torch.equal(torch.get_rng_state(), before)
