"""Training's attention as two calls of compiled C (`attention.c`), one each way: no padding, biases or copies.

For bf16 on processors that multiply it; the rows of `packed.py`, in PyTorch, do all else, and are the tests' oracle.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mynah.native.compiled import library

LANES = 16
"""Widths of heads are multiples of it."""


class _Job(ctypes.Structure):
    _fields_ = [
        *((name, c_int64) for name in ("heads", "kv_heads", "width", "groups", "threads", "most", "widest")),
        *((name, c_void_p) for name in ("first", "rows", "room")),
    ]


def runs(device: torch.device, dtype: torch.dtype) -> bool:
    """False for what attention.c does not do: another number format, another device."""
    return device.type == "cpu" and dtype == torch.bfloat16 and library("attention") is not None


class Groups:
    """Who sees whom: rows, each (begin, length, tokens of the trunk before it), by group."""

    def __init__(self, groups: Sequence[Sequence[tuple[int, int, int]]]) -> None:
        counts = [len(rows) for rows in groups]
        self.first = torch.tensor([0, *counts]).cumsum(0)
        self.rows = torch.tensor([row for rows in groups for row in rows])  # [R, 3]
        self.held = int(self.rows[:, 1].sum())
        self.most, self.widest = max(sum(length for _, length, _ in rows) for rows in groups), max(counts)

    def job(self, q: Tensor, k: Tensor) -> tuple[_Job, Tensor]:
        """What C is told, and its scratch, which must live as long."""
        job = _Job(*q.shape[1:2], *k.shape[1:], len(self.first) - 1, torch.get_num_threads(), self.most, self.widest)
        job.first, job.rows = self.first.data_ptr(), self.rows.data_ptr()
        lib = library("attention")
        assert lib is not None, "ask runs() first"
        room = q.new_empty(lib.attention_room(ctypes.byref(job)), dtype=torch.uint8)
        job.room = room.data_ptr()
        return job, room


def attend(q: Tensor, k: Tensor, v: Tensor, groups: Groups) -> Tensor:
    """softmax(q·kᵀ/√W)·v over the stream: q [T, H, W], k and v [T, KV, W] → [T, H, W]; 0 for filler.

    Raises:
        ValueError: They are not all bf16, or not of one stream that holds the groups: C would read what there is not.
    """
    if any(x.dtype != torch.bfloat16 or len(x) != len(q) or len(x) < groups.held for x in (q, k, v)):
        raise ValueError("attention in C takes q, k and v in bf16, of one stream as long as its groups.")
    return _Attend.apply(q, k, v, groups)


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, groups: Groups) -> Tensor:
        q, k, v = (x.contiguous() for x in (q, k, v))
        mixed, peaks, sums = torch.empty_like(q), *(q.new_empty(q.shape[:2], dtype=torch.float32) for _ in range(2))
        mixed[groups.held :] = 0.0
        job, room = groups.job(q, k)
        _call("attention_forward", job, q, k, v, mixed, peaks, sums)
        del room
        ctx.save_for_backward(q, k, v, peaks, sums)
        ctx.groups = groups
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, peaks, sums = ctx.saved_tensors
        found = [torch.empty_like(x) for x in (q, k, v)]
        for x in found:
            x[ctx.groups.held :] = 0.0
        job, room = ctx.groups.job(q, k)
        _call("attention_backward", job, q, k, v, peaks, sums, gradients[0].contiguous(), *found)
        del room
        return (*found, None)


def _call(function: str, job: _Job, *tensors: Tensor) -> None:
    getattr(library("attention"), function)(ctypes.byref(job), *(x.data_ptr() for x in tensors))
