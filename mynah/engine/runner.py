"""The model as the engine runs it: packed prefill of prompts, one-token decode steps over the cache.

Every operation treats a row by itself and in the same order of additions whatever its neighbours, so that in bf16 a
sequence comes out bit for bit the same alone and in any batch. (Proven for PyTorch's CPU kernels and for decode.c; in
fp32, whose last bits the kernels leave less well defined, the tokens are the same and log p agrees to 1e-5.)
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mynah.engine import native
from mynah.engine.kv_cache import BLOCK, KVCache
from mynah.engine.packed import Readable, has_room, readable
from mynah.engine.prefixes import Past
from mynah.engine.siblings import Kin
from mynah.model.attention import AttentionPlan, gpu_attention
from mynah.model.send import send
from mynah.model.transformer import Transformer

SMALL = 16**3
"""PyTorch sends products of at most so many multiplications to another kernel, whose last bits differ: we make none."""
FILL = 16
"""So every layer of PyTorch's gets a multiple of this many tokens. That also makes few shapes: each new one would cost
a freshly compiled kernel, whose memory is never given back. Only a row that is alone in a decode step may stay so,
where the weights are packed: its products are the same to the bit, and at a fraction of the arithmetic."""


@dataclass(frozen=True)
class Prefill:
    """What a packed pass over P prompts left: hidden states, and per layer the keys and values still to be stored."""

    hidden: Tensor  # [T, D]
    last: Tensor  # [P, D] hidden state of each prompt's last token
    spans: list[slice]  # where what was read of each prompt lies in T
    rows: list[Any]  # how keys and values are indexed for each whole prompt's [its tokens, KV, W]
    keys: list[Tensor]  # per layer
    values: list[Tensor]


class Runner:
    """Runs `model` over a cache of `rows` sequences of at most `capacity` tokens. The weights are the learner's own.

    After they have changed, call `refresh()`.
    """

    def __init__(
        self, model: Transformer, rows: int, capacity: int, int8: bool = False, slots: int | None = None
    ) -> None:
        self.model, self.int8 = model, int8
        self.native = native.runs(model) and has_room(model)  # once for all: the last bits differ from PyTorch's
        self._readable: Readable | None = None
        self.cache = KVCache(model.config, rows, capacity, model.dtype, model.device, slots)

    def refresh(self) -> None:
        """Read the weights anew before the next pass."""
        self._readable = None

    def prefill(self, prompts: Sequence[Sequence[int]], pasts: Sequence[Past | None] = ()) -> Prefill:
        """One forward pass over the prompts, laid end to end; only what is new to each one's past, if it has one."""
        device = self.model.device
        pasts = pasts or [None] * len(prompts)
        known = [past.length if past else 0 for past in pasts]
        new = [prompt[begin:] for prompt, begin in zip(prompts, known, strict=True)]
        lengths = torch.tensor([len(prompt) for prompt in new], device=device)
        tokens = torch.tensor([token for prompt in new for token in prompt], device=device)
        ends = lengths.cumsum(0)
        starts = ends - lengths
        before = torch.tensor(known, device=device)
        positions = torch.arange(len(tokens), device=device) + (before - starts).repeat_interleave(lengths)
        wholes = (before + lengths).tolist()
        if self._now.native:
            cache = self._fresh(len(prompts), max(wholes), pasts)
            slots = torch.arange(len(prompts)).repeat_interleave(lengths)
            hidden = self._now.native.read(cache, tokens, slots, positions)
            rows: list[Any] = [(i, slice(length)) for i, length in enumerate(wholes)]
            keys, values = ([slab.transpose(1, 2) for slab in slabs] for slabs in (cache.keys, cache.values))
        else:
            plan = _PrefillPlan(lengths, starts, before, [past for past in pasts if past])
            hidden = self._hidden(tokens, positions, plan)
            rows = [row[:length] for row, length in zip(plan.whole, wholes, strict=True)]
            keys, values = plan.keys, plan.values
        spans = [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return Prefill(hidden, hidden[ends - 1], spans, rows, keys, values)

    def _fresh(self, rows: int, longest: int, pasts: Sequence[Past | None]) -> KVCache:
        """A cache for prompts to be read into, one a row, with what is known of each."""
        cache = KVCache(self.model.config, rows, longest, self.model.dtype, self.model.device)
        cache.fit(longest, rows)
        for row, past in enumerate(pasts):
            if past:
                for layer, (keys, values) in enumerate(zip(past.keys, past.values, strict=True)):
                    cache.write_prompt(layer, slice(row, row + 1), keys, values)
        return cache

    def store(self, prefill: Prefill, places: Sequence[slice], longest: int) -> None:
        """Give each prompt's rows, behind those in use, a copy of what was read of it. `longest`: of any row."""
        self.cache.fit(longest, places[-1].stop)
        if self.cache.spare:  # on a GPU one copy for all, and behind the shorter ones lies what nobody looks at
            whole = torch.nn.utils.rnn.pad_sequence(prefill.rows, batch_first=True)  # [P, longest]
            of_row = [prompt for prompt, rows in enumerate(places) for _ in range(rows.start, rows.stop)]
            held = whole[send(of_row, whole.device)]  # [R, longest]
            first, last = places[0].start, places[-1].stop
            for layer, (keys, values) in enumerate(zip(prefill.keys, prefill.values, strict=True)):
                self.cache.write_rows(layer, slice(first, last), keys[held], values[held])
            return
        for layer, (keys, values) in enumerate(zip(prefill.keys, prefill.values, strict=True)):
            for held, rows in zip(prefill.rows, places, strict=True):
                self.cache.write_prompt(layer, rows, keys[held], values[held])

    def decode(self, tokens: Tensor, positions: Tensor, kin: Kin | None = None) -> Tensor:
        """Logits [B, V] after one more token a row: tokens [B] at positions [B] of rows 0 … B − 1."""
        self.cache.fit(int(positions.max()) + 1, len(tokens))
        return self.step(tokens, positions, kin)

    def step(self, tokens: Tensor, positions: Tensor, kin: Kin | None = None) -> Tensor:
        """The same where the cache is known to be long enough, which is not asked of the device."""
        if self._now.native:
            return self._now.native.decode(self.cache, tokens, positions, kin)
        return self.logits(self._hidden(tokens, positions, _DecodePlan(self.cache, positions)))

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits [N, V] for hidden states [N, D]."""
        return self._now.head(self._filled(hidden))[: len(hidden)]

    def _hidden(self, tokens: Tensor, positions: Tensor, plan: AttentionPlan) -> Tensor:
        """Hidden states [T, D]."""
        # Compiled code would be made anew for every layer of every plan, and give up after eight.
        eager = torch.compiler.set_stance("force_eager") if self.model.compiled else nullcontext()
        filled = self._filled(tokens)
        with eager:
            hidden = self._now.model(filled, self._filled(positions), _FilledPlan(plan, len(tokens), len(filled)))
        return hidden[: len(tokens)]

    @property
    def _now(self) -> Readable:
        if self._readable is None:
            self._readable = readable(self.model, self.int8, self.native)
        return self._readable

    def _filled(self, x: Tensor) -> Tensor:
        """`x` [T, …] with as many rows as the layers must get."""
        alone = x.is_cuda or (len(x) == 1 and self._now.single_rows)
        return x if alone else _behind(x, 0, -len(x) % FILL)


class _FilledPlan:
    """Another plan, for the first `count` of `filled` tokens; the others see nothing and are seen by none."""

    def __init__(self, plan: AttentionPlan, count: int, filled: int) -> None:
        self.plan, self.count, self.filler = plan, count, filled - count

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return _behind(self.plan.attend(layer, q[: self.count], k[: self.count], v[: self.count]), 0, self.filler)


class _PrefillPlan:
    """Causal attention inside each prompt; keeps the keys and values of every layer.

    `lengths`, `starts`, `before` [P]: how many tokens are read, where they begin in T, how many are known from `pasts`
    (one for each prompt with any). The keys and values of all pasts lie before those of T.
    """

    def __init__(self, lengths: Tensor, starts: Tensor, before: Tensor, pasts: Sequence[Past]) -> None:
        self.pasts = pasts
        column, whole = _columns(lengths), _columns(before + lengths)
        self.rows = (starts[:, None] + column).clamp(max=int(lengths.sum()) - 1)  # [P, longest]
        self.back = (column < lengths[:, None]).flatten().nonzero().squeeze(-1)  # [T] where each token went
        known, read = before.cumsum(0) - before, before.sum() + starts - before
        rows = torch.where(whole < before[:, None], known[:, None], read[:, None]) + whole
        self.whole = rows.clamp(max=int((before + lengths).sum()) - 1)  # [P, longest with its past]
        reach = (before[:, None] if pasts else before[:1, None]) + column  # [P or 1, longest]
        self.visible = (reach[:, :, None] >= whole)[:, None]  # padding only ever follows
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if self.pasts:
            k = torch.cat([*(past.keys[layer] for past in self.pasts), k])
            v = torch.cat([*(past.values[layer] for past in self.pasts), v])
        self.keys.append(k)
        self.values.append(v)
        q = q[self.rows].transpose(1, 2)
        k, v = (x[self.whole].transpose(1, 2) for x in (k, v))
        mixed = (gpu_attention if q.is_cuda else attention_by_blocks)(q, k, v, self.visible)
        return mixed.transpose(1, 2).flatten(0, 1)[self.back]


def _columns(lengths: Tensor) -> Tensor:
    """0, 1, … up to the longest, in whole blocks."""
    return torch.arange(-(-int(lengths.max()) // BLOCK) * BLOCK, device=lengths.device)


class _DecodePlan:
    """One new token a row: store its key and value, then look at all that the row has."""

    def __init__(self, cache: KVCache, positions: Tensor) -> None:
        self.cache, self.positions = cache, positions
        many = len(positions) if positions.is_cuda else -(-len(positions) // FILL) * FILL
        self.rows = min(cache.rows, many)  # rows not in use come along, unread
        columns = torch.arange(cache.length, device=positions.device)
        seen = _behind(positions, 0, self.rows - len(positions))
        self.visible = (columns <= seen[:, None])[:, None, None]  # [rows, 1, 1, length]
        self.each = torch.arange(len(positions), device=positions.device)
        self.bias = None
        if positions.is_cuda:  # once for all layers
            bias = torch.zeros(self.visible.shape, dtype=cache.keys[0].dtype, device=positions.device)
            self.bias = bias.masked_fill_(~self.visible, float("-inf"))

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        self.cache.append(layer, self.each, self.positions, k, v)
        keys, values = self.cache.seen(layer, self.rows)
        if self.bias is not None:
            return _one_query(q, keys, values, self.bias)
        q = _behind(q, 0, self.rows - len(q))
        return attention_by_blocks(q[:, :, None], keys, values, self.visible).squeeze(2)[: len(self.positions)]


def _one_query(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Attention of one new token a row, q [B, H, W]: the heads of a group as queries that read their keys once."""
    grouped = q.unflatten(1, (k.shape[1], -1))  # [B, KV, G, W]
    return F.scaled_dot_product_attention(grouped, k, v, attn_mask=bias).flatten(1, 2)


def attention_by_blocks(q: Tensor, k: Tensor, v: Tensor, visible: Tensor) -> Tensor:
    """softmax(q·kᵀ/√W)·v for q [B, H, L, W], k and v [B, KV, S, W], visible [B or 1, 1, L, S]; S a multiple of BLOCK.

    S follows the longest neighbour. Whole blocks make the vector lanes fall alike whatever S is, so what a longer
    neighbour adds behind a row is exact zeros.
    """
    grouped = q.unflatten(1, (k.shape[1], -1)) * q.shape[-1] ** -0.5  # [B, KV, G, L, W]
    heads, enough = grouped.shape[2:4], SMALL // (q.shape[-1] * BLOCK) + 1
    products = _behind(grouped.flatten(2, 3), 2, enough - heads.numel()) @ k.mT  # [B, KV, G · L or more, S]
    scores = products[:, :, : heads.numel()].unflatten(2, heads).float()  # [B, KV, G, L, S]
    shares = scores.masked_fill(~visible[:, None], float("-inf")).softmax(-1).to(v.dtype)
    mixed = _behind(shares.flatten(2, 3), 2, enough - heads.numel()) @ v
    return mixed[:, :, : heads.numel()].unflatten(2, heads).flatten(1, 2)


def _behind(x: Tensor, dim: int, missing: int) -> Tensor:
    """`x` with `missing` zeros behind it along `dim`."""
    if missing <= 0:
        return x
    shape = list(x.shape)
    shape[dim] = missing
    return torch.cat((x, x.new_zeros(shape)), dim)
