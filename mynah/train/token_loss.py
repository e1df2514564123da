"""Log p of the supervised tokens: the output head and softmax only where a target stands, a chunk at a time."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mynah.model.packed import PackedPlan
from mynah.model.transformer import Transformer
from mynah.nouns import PackedBatch
from mynah.train.packing import FILL

CHUNK_ROWS = 512
"""A chunk's rows at least: with fewer, a large head would mostly be read and little used."""
CHUNK_LOGITS = {"cpu": 2**21, "cuda": 2**26}
"""Logits held at once, if the rows allow it: 8 MB in fp32 stay in a processor's cache; a GPU wants large products."""


def token_logprobs(model: Transformer, batch: PackedBatch, dropout: float = 0.0, temperature: float = 1.0) -> Tensor:
    """log p [N] in fp32 of every supervised token of `batch`, differentiable.

    Logits are divided by `temperature`, as those were that the tokens were sampled from.
    """
    hidden = model(batch.tokens, batch.positions, PackedPlan(batch, model.dtype), dropout)[batch.sources]  # [N, D]
    return target_logprobs(hidden, model.head, batch.targets, temperature)


def target_logprobs(hidden: Tensor, head: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """log softmax(hidden · headᵀ / temperature)[target], [N] in fp32, for hidden [N, D], head [V, D], targets [N].

    Neither direction holds more than a chunk of the logits: the backward pass computes them again (for a small model
    that costs less than to write, keep and read them).
    """
    return _TargetLogprobs.apply(hidden, head, targets, temperature)


class _TargetLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor, temperature: float) -> Tensor:
        logprobs = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        norms = torch.empty_like(logprobs)  # log Σ exp of each row
        for rows in _chunks(hidden, head):
            logits = _logits(hidden[rows], head, temperature)
            norms[rows] = logits.logsumexp(-1)
            logprobs[rows] = logits.gather(-1, targets[rows, None]).squeeze(-1) - norms[rows]
        ctx.save_for_backward(hidden, head, targets, norms)
        ctx.temperature = temperature
        return logprobs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        hidden, head, targets, norms = ctx.saved_tensors
        for_hidden = torch.empty_like(hidden)
        frozen = not ctx.needs_input_grad[1]  # beside adapters
        for_head = None if frozen else torch.zeros_like(head, dtype=torch.float32)
        for rows in _chunks(hidden, head):
            gradient = gradients[0][rows, None] / ctx.temperature
            shares = _logits(hidden[rows], head, ctx.temperature).sub_(norms[rows, None]).exp_()  # softmax
            for_logits = shares.mul_(-gradient).scatter_add_(-1, targets[rows, None], gradient).to(hidden.dtype)
            for_hidden[rows] = for_logits @ head
            if for_head is not None:
                for_head += for_logits.mT @ hidden[rows]
        return for_hidden, None if for_head is None else for_head.to(head.dtype), None, None


def _chunks(hidden: Tensor, head: Tensor) -> list[slice]:
    size = max(CHUNK_ROWS, CHUNK_LOGITS["cuda" if hidden.is_cuda else "cpu"] // len(head))
    return [slice(start, start + size) for start in range(0, len(hidden), size)]


def _logits(hidden: Tensor, head: Tensor, temperature: float) -> Tensor:
    """fp32 logits of the rows, computed in the working dtype; rows are filled up so that few shapes occur."""
    filled = F.pad(hidden, (0, 0, 0, -len(hidden) % FILL))
    logits = F.linear(filled, head)[: len(hidden)].float()  # [n, V]
    return logits if temperature == 1 else logits.div_(temperature)
