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
from mynah.model.rope import Turns, rotate_both
from mynah.model.send import send
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
            q, k = rotate_both(q, k, turns)
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
        self.parts: list[tuple[tuple[int, int], Tensor | None]] = []  # (B, size), bias [B, 1, size, size]
        self.held = starts[-1]  # tokens that are no filler
        rows: list[Tensor] = []
        inside: list[Tensor] = []
        for size, groups in sorted(sizes.items()):
            empty = [0] * (row_count(len(groups)) - len(groups))
            lengths = torch.tensor([batch.group_lengths[g] for g in groups] + empty)
            begin = torch.tensor([starts[g] for g in groups] + empty)
            column = torch.arange(size)
            inside.append((column < lengths[:, None]).flatten())
            rows.append((begin[:, None] + column).clamp(max=stream - 1).flatten())  # those beyond a group are masked
            # Where nobody has siblings, who precedes is seen; on a GPU there is a faster kernel for just that.
            lonely = device.type == "cuda" and all(batch.sequences_per_group[g] == 1 for g in groups)
            bias = None
            if not lonely:
                of_rows = send(rows[-1], device).unflatten(0, (-1, size))
                bias = _bias(batch.branches[of_rows], send(lengths, device), dtype)
            self.parts.append(((len(lengths), size), bias))
        whole, used = torch.cat(rows), torch.cat(inside)  # [R] for all parts
        self.as_it_is = bool(used.all()) and torch.equal(whole, torch.arange(stream))  # full rows, one after another
        back = torch.zeros(stream, dtype=torch.long)  # [T] where each token went; filler anywhere
        back[whole[used]] = used.nonzero().squeeze(-1)
        self.rows, self.back, self.empty = (send(x, device) for x in (whole, back, (~used).nonzero().squeeze(-1)))

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return self._uncompiled(q, k, v) if q.is_cuda else self._attend(q, k, v)

    @torch.compiler.disable
    def _uncompiled(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """A GPU's kernels for attention gain nothing from being compiled, and other parts would be other code."""
        return self._attend(q, k, v)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mixed = []
        counts = [count * size for (count, size), _ in self.parts]
        gathered = [self._gathered(x).split(counts) for x in (q, k, v)]
        for (shape, bias), *parts in zip(self.parts, *gathered, strict=True):
            qs, ks, vs = (x.unflatten(0, shape).transpose(1, 2) for x in parts)
            mixed.append(attention(qs, ks, vs, bias).transpose(1, 2).flatten(0, 1))  # [B · size, H, W]
        together = mixed[0] if len(mixed) == 1 else torch.cat(mixed)
        return self._scattered(together)

    def _gathered(self, x: Tensor) -> Tensor:
        """The stream [T, …] as rows, laid end to end [R, …]."""
        if self.as_it_is:
            return x
        return _Gather.apply(x, self.rows, self.back, slice(self.held, None))

    def _scattered(self, x: Tensor) -> Tensor:
        """The rows as the stream again."""
        if self.as_it_is:
            return x
        return _Gather.apply(x, self.back, self.rows, self.empty)


class _Gather(torch.autograd.Function):
    """`x.index_select(0, there)` for a reordering whose inverse is known: its backward pass is one, too, and not a sum.

    `unused`: places of x that nobody reads for good, whose gradient is 0.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Tensor, back: Tensor, unused: slice | Tensor) -> Tensor:
        ctx.save_for_backward(back, *([unused] if isinstance(unused, Tensor) else []))
        ctx.unused = None if isinstance(unused, Tensor) else unused
        return x.index_select(0, there)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        back, *unused = ctx.saved_tensors
        gradient = gradients[0].index_select(0, back)
        if unused:
            gradient.index_fill_(0, unused[0], 0.0)
        else:
            gradient[ctx.unused] = 0.0
        return gradient, None, None, None


def _bias(branch: Tensor, lengths: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where a token is seen and −∞ where not, [B, 1, S, S], for rows of branch numbers [B, S], `lengths` [B] long."""
    column = torch.arange(branch.shape[1], device=branch.device)
    branch = branch.masked_fill(column >= lengths[:, None], 0)
    visible = (branch[:, None, :] == 0) | (branch[:, None, :] == branch[:, :, None])
    visible &= column[:, None] >= column
    return torch.zeros(visible.shape, dtype=dtype, device=branch.device).masked_fill_(~visible, float("-inf"))[:, None]


def row_size(length: int) -> int:
    """The row that a group of this length lies in: 32, 48, 64, 96, 128, 192, … so that at most a third is empty."""
    size = 32
    while size < length:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def row_count(groups: int) -> int:
    """How many rows are made for so many groups of one size: few counts, up to 8 a power of two."""
    return 1 << (groups - 1).bit_length() if groups <= 8 else -(-groups // 8) * 8


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """softmax(q·kᵀ/√W + bias)·v for q [B, H, L, W], k and v [B, KV, S, W], bias [B, 1, L, S]; without one, causal."""
    if bias is None or q.is_cuda:
        return gpu_attention(q, k, v, bias)
    if k.shape[2] > MIDDLING:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, enable_gqa=True)
    if k.shape[2] <= SHORT or torch.compiler.is_compiling():
        return plain_attention(q, k, v, bias)
    return _ByRows.apply(q, k, v, bias)


def gpu_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """The same through PyTorch's fused kernels: the one that reads a group's keys once knows no bias and no fp32."""
    shared = bias is None and q.dtype != torch.float32
    if not shared and q.shape[1] != k.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, is_causal=bias is None, enable_gqa=shared)


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
