"""Keys and values of every token in flight: one dense slab a layer, one row a sequence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mynah.model.sizes import ModelConfig

BLOCK = 64
"""Attention reads whole blocks of this many positions (see `runner.attention_by_blocks`)."""


class KVCache:
    """Slabs [rows, KV, length, W] for each layer. Rows 0 … active − 1 are in use: a finished row is swapped out.

    They are as long as the longest sequence, in whole blocks, so that a matrix product reads them where they lie: of
    slabs that are longer it would have to copy, in every step and layer, what it reads (five to nine times the time).
    """

    def __init__(self, config: ModelConfig, rows: int, capacity: int, dtype: torch.dtype, device: torch.device) -> None:
        self.rows, self._most, self.length = rows, _blocks(capacity), BLOCK
        shape = (rows, config.kv_heads, self.length, config.head_width)
        # zeros, not empty: a masked position must hold a number, since 0 · NaN is NaN
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]

    def fit(self, length: int) -> None:
        """Make the slabs `length` positions long, whole blocks; what is stored there stays."""
        assert length % BLOCK == 0, length
        assert length <= self._most, "a sequence longer than the engine's context"
        more = length - self.length
        if more == 0:
            return
        for slabs in (self.keys, self.values):
            for layer, slab in enumerate(slabs):
                slabs[layer] = F.pad(slab, (0, 0, 0, more)) if more > 0 else slab[:, :, :length].contiguous()
        self.length = length

    def write_prompt(self, layer: int, rows: slice, keys: Tensor, values: Tensor) -> None:
        """Copy one prompt's keys and values [P, KV, W] into each of `rows`."""
        self.fit(max(self.length, _blocks(keys.shape[0])))
        self.keys[layer][rows, :, : keys.shape[0]] = keys.transpose(0, 1)
        self.values[layer][rows, :, : keys.shape[0]] = values.transpose(0, 1)

    def append(self, layer: int, positions: Tensor, keys: Tensor, values: Tensor) -> None:
        """Write one token [B, KV, W] a row, at that row's position [B], for which room was reserved."""
        rows = torch.arange(len(positions), device=positions.device)
        self.keys[layer][rows, :, positions] = keys
        self.values[layer][rows, :, positions] = values

    def read(self, row: int, length: int) -> tuple[list[Tensor], list[Tensor]]:
        """Copies of a row's first keys and values, per layer [length, KV, W]."""
        keys, values = ([slab[row, :, :length].transpose(0, 1).clone() for slab in x] for x in (self.keys, self.values))
        return keys, values

    @torch.inference_mode()  # a row may be ended between two steps, and the slabs were made inside one
    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of row `source` over row `target`."""
        for slab in (*self.keys, *self.values):
            slab[target, :, :length] = slab[source, :, :length]


def _blocks(length: int) -> int:
    """`length`, rounded up to whole blocks."""
    return -(-length // BLOCK) * BLOCK
