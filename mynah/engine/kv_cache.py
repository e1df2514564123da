"""Keys and values of every token in flight: one dense slab a layer, one row a sequence."""

from __future__ import annotations

import torch
from torch import Tensor

from mynah.model.sizes import ModelConfig

BLOCK = 64
"""Attention reads whole blocks of this many positions (see `runner.attention_by_blocks`)."""


class KVCache:
    """Slabs [rows, KV, capacity, W] for each layer. Rows 0 … active − 1 are in use: a finished row is swapped out."""

    def __init__(self, config: ModelConfig, rows: int, capacity: int, dtype: torch.dtype, device: torch.device) -> None:
        self.rows, self.capacity = rows, -(-capacity // BLOCK) * BLOCK
        shape = (rows, config.kv_heads, self.capacity, config.head_width)
        # zeros, not empty: a masked position must hold a number, since 0 · NaN is NaN
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]

    def write_prompt(self, layer: int, rows: slice, keys: Tensor, values: Tensor) -> None:
        """Copy one prompt's keys and values [P, KV, W] into each of `rows`."""
        self.keys[layer][rows, :, : keys.shape[0]] = keys.transpose(0, 1)
        self.values[layer][rows, :, : keys.shape[0]] = values.transpose(0, 1)

    def append(self, layer: int, positions: Tensor, keys: Tensor, values: Tensor) -> None:
        """Write one token [B, KV, W] a row, at that row's position [B]."""
        rows = torch.arange(len(positions), device=positions.device)
        self.keys[layer][rows, :, positions] = keys
        self.values[layer][rows, :, positions] = values

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of row `source` over row `target`."""
        for slab in (*self.keys, *self.values):
            slab[target, :, :length] = slab[source, :, :length]
