"""Drawing tokens: Gumbel argmax with counter-based random numbers, so that a draw depends on its key and nothing else.

The noise of a row is a hash of (seed, sequence, position, token id): the same whatever else is in the batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mynah.engine import triton_draw

_GOLDEN = -7046029254386353131  # 2^64 / φ as a signed 64-bit integer
NOISE_AT_ONCE = {"cpu": 2**16, "cuda": 2**26}
"""Numbers that `gumbel` works on together: 0.5 MB as integers."""
_MIX_1, _MIX_2 = -4658895280553007687, -7723592293110705685  # multipliers of splitmix64 (Steele et al. 2014)


def sample(
    logits: Tensor,
    keys: Tensor,
    temperature: Tensor,
    top_k: Tensor,
    top_p: Tensor,
    min_p: Tensor,
    steering: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """One token a row: (tokens [B], their log p [B], all log p [B, V]).

    Args:
        logits: [B, V], any floating type; what follows is fp32.
        keys: [B] int64 from `row_keys`.
        temperature: [B]; logits are divided by it; 0 takes the most likely token.
        top_k, top_p, min_p: [B]; 0, 1 and 0 keep every token.
        steering: rows [G], and what is added to their logits [G, V]; −∞ forbids a token.

    log p is the model's own at the row's temperature (1 where it is 0): before steering and before any is cut off.
    """
    greedy = temperature == 0
    logprobs = F.log_softmax(logits.float() / temperature.masked_fill(greedy, 1.0)[:, None], dim=-1)
    kept = logprobs
    if steering:
        rows, bias = steering
        warmth = temperature[rows].masked_fill(greedy[rows], 1.0)[:, None]
        kept = logprobs.index_copy(0, rows, (logprobs[rows] + bias / warmth).log_softmax(-1))
    if bool((min_p > 0).any()):
        kept = kept.masked_fill(kept < kept.amax(-1, keepdim=True) + min_p.log()[:, None], float("-inf"))
    if bool(((top_k > 0) | (top_p < 1)).any()):
        kept = _truncate(kept, top_k, top_p)
    noise = gumbel(keys, logits.shape[-1])
    choice = (kept + noise.masked_fill(greedy[:, None], 0.0)).argmax(-1)
    return choice, logprobs.gather(1, choice[:, None]).squeeze(1), logprobs


def plain_draw(logits: Tensor, keys: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor]:
    """What `sample` draws where nothing is steered or cut off: tokens [B] and their log p [B].

    Nothing is asked of the device, so that a recorded step may draw.
    """
    if logits.is_cuda and triton_draw.available():
        return triton_draw.draw(logits, keys, temperature)
    greedy = temperature == 0
    logprobs = F.log_softmax(logits.float() / temperature.masked_fill(greedy, 1.0)[:, None], dim=-1)
    noise = gumbel(keys, logits.shape[-1])
    choice = (logprobs + noise.masked_fill(greedy[:, None], 0.0)).argmax(-1)
    return choice, logprobs.gather(1, choice[:, None]).squeeze(1)


def row_keys(seeds: Tensor, sequences: Tensor, positions: Tensor) -> Tensor:
    """One 64-bit key a row from (seed, sequence, position), each [B] int64."""
    return _mix(_mix(_mix(seeds * _GOLDEN) + sequences * _GOLDEN) + positions * _GOLDEN)


def gumbel(keys: Tensor, vocab_size: int) -> Tensor:
    """Standard Gumbel noise [B, V]; entry (b, v) is a function of keys[b] and v alone.

    The winner of an argmax has a small exponential variate, so the 32 random bits stand for a number near 0,
    where fp32 is fine, and not near 1, where it is coarse.

    A few rows at a time and in place, since it is many passes over many numbers, and they stay in the cache.
    """
    counters = torch.arange(vocab_size, device=keys.device) * _GOLDEN
    noise = torch.empty(len(keys), vocab_size, device=keys.device)
    rows = max(1, NOISE_AT_ONCE["cuda" if keys.is_cuda else "cpu"] // vocab_size)
    for some, out in zip(keys.split(rows), noise.split(rows), strict=True):
        bits = _mix(some[:, None] + counters).bitwise_right_shift_(32).bitwise_and_(0xFFFFFFFF)
        uniform = out.copy_(bits).add_(0.5).mul_(2.0**-32)
        uniform.clamp_(max=1 - 2.0**-24).neg_().log1p_().neg_().log_().neg_()
    return noise


def _mix(x: Tensor) -> Tensor:
    """splitmix64's finaliser on int64, whose products wrap, in place; the shifts are made logical by a mask."""
    shifted = torch.empty_like(x)
    for shift, multiplier in ((30, _MIX_1), (27, _MIX_2)):
        torch.bitwise_right_shift(x, shift, out=shifted)
        x.bitwise_xor_(shifted.bitwise_and_((1 << 64 - shift) - 1)).mul_(multiplier)
    torch.bitwise_right_shift(x, 31, out=shifted)
    return x.bitwise_xor_(shifted.bitwise_and_((1 << 33) - 1))


def _truncate(logprobs: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """−∞ for every token outside the row's k most likely and outside its nucleus (Holtzman et al. 2020)."""
    ordered, order = logprobs.sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(logprobs.shape[-1], device=logprobs.device)
    limit = top_k.masked_fill(top_k <= 0, logprobs.shape[-1])
    before = ordered.exp().cumsum(-1) - ordered.exp()  # probability of all tokens ahead of this one
    reach = top_p.masked_fill(top_p >= 1, float("inf"))  # the sum may round to 1 before the tail; 1 keeps all
    outside = (rank >= limit[:, None]) | ((before >= reach[:, None]) & (rank > 0))
    return torch.empty_like(logprobs).scatter_(1, order, ordered.masked_fill(outside, float("-inf")))
