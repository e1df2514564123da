"""The rows that attention works on: who lies where, that siblings cost each other nothing, the sums on the way back.

That all of it computes what separate sequences compute is proven in `test_attention.py`.
"""

import pytest
import torch

from mynah.model.packed import PackedRows, Places, Row, row_count, row_size, rows_of
from mynah.nouns import Group
from mynah.train.packing import lay_out
from mynah.train.token_loss import token_logprobs
from tests.model.tiny import plain, random_tokens, tiny_model


def test_the_first_branch_goes_on_behind_its_trunk_and_the_others_begin_with_a_copy() -> None:
    """Worked out by hand: a lonely group of 4, then a trunk of 3 at 4 with branches of 2, 0, 5 and 1."""
    assert list(rows_of([(4,), (3, 2, 0, 5, 1)])) == [
        Row(0, 4),
        Row(4, 3 + 2),
        Row(9, 5, trunk=4, before=3),
        Row(14, 1, trunk=4, before=3),
    ]


def test_row_lengths_and_counts_are_few() -> None:
    assert [row_size(n) for n in (1, 32, 33, 49, 65, 97, 129)] == [32, 32, 48, 64, 96, 128, 192]
    assert [row_count(n) for n in (1, 2, 3, 5, 8, 9, 16, 17)] == [1, 2, 4, 8, 8, 16, 16, 24]


def test_siblings_cost_each_other_nothing() -> None:
    """Sixteen prompts of 64 with four answers of 64: 48 rows of 64 × 128 and 16 of 128 × 128, not 16 of 384 × 384."""
    branches, masks = (tuple(range(1, 65)),) * 4, ((True,) * 64,) * 4
    batch = lay_out([Group(tuple(range(1, 65)), (False,) * 64, branches, masks)] * 16)
    plan = PackedRows(batch, torch.float32)
    assert [shape for shape, _ in plan.parts] == [(16, 128, 128), (48, 64, 128)]
    causal, shared = (bias for _, bias in plan.parts)
    assert causal is not None
    assert causal.stride(0) == 0, "one for all rows"
    assert shared is not None
    seen = torch.isfinite(shared[0, 0])
    assert seen[0].tolist() == [True] * 65 + [False] * 63
    assert seen[63].all()


def test_a_gradient_is_the_sum_over_all_copies() -> None:
    """Tokens 0 and 1 stand in three places, token 2 in one, the fourth is filler, and padding is read by nobody."""
    there = torch.tensor([0, 1, 0, 1, 2, 0, 1, 3])
    own = torch.tensor([True, True, False, False, True, False, False, False])
    copy = torch.tensor([False, False, True, True, False, True, True, False])
    places = Places.of(there, own, 4, torch.device("cpu"), copy)
    x = torch.arange(8.0).reshape(4, 2).requires_grad_()
    rows = places.gathered(x)
    assert torch.equal(rows, x[there])
    weights = torch.tensor([1.0, 2.0, 10.0, 20.0, 3.0, 100.0, 200.0, 0.0])
    (rows * weights[:, None]).sum().backward()
    assert x.grad is not None
    assert x.grad[:, 0].tolist() == [111.0, 222.0, 3.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_the_same_again_is_the_same_to_the_bit(dtype: torch.dtype) -> None:
    """Sums over copies too, so a resumed run repeats what an uninterrupted one does."""
    group = Group(
        random_tokens(40),
        (False,) * 40,
        tuple(random_tokens(n) for n in (9, 30, 17)),
        ((True,) * 9, (True,) * 30, (True,) * 17),
    )
    gradients = []
    for _ in range(2):
        model = tiny_model().to(dtype)
        token_logprobs(model, lay_out([group, plain(random_tokens(50))])).sum().backward()
        gradients.append([weight.grad for weight in model.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert one is not None
        assert torch.equal(one, other)
