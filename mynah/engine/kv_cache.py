"""Keys and values of every token in flight: one dense slab a layer, one row a sequence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mynah.model.sizes import ModelConfig

BLOCK = 64
"""Attention reads whole blocks of this many positions (see `runner.attention_by_blocks`)."""

FIRST = 1024
"""Positions at first: an open model's context may be 131,072, and what is not used need not be held."""


class KVCache:
    """Slabs [rows, KV, capacity, W] for each layer. Rows 0 … active − 1 are in use: a finished row is swapped out.

    They start with room for FIRST positions and grow with the longest sequence, up to `capacity`.
    """

    def __init__(self, config: ModelConfig, rows: int, capacity: int, dtype: torch.dtype, device: torch.device) -> None:
        self.rows, self._most = rows, _blocks(capacity)
        self.capacity = min(FIRST, self._most)
        shape = (rows, config.kv_heads, self.capacity, config.head_width)
        # zeros, not empty: a masked position must hold a number, since 0 · NaN is NaN
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]

    def reserve(self, length: int) -> None:
        """Make room for sequences of `length` tokens; what is stored stays."""
        if length <= self.capacity:
            return
        more = min(self._most, max(2 * self.capacity, _blocks(length))) - self.capacity
        for slabs in (self.keys, self.values):
            for layer, slab in enumerate(slabs):
                slabs[layer] = F.pad(slab, (0, 0, 0, more))
        self.capacity += more

    def write_prompt(self, layer: int, rows: slice, keys: Tensor, values: Tensor) -> None:
        """Copy one prompt's keys and values [P, KV, W] into each of `rows`."""
        self.reserve(keys.shape[0])
        self.keys[layer][rows, :, : keys.shape[0]] = keys.transpose(0, 1)
        self.values[layer][rows, :, : keys.shape[0]] = values.transpose(0, 1)

    def append(self, layer: int, positions: Tensor, keys: Tensor, values: Tensor) -> None:
        """Write one token [B, KV, W] a row, at that row's position [B], for which room was reserved."""
        rows = torch.arange(len(positions), device=positions.device)
        self.keys[layer][rows, :, positions] = keys
        self.values[layer][rows, :, positions] = values

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of row `source` over row `target`."""
        for slab in (*self.keys, *self.values):
            slab[target, :, :length] = slab[source, :, :length]


def _blocks(length: int) -> int:
    """`length`, rounded up to whole blocks."""
    return -(-length // BLOCK) * BLOCK
