"""layers.c against the layers in PyTorch: as near to fp32 both ways, and the same whatever the threads."""

from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mynah.model import native_layers, rope
from mynah.model.layers import RMSNorm, SwiGLU
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Block
from mynah.native import compiled

pytestmark = pytest.mark.skipif(compiled.library("layers") is None, reason="no C compiler, or no AVX512-BF16")

Layer = Callable[..., Tensor]


def normed(x: Tensor, weight: Tensor) -> Tensor:
    layer = RMSNorm(x.shape[-1], 1e-5)
    return torch.func.functional_call(layer, {"weight": weight}, x)


def gated(gate: Tensor, up: Tensor) -> Tensor:
    """The layer with products that change nothing."""
    layer = SwiGLU(1, 1)
    layer.gate_proj, layer.up_proj, layer.down_proj = Given(gate), Given(up), torch.nn.Identity()  # type: ignore[assignment]
    return layer(gate)


class Given(torch.nn.Module):
    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x = x

    def forward(self, _: Tensor) -> Tensor:
        return self.x


def rotated(x: Tensor, *_: Tensor) -> Tensor:
    """By turns whose halves differ, though those of a model do not."""
    generator = torch.Generator().manual_seed(2)
    turns = [torch.randn(len(x), 1, x.shape[-1], generator=generator).bfloat16().to(x.dtype) for _ in range(2)]
    return rope.rotate_both(x, x, (turns[0], turns[1]))[0]


CASES: dict[str, tuple[Layer, tuple[tuple[int, ...], ...]]] = {
    "norm": (normed, ((200, 320), (320,))),
    "norm of heads": (normed, ((67, 3, 32), (32,))),
    "norm of one row": (normed, ((1, 16), (16,))),
    "gate": (gated, ((130, 176), (130, 176))),
    "gate of one row": (gated, ((1, 16), (1, 16))),
    "turns": (rotated, ((70, 5, 64),)),
    "turns of narrow heads": (rotated, ((3, 1, 32),)),
}


def inputs(shapes: tuple[tuple[int, ...], ...], dtype: torch.dtype, spread: float) -> list[Tensor]:
    """Random numbers that bf16 has."""
    generator = torch.Generator().manual_seed(1)
    return [(torch.randn(s, generator=generator, dtype=torch.float32) * spread).bfloat16().to(dtype) for s in shapes]


