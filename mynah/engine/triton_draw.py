"""Softmax, noise and argmax of a row of logits in one pass on a GPU: `sampler.plain_draw` where Triton is there.

PyTorch would write and read the 64-bit noise of every token a dozen times, as long as the whole step of a small model.
PyTorch's builds for CUDA bring Triton along. Where it is missing or cannot compile, PyTorch draws: it is the oracle.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

try:
    import triton
    from triton import language as tl
except ImportError:
    triton = None  # nothing else to be had on a CPU

COLUMNS = 2048
"""Tokens that a program looks at together."""


@cache
def available() -> bool:
    """Whether a kernel can be made and run here; tried once, which compiles it."""
    if triton is None:
        return False
    try:
        device = torch.device("cuda")
        draw(
            torch.zeros(1, 8, device=device), torch.zeros(1, dtype=torch.long, device=device), torch.ones(1).to(device)
        )
    except Exception:  # no compiler, a driver too old, a card that Triton does not know: all of them its own kinds
        return False
    return True


def draw(logits: Tensor, keys: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens [B] and their log p [B] in fp32 of logits [B, V]; a row's noise is that of `sampler.gumbel`."""
    assert logits.stride(1) == 1
    tokens, logprobs = torch.empty_like(keys), torch.empty_like(keys, dtype=torch.float32)
    _draw[(len(logits),)](
        logits, keys, temperature, tokens, logprobs, logits.shape[1], logits.stride(0), COLUMNS=COLUMNS, num_warps=8
    )
    return tokens, logprobs


if triton is not None:

    @triton.jit
    def _mixed(x):  # type: ignore[no-untyped-def]
        """splitmix64's finaliser."""
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB
        return x ^ (x >> 31)

    @triton.jit
    def _draw(logits, keys, temperatures, tokens, logprobs, vocab_size, stride, COLUMNS: tl.constexpr):  # type: ignore[no-untyped-def]
        row = tl.program_id(0)
        key = tl.load(keys + row).to(tl.uint64, bitcast=True)
        temperature = tl.load(temperatures + row)
        greedy = temperature == 0
        temperature = tl.where(greedy, 1.0, temperature)
        highest, total = float("-inf"), 0.0  # of the softmax, as far as it has come
        best, token, chosen = float("-inf"), 0, 0.0  # the noisy winner so far, and its logit
        for start in range(0, vocab_size, COLUMNS):
            column = start + tl.arange(0, COLUMNS)
            inside = column < vocab_size
            x = tl.load(logits + row.to(tl.int64) * stride + column, mask=inside, other=float("-inf"))
            x = x.to(tl.float32) / temperature

            counter = column.to(tl.uint64) * 0x9E3779B97F4A7C15
            bits = (_mixed(key + counter) >> 32).to(tl.float32)
            uniform = tl.minimum((bits + 0.5) * 2.3283064365386963e-10, 0.99999994)
            rest = 1.0 - uniform  # −log1p(−u) by Kahan: what 1 − u is rounded by is made good by what it leaves
            tiny = rest == 1.0
            taken = tl.where(tiny, 1.0, 1.0 - rest)
            exponential = tl.where(tiny, uniform, -tl.log(rest) * uniform / taken)
            noisy = tl.where(greedy, x, x - tl.log(exponential))

            value = tl.max(noisy, 0)
            index = start + tl.argmax(noisy, 0)
            better = value > best
            chosen = tl.where(better, tl.sum(tl.where(column == index, x, 0.0), 0), chosen)
            token = tl.where(better, index, token)
            best = tl.where(better, value, best)

            risen = tl.maximum(highest, tl.max(x, 0))
            total = total * tl.exp(highest - risen) + tl.sum(tl.exp(x - risen), 0)
            highest = risen
        tl.store(tokens + row, token)
        tl.store(logprobs + row, chosen - highest - tl.log(total))
