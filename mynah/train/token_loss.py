"""Log p of the supervised tokens: the output head and softmax only where a target stands, a chunk at a time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mynah.model.attention import PackedPlan
from mynah.model.transformer import Transformer
from mynah.nouns import PackedBatch
from mynah.train.packing import FILL

CHUNK_LOGITS = 2**24
"""Logits held at once (64 MB in fp32); a larger batch is chunked, and each chunk recomputed for its gradient."""


def token_logprobs(model: Transformer, batch: PackedBatch, dropout: float = 0.0, temperature: float = 1.0) -> Tensor:
    """log p [N] in fp32 of every supervised token of `batch`, differentiable.

    Logits are divided by `temperature`, as those were that the tokens were sampled from.
    """
    hidden = model(batch.tokens, batch.positions, PackedPlan(batch, model.dtype), dropout)[batch.sources]  # [N, D]

    def score(part: Tensor, targets: Tensor) -> Tensor:
        filled = F.pad(part, (0, 0, 0, -len(part) % FILL))
        logits = model.logits(filled)[: len(part)].float()  # [n, V]
        return -F.cross_entropy(logits if temperature == 1 else logits / temperature, targets, reduction="none")

    size = max(1, CHUNK_LOGITS // model.config.vocab_size)
    if len(hidden) <= size:
        return score(hidden, batch.targets)
    parts = zip(hidden.split(size), batch.targets.split(size), strict=True)
    return torch.cat([checkpoint(score, part, targets, use_reentrant=False) for part, targets in parts])
