"""Bits per byte: how well a model predicts text, whatever its tokenizer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from mynah.model.transformer import Transformer
from mynah.nouns import Group
from mynah.train.packing import microbatches
from mynah.train.token_loss import token_logprobs


@torch.no_grad()
def bits_per_byte(model: Transformer, groups: Sequence[Group], text_bytes: int, budget: int) -> float:
    """−Σ log₂ p of every supervised token of `groups`, over the UTF-8 bytes of the text that they spell."""
    total = 0.0
    for batch in microbatches(groups, budget, model.device):
        total -= float(token_logprobs(model, batch).sum())
    return total / math.log(2) / text_bytes
