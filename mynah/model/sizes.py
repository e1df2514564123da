"""What a model is made of, and what that costs: parameters, FLOPs, bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Architecture = Literal["llama", "mistral", "smollm3", "qwen2", "qwen3", "gpt2"]


@dataclass(frozen=True)
class RopeScaling:
    """How rotary positions are stretched beyond the context of pretraining; `rope.frequencies` has the formulas."""

    kind: Literal["linear", "dynamic", "llama3", "yarn"]
    factor: float
    """How many times longer than the original context."""
    original_context: int
    """Tokens that the model was pretrained on (llama3, yarn)."""
    low_freq_factor: float = 1.0
    """llama3: waves longer than original_context / this are stretched by the whole factor."""
    high_freq_factor: float = 4.0
    """llama3: waves shorter than original_context / this are left alone."""
    beta_fast: float = 32.0
    """yarn: waves that turn more often than this over the original context are left alone."""
    beta_slow: float = 1.0
    """yarn: waves that turn less often than this are stretched by the whole factor."""
    truncate: bool = True
    """yarn: whether the bounds between these waves are rounded to whole dimensions."""
    attention_factor: float = 1.0
    """yarn: cosines and sines are multiplied by it, so that attention stays as sharp as it was."""


@dataclass(frozen=True)
class ModelConfig:
    """A decoder-only transformer: RMSNorm, RoPE, grouped-query attention, SwiGLU.

    The architecture is the Hugging Face family that the folder is saved as; it decides the biases and the q/k norm.
    GPT-2 has other parts: LayerNorm, learned positions, a GELU layer, and biases everywhere.
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
    """Inner size of the feed-forward layer."""
    context: int
    """Longest sequence in tokens."""
    architecture: Architecture = "llama"
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    tied: bool = True
    """The output head is the embedding matrix."""
    attention_bias: bool = False
    """Biases on q, k, v and the output projection (Qwen2 has the first three by nature, GPT-2 all)."""
    rope_scaling: RopeScaling | None = None
    nope_layers: tuple[int, ...] = ()
    """Layers without positions (SmolLM3)."""
    window: int | None = None
    """Keys that a token of `window_layers` sees, itself included. The context is no longer than that, so nothing is
    hidden here; a saved folder keeps it for those who read on."""
    window_layers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads ({self.heads}) must be a multiple of kv_heads ({self.kv_heads}).")
        if self.head_width % 2 and not self.learned_positions:
            raise ValueError(f"head_width ({self.head_width}) must be even: RoPE turns pairs.")
        if self.window is not None and self.context > self.window:
            raise ValueError(f"context ({self.context}) must not exceed the sliding window ({self.window}).")
        if self.architecture == "gpt2" and (self.heads * self.head_width != self.width or self.kv_heads != self.heads):
            raise ValueError(f"GPT-2's width ({self.width}) must be heads ({self.heads}) · head_width, without groups.")

    @classmethod
    def of_size(
        cls, width: int, layers: int, vocab_size: int, context: int, tied: bool, architecture: Architecture
    ) -> ModelConfig:
        """Derive the shape from width and depth: heads of 32 (small) or 64, a quarter as many KV heads, ff ≈ 8/3 D.

        GPT-2 has as many KV heads as heads, and ff = 4 D.
        """
        head_width = 32 if width < 512 else 64
        heads = max(1, width // head_width)
        kv_heads = next(n for n in (max(1, heads // 4), 1) if heads % n == 0)
        ff_width = round(8 * width / 3 / 32) * 32
        if architecture == "gpt2":
            kv_heads, ff_width = heads, 4 * width
        return cls(vocab_size, width, layers, heads, kv_heads, head_width, ff_width, context, architecture, tied=tied)

    @property
    def qk_norm(self) -> bool:
        return self.architecture == "qwen3"

    @property
    def qkv_bias(self) -> bool:
        return self.attention_bias or self.architecture in ("qwen2", "gpt2")

    @property
    def output_bias(self) -> bool:
        return (self.attention_bias and self.architecture != "qwen2") or self.architecture == "gpt2"

    @property
    def learned_positions(self) -> bool:
        """A vector for each position is added to the embeddings; else q and k are rotated."""
        return self.architecture == "gpt2"

    @property
    def norm(self) -> Literal["rms", "layer"]:
        """RMSNorm, or LayerNorm with a bias."""
        return "layer" if self.architecture == "gpt2" else "rms"

    @property
    def feed_forward(self) -> Literal["swiglu", "gelu"]:
        """Three matrices, or two with biases."""
        return "gelu" if self.architecture == "gpt2" else "swiglu"

    def parameters(self) -> int:
        """Number of weights, embeddings included, tied weights once."""
        q, kv = self.heads * self.head_width, self.kv_heads * self.head_width
        biases = (q + 2 * kv) * self.qkv_bias + self.width * self.output_bias
        biases += (self.ff_width + self.width) * (self.feed_forward == "gelu")
        norm = self.width * (2 if self.norm == "layer" else 1)
        block = self._block_matrices() + biases + 2 * self.head_width * self.qk_norm + 2 * norm
        tables = self.vocab_size * (1 if self.tied else 2) + self.context * self.learned_positions
        return self.layers * block + norm + tables * self.width

    def flops_per_token(self, context: int) -> int:
        """FLOPs of one forward pass per token at `context` keys; a training step costs three times as much."""
        attended = 2 * self.heads * self.head_width * context
        return 2 * (self.layers * (self._block_matrices() + attended) + self.vocab_size * self.width)

    def _block_matrices(self) -> int:
        """Weights in the matrices of one block."""
        q, kv = self.heads * self.head_width, self.kv_heads * self.head_width
        return self.width * (2 * q + 2 * kv + (2 if self.feed_forward == "gelu" else 3) * self.ff_width)

    def kept_bytes_per_token(self, bytes_per_value: int = 2) -> int:
        """Bytes that training keeps of one token between the way forward and the way back, where attention and what
        lies between products are in C: the inputs of norms, products, attention and gate, once each.

        Of a Llama-like model; a q/k norm or PyTorch's own attention keeps more.
        """
        q, kv = self.heads * self.head_width, self.kv_heads * self.head_width
        values = 4 * self.width + 2 * q + 2 * kv + 3 * self.ff_width
        scales = 4 * (2 + 2 * self.heads)  # fp32: of two norms; peak and sum of each head's softmax
        return self.layers * (values * bytes_per_value + scales) + 3 * self.width * bytes_per_value

    def kv_bytes_per_token(self, bytes_per_value: int = 2) -> int:
        """Bytes that one token of context occupies in the KV cache."""
        return 2 * self.layers * self.kv_heads * self.head_width * bytes_per_value
