"""The models that are measured: random weights of three sizes, since speed does not ask what a model knows."""

from __future__ import annotations

from mynah.model.sizes import ModelConfig

CONTEXT = 4608
"""Longest sequence; the growth table goes to 4096."""


def _shape(vocab_size: int, width: int, layers: int, heads: int, kv_heads: int, ff_width: int) -> ModelConfig:
    return ModelConfig(vocab_size, width, layers, heads, kv_heads, width // heads, ff_width, CONTEXT)


SHAPES = {
    "m8": _shape(4096, 256, 8, 8, 4, 768),
    "m30": _shape(8192, 512, 8, 8, 4, 1408),
    "m125": _shape(16384, 768, 12, 12, 4, 2048),
    "m370": _shape(16384, 1024, 28, 16, 8, 3072),
}
"""7.3, 28, 88 and 368 million parameters, Llama's architecture, head and embeddings tied."""
MEASURED = {"cpu": ("m8", "m30", "m125"), "cuda": ("m125", "m370")}
