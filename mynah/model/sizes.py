"""What a model is made of, and what that costs: parameters, FLOPs, bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Architecture = Literal["llama", "qwen2", "qwen3"]


@dataclass(frozen=True)
class ModelConfig:
    """A decoder-only transformer: RMSNorm, RoPE, grouped-query attention, SwiGLU.

    The architecture is the Hugging Face family that the folder is saved as; it decides the biases and the q/k norm.
    """

    vocab_size: int
    width: int
    """D, the size of the residual stream."""
    layers: int
    heads: int
    kv_heads: int
    """Heads of keys and values; `heads` is a multiple of it."""
    head_width: int
    ff_width: int
    """Inner size of the SwiGLU layer."""
    context: int
    """Longest sequence in tokens."""
    architecture: Architecture = "llama"
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    tied: bool = True
    """The output head is the embedding matrix."""
    attention_bias: bool = False
    """Biases on q, k, v and the output projection (Qwen2 has the first three by nature)."""

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads ({self.heads}) must be a multiple of kv_heads ({self.kv_heads}).")
        if self.head_width % 2:
            raise ValueError(f"head_width ({self.head_width}) must be even: RoPE turns pairs.")

    @classmethod
    def of_size(
        cls, width: int, layers: int, vocab_size: int, context: int, tied: bool, architecture: Architecture
    ) -> ModelConfig:
        """Derive the shape from width and depth: heads of 32 (small) or 64, a quarter as many KV heads, ff ≈ 8/3 D."""
        head_width = 32 if width < 512 else 64
        heads = max(1, width // head_width)
        kv_heads = next(n for n in (max(1, heads // 4), 1) if heads % n == 0)
        ff_width = round(8 * width / 3 / 32) * 32
        return cls(vocab_size, width, layers, heads, kv_heads, head_width, ff_width, context, architecture, tied=tied)

    @property
    def qk_norm(self) -> bool:
        return self.architecture == "qwen3"

    @property
    def qkv_bias(self) -> bool:
        return self.attention_bias or self.architecture == "qwen2"

    @property
    def output_bias(self) -> bool:
        return self.attention_bias and self.architecture != "qwen2"

    def parameters(self) -> int:
        """Number of weights, embeddings included, tied weights once."""
        q, kv = self.heads * self.head_width, self.kv_heads * self.head_width
        attention = self.width * (2 * q + 2 * kv)
        attention += (q + 2 * kv) * self.qkv_bias + self.width * self.output_bias + 2 * self.head_width * self.qk_norm
        block = attention + 3 * self.width * self.ff_width + 2 * self.width
        return self.layers * block + self.width + self.vocab_size * self.width * (1 if self.tied else 2)

    def flops_per_token(self, context: int) -> int:
        """FLOPs of one forward pass per token at `context` keys; a training step costs three times as much."""
        q, kv = self.heads * self.head_width, self.kv_heads * self.head_width
        matrices = self.width * (2 * q + 2 * kv) + 3 * self.width * self.ff_width
        return 2 * (self.layers * (matrices + 2 * q * context) + self.vocab_size * self.width)

    def kv_bytes_per_token(self, bytes_per_value: int = 2) -> int:
        """Bytes that one token of context occupies in the KV cache."""
        return 2 * self.layers * self.kv_heads * self.head_width * bytes_per_value
