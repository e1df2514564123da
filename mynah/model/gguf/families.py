"""What llama.cpp calls an architecture of ours, and where its order of weights is another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mynah.errors import UserError
from mynah.model.rope import frequencies
from mynah.model.sizes import ModelConfig


@dataclass(frozen=True)
class Family:
    """How llama.cpp knows an architecture of ours."""

    name: str
    pairs: bool = False
    """It rotates neighbours (2i, 2i + 1) of a head, where we rotate (i, i + half): q and k are put in that order."""
    filled: bool = False
    """It takes for granted that the heads together are as wide as the model."""
    biased: bool = True
    """It knows a bias on the attention's output."""
    stretched: bool = False
    """It reads how RoPE is stretched from ROPE_FREQS."""


FAMILIES = {
    "llama": Family("llama", pairs=True, stretched=True),
    "qwen2": Family("qwen2", filled=True),
    "qwen3": Family("qwen3", biased=False),
}
ROPE_FREQS = "rope_freqs.weight"
"""The tensor by whose values [head_width / 2] llama.cpp divides the frequencies of a stretched RoPE."""


def package(purpose: str) -> Any:
    """llama.cpp's own package, which nothing else needs."""
    try:
        import gguf
    except ImportError:
        raise UserError(f"{purpose} needs the package gguf; in mynah's folder: pip install -e '.[gguf]'.") from None
    return gguf


def names_of(gguf: Any, family: Family, layers: int) -> Any:
    """llama.cpp's table from Hugging Face's names to its own."""
    return gguf.get_tensor_name_map(gguf.MODEL_ARCH[family.name.upper()], layers)


def their_name(table: Any, ours: str) -> str:
    """What llama.cpp calls the weight that we call `ours`."""
    theirs = table.get_name(ours if ours.startswith("lm_head") else f"model.{ours}", (".weight", ".bias"))
    assert isinstance(theirs, str), ours
    return theirs


def in_pairs(weight: Tensor, name: str, config: ModelConfig) -> Tensor:
    """The rows (or biases) of a q or k projection with each head's halves interleaved; others as they are."""
    heads = _heads(name, config)
    if not heads:
        return weight
    return weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).reshape(weight.shape)


def in_halves(weight: Tensor, name: str, config: ModelConfig) -> Tensor:
    """The way back from `in_pairs`."""
    heads = _heads(name, config)
    if not heads:
        return weight
    return weight.unflatten(0, (heads, -1, 2)).transpose(1, 2).reshape(weight.shape)


def stretching(config: ModelConfig) -> Tensor:
    """How many times each pair's waves are longer than without `config.rope_scaling`, [head_width / 2]."""
    plain = frequencies(config.head_width, config.rope_theta)
    return plain / frequencies(config.head_width, config.rope_theta, config.rope_scaling).to(torch.float32)


def _heads(name: str, config: ModelConfig) -> int:
    return config.heads if ".q_proj." in name else config.kv_heads if ".k_proj." in name else 0
