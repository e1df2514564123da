"""Training's attention plan: groups as rows, in which a prompt's answers neither see nor pay for each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from mynah.model import native_attention
from mynah.model.attention import attention
from mynah.model.send import send
from mynah.nouns import PackedBatch


@dataclass(frozen=True)
class Row:
    """Tokens that attend together: each to those before it, and to the prompt if that lies elsewhere."""

    begin: int
    """Of its tokens in the stream."""
    length: int
    trunk: int = 0
    """Where the prompt begins that its keys start with."""
    before: int = 0
    """Tokens of that prompt; 0 where the row itself begins with it."""


class PackedPlan:
    """Each token sees what precedes it in its own trunk and branch, never another group or sibling.

    The first branch goes on where its trunk ends, as one row of causal attention; every further branch is a row whose
    keys are the trunk's and its own. So nobody computes scores between siblings. In bf16 on a processor it is C
    (`native_attention.py`), else PyTorch (`PackedRows`).
    """

    def __init__(self, batch: PackedBatch, dtype: torch.dtype) -> None:
        self.batch, self.dtype = batch, dtype
        self.native = native_attention.runs(batch.tokens.device, dtype)
        if not self.native:
            _ = self.rows  # now, and not where compiled blocks are traced

    @cached_property
    def rows(self) -> PackedRows:
        return PackedRows(self.batch, self.dtype)

    @cached_property
    def groups(self) -> native_attention.Groups:
        starts = accumulate(self.batch.group_lengths, initial=0)
        of_groups = (
            [(start + row.begin, row.length, row.before) for row in rows_of([segment])]
            for start, segment in zip(starts, self.batch.segments, strict=False)
        )
        return native_attention.Groups(list(of_groups))

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if self.native:
            return self._native(q, k, v)
        return self.rows.uncompiled(q, k, v) if q.is_cuda else self.rows.attend(q, k, v)

    @torch.compiler.disable
    def _native(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if q.dtype != self.dtype or q.shape[-1] % native_attention.LANES:
            return self.rows.attend(q, k, v)
        return native_attention.attend(q, k, v, self.groups)


class PackedRows:
    """The plan in PyTorch, where groups are gathered to rows inside attention.

    Rows of about one length lie together, so that little of them is padding; their lengths and numbers are rounded up
    so that few shapes occur (a new shape costs a freshly compiled kernel).
    """

    def __init__(self, batch: PackedBatch, dtype: torch.dtype) -> None:
        device, stream = batch.tokens.device, batch.tokens.shape[0]
        sizes: dict[tuple[bool, int, int], list[Row]] = {}
        for row in rows_of(batch.segments):
            shape = (row.before > 0, row_size(row.length), row_size(row.before + row.length))
            sizes.setdefault(shape, []).append(row)
        self.parts: list[tuple[tuple[int, int, int], Tensor | None]] = []  # (B, L, S), bias [B, 1, L, S]
        queries: list[Tensor] = []  # [B · L] of each part, which token of the stream stands there
        keys: list[Tensor] = []  # [B · S]
        asks: list[Tensor] = []  # [B · L] whether it is one, or padding
        own: list[Tensor] = []  # [B · S] whether it is the row's own
        copies: list[Tensor] = []  # [B · S] whether it is a copy of the prompt's
        for (shared, length, reach), rows in sorted(sizes.items()):
            count = row_count(len(rows))
            filled = [*rows, *[Row(0, 0)] * (count - len(rows))]
            begin, used, trunk, before = torch.tensor(
                [(row.begin, row.length, row.trunk, row.before) for row in filled]
            ).T[..., None]  # [B, 1] each
            column = torch.arange(reach)
            here = begin + column - before
            stands = torch.where(column < before, trunk + column, here).clamp(max=stream - 1)  # padding: anything
            queries.append((begin + column[:length]).clamp(max=stream - 1).flatten())
            asks.append((column[:length] < used).flatten())
            keys.append(stands.flatten())
            own.append(((column >= before) & (column < before + used)).flatten())
            copies.append((column < before).expand(count, -1).flatten())
            self.parts.append(((count, length, reach), self._bias(before, length, reach, shared, dtype, device)))
        self.queries = Places.of(torch.cat(queries), torch.cat(asks), stream, device)
        self.keys = self.queries
        if any(shared for shared, *_ in sizes):
            self.keys = Places.of(torch.cat(keys), torch.cat(own), stream, device, torch.cat(copies))

    @staticmethod
    def _bias(
        before: Tensor, length: int, reach: int, shared: bool, dtype: torch.dtype, device: torch.device
    ) -> Tensor | None:
        """0 where a token is seen and −∞ where not [B, 1, L, S]; what a row holds beyond its tokens sees anything.

        Where rows hold their prompts, who precedes is seen; a GPU has a faster kernel for just that, and gets None.
        """
        if device.type == "cuda" and not shared:
            return None
        kinds = send(before if shared else before[:1], device)
        last = torch.arange(length, device=device)[:, None] + kinds[..., None]  # [B, L, 1]
        seen = torch.arange(reach, device=device) <= last
        bias = torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill_(~seen, float("-inf"))
        return bias[:, None].expand(len(before), -1, -1, -1)

    @torch.compiler.disable
    def uncompiled(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """A GPU's kernels for attention gain nothing from being compiled, and other parts would be other code."""
        return self.attend(q, k, v)

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        asking = self.queries.gathered(q).split([count * length for (count, length, _), _ in self.parts])
        answering = [
            self.keys.gathered(x).split([count * reach for (count, _, reach), _ in self.parts]) for x in (k, v)
        ]
        mixed = []
        for ((count, length, reach), bias), of_q, of_k, of_v in zip(self.parts, asking, *answering, strict=True):
            qs = of_q.unflatten(0, (count, length)).transpose(1, 2)
            ks, vs = (x.unflatten(0, (count, reach)).transpose(1, 2) for x in (of_k, of_v))
            mixed.append(attention(qs, ks, vs, bias).transpose(1, 2).flatten(0, 1))  # [B · L, H, W]
        return self.queries.scattered(mixed[0] if len(mixed) == 1 else torch.cat(mixed))


