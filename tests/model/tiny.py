"""Models of some 50k weights whose every part matters: sharp distributions, norms other than 1, biases other than 0."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mynah.model.packed import PackedPlan
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.nouns import Group
from mynah.train.packing import lay_out

TINY = ModelConfig(
    vocab_size=97,
    width=48,
    layers=2,
    heads=4,
    kv_heads=2,
    head_width=16,  # 4 · 16 is not 48: the head size is its own setting
    ff_width=96,
    context=256,
    rope_theta=5_000.0,
)

FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"architecture": "mistral"},
    "smollm3": {"architecture": "smollm3", "nope_layers": (1,)},
    "qwen2": {"architecture": "qwen2"},
    "qwen3": {"architecture": "qwen3"},
    "gpt2": {"architecture": "gpt2", "kv_heads": 4, "head_width": 12},
}
"""What makes TINY a model of each family."""


def tiny_model(seed: int = 0, dtype: torch.dtype = torch.float32, **changes: Any) -> Transformer:
    model = initialise(replace(TINY, **changes), seed)
    unsettle(model, seed)
    return model.to(dtype)


@torch.no_grad()
def unsettle(model: nn.Module, seed: int) -> None:
    """Move every weight off the value that an error could hide behind."""
    generator = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        noise = torch.randn(weight.shape, generator=generator)
        weight.copy_(noise * 0.12 if weight.ndim == 2 else weight + 0.3 * noise)


def random_tokens(length: int, seed: int = 0, vocab_size: int = TINY.vocab_size) -> tuple[int, ...]:
    return tuple(torch.randint(vocab_size, (length,), generator=torch.Generator().manual_seed(seed)).tolist())


def plain(tokens: Sequence[int]) -> Group:
    """A group of one sequence, of which every token but the first is supervised."""
    return Group(tuple(tokens), (False,) + (True,) * (len(tokens) - 1))


def full_logits(model: Transformer, tokens: Sequence[int]) -> Tensor:
    """The learner's logits [T, V] in fp32 after each token of one sequence."""
    batch = lay_out([plain(tokens)])
    return model.logits(model(batch.tokens, batch.positions, PackedPlan(batch, model.dtype))).float()
