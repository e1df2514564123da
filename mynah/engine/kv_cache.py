"""Keys and values of every token in flight: one dense slab a layer, one row a sequence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mynah.model.packed import row_size
from mynah.model.sizes import ModelConfig

BLOCK = 64
"""Attention reads whole blocks of this many positions (see `runner.attention_by_blocks`)."""


class KVCache:
    """Slabs [rows, KV, length, W] for each layer. Rows 0 … active − 1 are in use: a finished row is swapped out.

    They are as long as the longest sequence, in whole blocks, so that a matrix product reads them where they lie: of
    slabs that are longer it would have to copy, in every step and layer, what it reads (five to nine times the time).
    When they are made anew they get as many rows as are in use, up to the next power of two.
    A GPU does not mind, and recorded steps want them to stay where they are: there the slabs have room to `spare`,
    grow by half or a third at a time, with all rows at once, and only `length` positions of them are read.

    Args:
        slots: Tokens that there is memory for, rows times their length: the longer the sequences, the fewer rows
            (`rows_at`). One row of `capacity` tokens there always is.
    """

    def __init__(
        self,
        config: ModelConfig,
        rows: int,
        capacity: int,
        dtype: torch.dtype,
        device: torch.device,
        slots: int | None = None,
    ) -> None:
        self.most_rows, self.most, self.length, self.device = rows, _blocks(capacity), BLOCK, device
        self.slots = rows * self.most if slots is None else min(slots, rows * self.most)
        self.promised = self.slots * config.kv_bytes_per_token(dtype.itemsize)
        self.spare = device.type == "cuda"
        self.allocations = 0
        """Times that the slabs were made anew, somewhere else."""
        shape = (self._count(BLOCK, 1), config.kv_heads, BLOCK, config.head_width)
        # zeros, not empty: a masked position must hold a number, since 0 · NaN is NaN
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]

    @property
    def rows(self) -> int:
        """How many there are now."""
        return self.keys[0].shape[0]

    @property
    def nbytes(self) -> int:
        return sum(slab.nbytes for slab in (*self.keys, *self.values))

    def rows_at(self, length: int) -> int:
        """How many rows there is memory for, at least one, while the longest has `length` tokens."""
        return min(self.most_rows, max(1, self.slots // self._size(length)))

    def fit(self, length: int, rows: int) -> None:
        """Make the slabs long enough for `length` tokens, in whole blocks, and keep the first `rows`, in use."""
        assert length <= self.most, "a sequence longer than the engine's context"
        assert rows <= self.rows_at(length), "more rows than there is memory for"
        size, there = self._size(length), self.keys[0].shape[2]
        self.length = _blocks(length)
        if rows <= self.rows and (there == size or (self.spare and there > size)):
            return
        kept = min(rows, self.rows)
        missing = self._count(length, rows) - kept
        for slabs in (self.keys, self.values):
            for layer, slab in enumerate(slabs):
                # what is negative is cut off
                slabs[layer] = F.pad(slab[:kept], (0, 0, 0, size - there, 0, 0, 0, missing)).contiguous()
        self.allocations += 1

    def _count(self, length: int, rows: int) -> int:
        """How many rows are made for `rows` in use: on a CPU a power of two, since each costs copies as it grows."""
        most = self.rows_at(length)
        return most if self.spare else min(most, 1 << (rows - 1).bit_length())

    def _size(self, length: int) -> int:
        """How long the slabs are made for `length` tokens."""
        return min(_blocks(row_size(length)), self.most) if self.spare else _blocks(length)

    def seen(self, layer: int, rows: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the first rows, [rows, KV, length, W], where they lie."""
        return self.keys[layer][:rows, :, : self.length], self.values[layer][:rows, :, : self.length]

    def write_prompt(self, layer: int, rows: slice, keys: Tensor, values: Tensor) -> None:
        """Copy one prompt's keys and values [P, KV, W] into each of `rows`, for which room was made."""
        self.keys[layer][rows, :, : keys.shape[0]] = keys.transpose(0, 1)
        self.values[layer][rows, :, : keys.shape[0]] = values.transpose(0, 1)

    def write_rows(self, layer: int, rows: slice, keys: Tensor, values: Tensor) -> None:
        """Write the beginnings of several rows, [rows, P, KV, W], for which room was made."""
        self.keys[layer][rows, :, : keys.shape[1]] = keys.transpose(1, 2)
        self.values[layer][rows, :, : values.shape[1]] = values.transpose(1, 2)

    def append(self, layer: int, rows: Tensor, positions: Tensor, keys: Tensor, values: Tensor) -> None:
        """Write one token [B, KV, W] to each of rows [B], at that row's position [B], for which room was reserved."""
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
