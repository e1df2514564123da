"""Grouped-query attention over a flat token stream; a plan says which token may look at which.

The projections are the same for training, prefill and decoding; only the plan differs, and it is an argument.
So the learner and the engine compute one function, and their log-probabilities agree by construction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mynah.model.layers import RMSNorm
from mynah.model.rope import Turns, rotate_both
from mynah.model.sizes import ModelConfig

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
