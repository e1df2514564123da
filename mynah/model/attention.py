"""Grouped-query attention over a flat token stream; a plan says which token may look at which.

The projections are the same for training, prefill and decoding; only the plan differs, and it is an argument.
So the learner and the engine compute one function, and their log-probabilities agree by construction.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mynah.model.layers import RMSNorm
from mynah.model.rope import Turns, rotate
from mynah.model.sizes import ModelConfig
from mynah.nouns import PackedBatch

SHORT, MIDDLING = 256, 1024
"""Rows up to the one length are cheapest as plain matrix products (measured on CPU), up to the other as plain products
a few rows at a time, and beyond through the fused kernel, whose backward pass is slow in bf16."""
SCORES_AT_ONCE = 2**21
"""8 MB in fp32."""


class AttentionPlan(Protocol):
    """Who attends to whom: queries [T, H, W], keys and values [T, KV, W] of layer `layer` → [T, H, W]."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor: ...


class Attention(nn.Module):
    """q, k, v projections, optional q/k norm, rotation, the plan's attention, output projection."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.head_width = layer, config.head_width
        self.rotates = not config.learned_positions and layer not in config.nope_layers
        q_width, kv_width = config.heads * config.head_width, config.kv_heads * config.head_width
        self.q_proj = nn.Linear(config.width, q_width, bias=config.qkv_bias)
        self.k_proj = nn.Linear(config.width, kv_width, bias=config.qkv_bias)
        self.v_proj = nn.Linear(config.width, kv_width, bias=config.qkv_bias)
        self.o_proj = nn.Linear(q_width, config.width, bias=config.output_bias)
        self.q_norm = RMSNorm(config.head_width, config.norm_eps) if config.qk_norm else nn.Identity()
        self.k_norm = RMSNorm(config.head_width, config.norm_eps) if config.qk_norm else nn.Identity()

    def forward(self, x: Tensor, turns: Turns | None, plan: AttentionPlan) -> Tensor:
        q, k, v = (
            project(x).unflatten(-1, (-1, self.head_width)) for project in (self.q_proj, self.k_proj, self.v_proj)
        )  # [T, H, W], [T, KV, W], [T, KV, W]
        q, k = self.q_norm(q), self.k_norm(k)
        if turns is not None and self.rotates:
            q, k = rotate(q, turns), rotate(k, turns)
        return self.o_proj(plan.attend(self.layer, q, k, v).flatten(-2))


class PackedPlan:
    """Training's plan: each token sees what precedes it in its own trunk and branch, never another group or sibling.

    Only inside attention are the groups gathered to rows, those of about one length together, so that little of a row
    is padding. Row lengths and their numbers are rounded up so that few shapes occur (a new shape costs a freshly
    compiled kernel).
    """

    def __init__(self, batch: PackedBatch, dtype: torch.dtype) -> None:
        device, stream = batch.tokens.device, batch.tokens.shape[0]
        starts = [0, *accumulate(batch.group_lengths)]
        sizes: dict[int, list[int]] = {}
        for group, length in enumerate(batch.group_lengths):
            sizes.setdefault(row_size(length), []).append(group)
        self.parts: list[tuple[Tensor, tuple[int, int], Tensor]] = []
        self.back = torch.zeros(stream, dtype=torch.long, device=device)  # [T] where each token went; filler anywhere
        done = 0
        for size, groups in sorted(sizes.items()):
            empty = [0] * (row_count(len(groups)) - len(groups))
            lengths = torch.tensor([batch.group_lengths[g] for g in groups] + empty, device=device)
            begin = torch.tensor([starts[g] for g in groups] + empty, device=device)
            column = torch.arange(size, device=device)
            inside = column < lengths[:, None]  # [B, size]
            rows = (begin[:, None] + column).clamp(max=stream - 1)  # what lies beyond a group is masked
            self.back[rows[inside]] = done + inside.flatten().nonzero().squeeze(-1)
            done += inside.numel()
            branch = batch.branches[rows].masked_fill(~inside, 0)
            visible = (branch[:, None, :] == 0) | (branch[:, None, :] == branch[:, :, None])
            visible &= column[:, None] >= column
            bias = torch.zeros(visible.shape, dtype=dtype, device=device).masked_fill_(~visible, float("-inf"))
            self.parts.append((rows.flatten(), (len(lengths), size), bias[:, None]))  # [B · size], [B, 1, size, size]

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mixed = []
        for rows, shape, bias in self.parts:
            qs, ks, vs = (x.index_select(0, rows).unflatten(0, shape).transpose(1, 2) for x in (q, k, v))
            mixed.append(attention(qs, ks, vs, bias).transpose(1, 2).flatten(0, 1))  # [B · size, H, W]
        return torch.cat(mixed).index_select(0, self.back)


def row_size(length: int) -> int:
    """The row that a group of this length lies in: 32, 48, 64, 96, 128, 192, … so that at most a third is empty."""
    size = 32
    while size < length:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def row_count(groups: int) -> int:
    """How many rows are made for so many groups of one size: few counts, up to 8 a power of two."""
    return 1 << (groups - 1).bit_length() if groups <= 8 else -(-groups // 8) * 8


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """softmax(q·kᵀ/√W + bias)·v for q [B, H, L, W], k and v [B, KV, S, W], bias [B, 1, L, S]."""
    if q.is_cuda or k.shape[2] > MIDDLING:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, enable_gqa=True)
    if k.shape[2] <= SHORT or torch.compiler.is_compiling():
        return plain_attention(q, k, v, bias)
    return _ByRows.apply(q, k, v, bias)


def plain_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """The same in plain matrix products."""
    grouped = q.unflatten(1, (k.shape[1], -1))  # [B, KV, H / KV, L, W]: the heads of a group read their keys once
    scores = (grouped * q.shape[-1] ** -0.5).flatten(2, 3) @ k.mT
    scores = scores.unflatten(2, grouped.shape[2:4]) + bias[:, None]
    shares = scores.float().softmax(-1).to(v.dtype)
    return (shares.flatten(2, 3) @ v).unflatten(2, grouped.shape[2:4]).flatten(1, 2)


class _ByRows(torch.autograd.Function):
    """`plain_attention`, a few rows at a time and made anew for the backward pass: nothing as large as the scores is
    kept, and what is made stays in the cache. To the bit the same, gradients included."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(q, k, v, bias)
        return torch.cat([plain_attention(*part) for part in _parts(q, k, v, bias)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        found = []
        for *part, bias, gradient in _parts(*ctx.saved_tensors, gradients[0]):
            inputs = [x.detach().requires_grad_() for x in part]
            with torch.enable_grad():
                mixed = plain_attention(inputs[0], inputs[1], inputs[2], bias)
            found.append(torch.autograd.grad(mixed, inputs, gradient))
        return (*map(torch.cat, zip(*found, strict=True)), None)


def _parts(q: Tensor, k: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The tensors' first dimension cut so that a part has at most SCORES_AT_ONCE scores, one row at least."""
    rows = max(1, SCORES_AT_ONCE // (q.shape[1] * q.shape[2] * k.shape[2]))
    return zip(*(x.split(rows) for x in (q, k, *others)), strict=True)
