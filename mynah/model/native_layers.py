"""What lies between a block's products, in training on a processor: calls of compiled C (`layers.c`), each one pass.

For bf16 on processors that multiply it; the layers themselves, in PyTorch, do all else, and are the tests' oracle.
"""

from __future__ import annotations

from ctypes import c_float
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mynah.native.compiled import library

LANES = 16
"""Rows, or halves of heads, are multiples of it."""
TOGETHER = 64
"""Rows whose gradients of a norm's weights one thread adds up."""


def runs(*tensors: Tensor, parts: int = 1) -> bool:
    """Whether these are for C: it knows bf16 alone, no other device, and rows whose parts are whole vectors."""
    return (
        not torch.compiler.is_compiling()
        and all(x.dtype == torch.bfloat16 and x.device.type == "cpu" for x in tensors)
        and all(x.shape[-1] % (parts * LANES) == 0 for x in tensors)
        and library("layers") is not None
    )


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x [..., D] / √(mean(x²) + ε) · w [D]."""
    _check(weight.shape == x.shape[-1:], x, weight)
    return _Norm.apply(x, weight, eps)


def gated(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) · up, of one shape."""
    _check(gate.shape == up.shape, gate, up)
    return _Gated.apply(gate, up)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x · cos + swapped halves of x · sin, for heads x [T, H, W] and turns [T, 1, W]."""
    _check(x.ndim == 3 and cos.shape == sin.shape == (len(x), 1, x.shape[-1]), x, cos, sin)
    return _Rotated.apply(x, cos, sin)


def _check(fit: bool, *tensors: Tensor) -> None:
    """Raises ValueError, where C would read what there is not."""
    if not fit or any(x.dtype != torch.bfloat16 for x in tensors):
        shapes = ", ".join(f"{x.dtype} {list(x.shape)}" for x in tensors)
        raise ValueError(f"layers in C take bf16 of shapes that fit each other, not {shapes}.")


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        x, weight = x.contiguous(), weight.contiguous()
        y, scales = torch.empty_like(x), x.new_empty(x.shape[:-1], dtype=torch.float32)
        _call("norm_forward", x, scales.numel(), x.shape[-1], weight, c_float(eps), torch.get_num_threads(), y, scales)
        ctx.save_for_backward(x, weight, scales)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight, scales), gradient = ctx.saved_tensors, gradients[0].contiguous()
        rows, width, found = scales.numel(), x.shape[-1], torch.empty_like(x)
        sums = None
        if ctx.needs_input_grad[1]:
            sums = x.new_empty((-(-rows // TOGETHER), width), dtype=torch.float32)
        threads = torch.get_num_threads()
        _call("norm_backward", x, gradient, rows, width, weight, scales, TOGETHER, threads, found, sums)
        return found, None if sums is None else sums.sum(0).to(weight.dtype), None


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        gate, up = gate.contiguous(), up.contiguous()
        y = torch.empty_like(gate)
        _call("gate_forward", gate, up, gate.numel(), torch.get_num_threads(), y)
        ctx.save_for_backward(gate, up)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        (gate, up), gradient = ctx.saved_tensors, gradients[0].contiguous()
        found = torch.empty_like(gate), torch.empty_like(up)
        _call("gate_backward", gate, up, gradient, gate.numel(), torch.get_num_threads(), *found)
        return found


class _Rotated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        cos, sin = cos.contiguous(), sin.contiguous()
        ctx.save_for_backward(cos, sin)
        return _turned("turn_forward", x, cos, sin)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _turned("turn_backward", gradients[0], *ctx.saved_tensors), None, None


def _turned(function: str, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    x = x.contiguous()
    y = torch.empty_like(x)
    _call(function, x, cos, sin, *x.shape, torch.get_num_threads(), y)
    return y


def _call(function: str, *arguments: Any) -> None:
    getattr(library("layers"), function)(*(x.data_ptr() if isinstance(x, Tensor) else x for x in arguments))