def rows_of(segments: Sequence[Sequence[int]]) -> Iterator[Row]:
    """The rows of groups whose trunk and branches are of these lengths."""
    starts = accumulate(map(sum, segments), initial=0)
    for start, (trunk, *branches) in zip(starts, segments, strict=False):
        first, *others = branches or [0]
        yield Row(start, trunk + first)
        begin = start + trunk + first
        for length in others:
            if length:
                yield Row(begin, length, start, trunk)
            begin += length


@dataclass(frozen=True)
class Places:
    """The stream's T tokens laid out as R places of rows, and the way back."""

    there: Tensor  # [R] which token stands there; any for padding
    back: Tensor  # [T] where each token's own place is; any for filler
    empty: Tensor  # places of nobody
    filler: Tensor  # tokens without a place
    copies: tuple[Tensor, ...]
    """Which tokens stand elsewhere too, and where, if any do."""
    as_it_is: bool
    """The places are the stream."""

    @classmethod
    def of(cls, there: Tensor, own: Tensor, stream: int, device: torch.device, copies: Tensor | None = None) -> Places:
        """Which token stands where, whether that is its own place [R], and whether the place holds a copy [R]."""
        back = torch.zeros(stream, dtype=torch.long)
        back[there[own]] = own.nonzero().squeeze(-1)
        empty, filler = (~own).nonzero().squeeze(-1), torch.arange(int(own.sum()), stream)
        as_it_is = bool(own.all()) and torch.equal(there, torch.arange(stream))
        further = () if copies is None else (there[copies], copies.nonzero().squeeze(-1))
        there, back, empty, filler = (send(x, device) for x in (there, back, empty, filler))
        return cls(there, back, empty, filler, tuple(send(x, device) for x in further), as_it_is)

    def gathered(self, x: Tensor) -> Tensor:
        """The stream [T, …] as rows laid end to end [R, …]."""
        return x if self.as_it_is else _Gather.apply(x, self.there, self.back, self.filler, *self.copies)

    def scattered(self, x: Tensor) -> Tensor:
        """The rows as the stream again."""
        return x if self.as_it_is else _Gather.apply(x, self.back, self.there, self.empty)


class _Gather(torch.autograd.Function):
    """`x.index_select(0, there)` for a reordering whose inverse is known: its backward pass is one, too, and a sum (in
    fp32) only over what was copied.

    `unused`: places of x that nobody reads for good, whose gradient is 0. `copies`: which places of x were copied, and
    where to, if any were.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        there: Tensor,
        back: Tensor,
        unused: Tensor,
        *copies: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(back, unused, *copies)
        return x.index_select(0, there)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        back, unused, *copies = ctx.saved_tensors
        gradient = gradients[0].index_select(0, back).index_fill_(0, unused, 0.0)
        if copies:
            tokens, places = copies
            whole = gradient.float().index_add_(0, tokens, gradients[0].index_select(0, places).float())
            gradient = whole.to(gradient.dtype)
        return gradient, None, None, None, *(None for _ in copies)


def row_size(length: int) -> int:
    """The row that so many tokens lie in: 32, 48, 64, 96, 128, 192, … so that at most a third is empty."""
    size = 32
    while size < length:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def row_count(rows: int) -> int:
    """How many rows are made for so many of one size: few counts, up to 8 a power of two."""
    return 1 << (rows - 1).bit_length() if rows <= 8 else -(-rows // 8) * 8
