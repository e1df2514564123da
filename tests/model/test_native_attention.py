"""attention.c against PyTorch in fp32, both ways, and against itself: alone and among others, whatever the threads."""

import random

import pytest
import torch
from torch import Tensor

from mynah.model import native_attention
from mynah.model.packed import PackedPlan, PackedRows
from mynah.native import compiled
from mynah.nouns import Group
from mynah.train.packing import lay_out

pytestmark = pytest.mark.skipif(compiled.library("attention") is None, reason="no C compiler, or no AVX512-BF16")

Segments = list[tuple[int, ...]]
CASES: dict[str, tuple[Segments, int, int, int]] = {
    "one token": ([(1,)], 4, 2, 32),
    "a few": ([(5,), (17,), (16,), (32,)], 4, 2, 32),
    "odd trunks": ([(7, 5, 9), (1, 1, 1), (33, 0, 3, 17, 1), (2,)], 6, 2, 64),
    "long": ([(600, 20, 40), (129,)], 4, 4, 96),
    "wide heads": ([(40, 50, 3)], 2, 1, 128),
    "narrow heads": ([(40, 50, 3), (9,)], 4, 1, 16),
    "rollouts": ([(64, 64, 64, 64, 64)] * 3, 8, 4, 32),
}


def stream(segments: Segments, heads: int, kv_heads: int, width: int, seed: int = 0) -> tuple[Tensor, ...]:
    """q, k, v and a gradient for what comes of them, with filler up to a multiple of 64."""
    generator = torch.Generator().manual_seed(seed)
    held = sum(map(sum, segments))
    shapes = [(held + -held % 64, n, width) for n in (heads, kv_heads, kv_heads, heads)]
    return tuple(torch.randn(shape, generator=generator).bfloat16() for shape in shapes)


def laid_out(segments: Segments) -> PackedPlan:
    groups = [
        Group((1,) * trunk, (False,) * trunk, tuple((1,) * n for n in rest), tuple((True,) * n for n in rest))
        for trunk, *rest in segments
    ]
    return PackedPlan(lay_out(groups, fill=64), torch.bfloat16)


def both_ways(attend: object, inputs: tuple[Tensor, ...], dtype: torch.dtype = torch.bfloat16) -> list[Tensor]:
    """What comes of q, k, v, and their gradients."""
    *given, gradient = (x.to(dtype) for x in inputs)
    leaves = [x.clone().requires_grad_() for x in given]
    mixed = attend(*leaves)  # type: ignore[operator]
    mixed.backward(gradient)
    return [mixed.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


@pytest.mark.parametrize("case", CASES)
def test_as_close_to_fp32_as_pytorch_in_bf16(case: str) -> None:
    segments, *shape = CASES[case]
    inputs, plan, held = stream(segments, *shape), laid_out(segments), sum(map(sum, segments))
    inputs[3][held:] = 0  # nobody reads filler
    exact = both_ways(PackedRows(plan.batch, torch.float32).attend, inputs, torch.float32)
    plain = both_ways(PackedRows(plan.batch, torch.bfloat16).attend, inputs)
    ours = both_ways(lambda q, k, v: plan.attend(0, q, k, v), inputs)
    for name, truth, theirs, mine in zip(("mixed", "q", "k", "v"), exact, plain, ours, strict=True):
        size = truth[:held].norm()
        off, allowed = ((x[:held].float() - truth[:held]).norm() / size for x in (mine, theirs))
        assert size > 0 or case == "one token", name
        assert size == 0 or off < 1.1 * allowed + 5e-4, (name, float(off), float(allowed))
        assert not mine[held:].any(), f"{name} of filler"


def test_a_group_comes_out_the_same_alone_and_among_others_whatever_the_threads() -> None:
    """To the bit, gradients too."""
    segments: Segments = [(30, 17, 5), (64,), (3, 1, 40)]
    inputs = stream(segments, 4, 2, 32)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(both_ways(lambda q, k, v: laid_out(segments).attend(0, q, k, v), inputs))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(map(torch.equal, results[0], other))
    begin = 0
    for segment in segments:
        end = begin + sum(segment)
        cut = tuple(torch.cat([x[begin:end], x.new_zeros(-(end - begin) % 64, *x.shape[1:])]) for x in inputs)
        alone = both_ways(lambda q, k, v, s=segment: laid_out([s]).attend(0, q, k, v), cut)
        assert all(torch.equal(x[: end - begin], whole[begin:end]) for x, whole in zip(alone, results[0], strict=True))
        begin = end


@pytest.mark.parametrize("seed", range(8))
def test_random_groups(seed: int) -> None:
    draw = random.Random(seed)
    segments = [
        (draw.randint(1, 70), *(draw.randint(0, 50) for _ in range(draw.choice([0, 0, 1, 2, 5]))))
        for _ in range(draw.randint(1, 9))
    ]
    inputs, plan, held = stream(segments, 6, 3, 32, seed), laid_out(segments), sum(map(sum, segments))
    inputs[3][held:] = 0
    exact = both_ways(PackedRows(plan.batch, torch.float32).attend, inputs, torch.float32)
    for truth, mine in zip(exact, both_ways(lambda q, k, v: plan.attend(0, q, k, v), inputs), strict=True):
        assert (mine[:held].float() - truth[:held]).norm() < 6e-3 * truth[:held].norm()


def test_what_c_does_not_do_is_left_to_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert native_attention.runs(cpu, torch.bfloat16)
    assert not native_attention.runs(cpu, torch.float32)
    assert not native_attention.runs(torch.device("cuda"), torch.bfloat16)
    segments, held = CASES["odd trunks"][0], sum(map(sum, CASES["odd trunks"][0]))

    def by_pytorch(width: int) -> bool:
        plan = laid_out(segments)
        inputs = stream(segments, 6, 2, width)[:3]
        mixed, rows = plan.attend(0, *inputs), PackedRows(plan.batch, torch.bfloat16).attend(*inputs)
        assert torch.allclose(mixed[:held].float(), rows[:held].float(), atol=0.05)
        return torch.equal(mixed[:held], rows[:held])

    assert by_pytorch(24), "a width that is no multiple of 16"
    q, k, v, _ = stream(segments, 6, 2, 32)
    for wrong in ((q, k.float(), v), (q[:-64], k[:-64], v[:-64]), (q, k[:-1], v)):
        with pytest.raises(ValueError, match="in bf16, of one stream"):
            native_attention.attend(*wrong, laid_out(segments).groups)
    monkeypatch.setattr(native_attention, "library", lambda name: None)
    assert by_pytorch(64)