def both_ways(layer: Layer, shapes: tuple[tuple[int, ...], ...], dtype: torch.dtype, spread: float = 3) -> list[Tensor]:
    """What comes of random inputs, and their gradients."""
    leaves = [x.requires_grad_() for x in inputs(shapes, dtype, spread)]
    out = layer(*leaves)
    out.backward(torch.randn(out.shape, generator=torch.Generator().manual_seed(3)).bfloat16().to(dtype))
    return [out.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def by_pytorch(monkeypatch: pytest.MonkeyPatch, layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> list[Tensor]:
    with monkeypatch.context() as patch:
        patch.setattr(native_layers, "library", lambda name: None)
        return both_ways(layer, shapes, torch.bfloat16)


@pytest.mark.parametrize("case", CASES)
def test_as_close_to_fp32_as_pytorch_in_bf16(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, shapes = CASES[case]
    exact, ours = both_ways(layer, shapes, torch.float32), both_ways(layer, shapes, torch.bfloat16)
    theirs = by_pytorch(monkeypatch, layer, shapes)
    assert len(exact) == 1 + len(shapes)
    for truth, mine, plain in zip(exact, ours, theirs, strict=True):
        off, allowed = (float((x.float() - truth).norm() / truth.norm()) for x in (mine, plain))
        assert mine.dtype == torch.bfloat16
        assert off < 1.05 * allowed + 1e-4
    same = float((ours[0] == theirs[0]).float().mean())
    assert same > 0.999 if case.startswith("turns") else same > 0.97, "rounded alike on the way forward"
    assert torch.allclose(ours[0].float(), theirs[0].float(), rtol=2**-7, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_same_to_the_bit_whatever_the_threads(case: str) -> None:
    layer, shapes = CASES[case]
    threads = torch.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(both_ways(layer, shapes, torch.bfloat16))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(map(torch.equal, results[0], other))


def test_large_numbers_open_or_close_a_gate_and_spoil_nothing() -> None:
    for spread in (30.0, 3e4, 1e12, 1e15):
        exact, ours = (both_ways(gated, ((9, 32), (9, 32)), dtype, spread) for dtype in (torch.float32, torch.bfloat16))
        for truth, mine in zip(exact, ours, strict=True):
            assert mine.isfinite().all()
            assert (mine - truth.double()).norm() < 6e-3 * truth.double().norm()


def test_a_number_that_is_none_stays_none() -> None:
    """Else a model that has diverged would look well."""
    x = torch.zeros(2, 32, dtype=torch.bfloat16)
    x[0, 3] = torch.nan
    assert native_layers.rms_norm(x, torch.ones(32).bfloat16(), 1e-5)[0].isnan().all()
    assert native_layers.gated(x, torch.ones_like(x))[0, 3].isnan()
    assert native_layers.gated(torch.ones_like(x), x)[0, 3].isnan()
    turned = native_layers.rotated(x[:, None], *(torch.ones(2, 1, 32).bfloat16() for _ in range(2)))
    assert turned[0, 0, [3, 19]].isnan().all()


def test_inputs_that_are_not_contiguous_are_read_where_they_lie() -> None:
    wide = torch.randn(20, 64).bfloat16()
    half, weight = wide[:, ::2], torch.rand(64).bfloat16()[::2]
    assert torch.equal(normed(half, weight), normed(half.contiguous(), weight.contiguous()))
    assert torch.equal(gated(half, wide[:, 1::2]), gated(half.contiguous(), wide[:, 1::2].contiguous()))
    heads = torch.randn(3, 64, 5).bfloat16().mT
    assert torch.equal(rotated(heads), rotated(heads.contiguous()))


def test_frozen_weights_get_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    sums: list[object] = []
    real = native_layers._call

    def noted(function: str, *arguments: object) -> None:
        sums.append(arguments[-1])
        real(function, *arguments)

    monkeypatch.setattr(native_layers, "_call", noted)
    for frozen in (True, False):
        x, weight = torch.randn(8, 32).bfloat16().requires_grad_(), torch.ones(32).bfloat16().requires_grad_(not frozen)
        native_layers.rms_norm(x, weight, 1e-5).sum().backward()
        assert x.grad is not None
        assert (sums[-1] is None) is frozen


def test_what_c_does_not_do_is_left_to_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.zeros(4, 32)
    assert native_layers.runs(x.bfloat16(), x.bfloat16())
    assert native_layers.runs(x.bfloat16(), parts=2)
    assert not native_layers.runs(x.bfloat16(), x), "fp32"
    assert not native_layers.runs(x.bfloat16()[:, :24]), "odd widths"
    assert not native_layers.runs(x.bfloat16()[:, :16], parts=2), "halves that are no vectors"
    assert not native_layers.runs(x.bfloat16().to("meta")), "another device"
    with monkeypatch.context() as patch:
        patch.setattr(torch.compiler, "is_compiling", lambda: True)
        assert not native_layers.runs(x.bfloat16())
    monkeypatch.setattr(native_layers, "library", lambda name: None)
    assert not native_layers.runs(x.bfloat16())


def test_shapes_that_do_not_fit_are_refused() -> None:
    x, turn = torch.zeros(4, 2, 64).bfloat16(), torch.zeros(4, 1, 64).bfloat16()
    for wrong in (
        lambda: native_layers.rms_norm(x, torch.ones(32).bfloat16(), 1e-5),
        lambda: native_layers.rms_norm(x, torch.ones(64), 1e-5),
        lambda: native_layers.gated(x, x[:1]),
        lambda: native_layers.rotated(x[None], turn, turn),
        lambda: native_layers.rotated(x, turn[:1], turn[:1]),
        lambda: native_layers.rotated(x, turn[..., :32], turn[..., :32]),
    ):
        with pytest.raises(ValueError, match="fit each other"):
            wrong()


def test_the_default_dtype_does_not_matter() -> None:
    """Sums are fp32: as bf16 they would be half as long as C takes them to be."""
    layer, shapes = CASES["norm"]
    before = both_ways(layer, shapes, torch.bfloat16)
    torch.set_default_dtype(torch.float64)
    try:
        x, weight = (leaf.requires_grad_() for leaf in inputs(shapes, torch.bfloat16, 3))
        native_layers.rms_norm(x, weight, 1e-5).backward(before[0])
        assert weight.grad is not None
        assert weight.grad.isfinite().all()
        assert float(weight.grad.norm()) > 1
    finally:
        torch.set_default_dtype(torch.float32)


def test_every_layer_of_a_block_goes_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could be left unused and nobody would notice."""
    called: list[str] = []
    real = native_layers._call

    def noted(function: str, *arguments: object) -> None:
        called.append(function)
        real(function, *arguments)

    monkeypatch.setattr(native_layers, "_call", noted)
    config = ModelConfig(64, 64, 1, 2, 1, 32, 96, 512, "qwen3")
    block = Block(config, 0).bfloat16()
    plan = type("Same", (), {"attend": staticmethod(lambda layer, q, k, v: q)})()
    turns = rope.Rotary(config)(torch.arange(5), torch.bfloat16)
    block(torch.randn(5, 64).bfloat16(), turns, plan, 0.0).sum().backward()
    keys_unused = {"norm_backward": 3, "turn_backward": 1}
    once = dict.fromkeys(("gate_forward", "gate_backward"), 1)
    assert Counter(called) == {"norm_forward": 4, "turn_forward": 2} | keys_unused | once
