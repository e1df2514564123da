"""One token for each row in flight: from a whole distribution by a fast path of the device's, else by `sampler`.

How a row is drawn is its own affair, whatever rows are beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mynah.engine import native
from mynah.engine.sampler import plain_draw, row_keys, sample
from mynah.engine.scheduler import Row

Best = tuple[tuple[int, float], ...]
"""The most likely tokens with their log p, best first."""


def draw(rows: Sequence[Row], logits: Tensor) -> tuple[list[int], list[float]]:
    """Of logits [B, V] a token for each row, and its log p."""
    in_c = native.draws(logits)
    quick = [i for i, row in enumerate(rows) if (in_c or logits.is_cuda) and row.plain]
    if len(quick) == len(rows):
        counters, temperatures = _counters(rows, logits), _temperatures(rows, logits)
        if in_c:
            return _listed(native.draw(logits, counters, temperatures))
        return _listed(plain_draw(logits, row_keys(*counters), temperatures))
    slow = sorted(set(range(len(rows))) - set(quick))
    tokens, logprobs = [0] * len(rows), [0.0] * len(rows)
    for indices, by in ((quick, draw), (slow, _carefully)):
        if indices:
            drawn = by([rows[i] for i in indices], logits if len(indices) == len(rows) else logits[indices])
            for i, token, logprob in zip(indices, *drawn, strict=True):
                tokens[i], logprobs[i] = token, logprob
    return tokens, logprobs


def most_likely(logprobs: Tensor, k: int) -> list[Best]:
    """For each row of [N, V] its k tokens with the highest log p, best first."""
    if not k:
        return [()] * len(logprobs)
    best = logprobs.topk(min(k, logprobs.shape[1]))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [tuple(zip(ids, values, strict=True)) for ids, values in pairs]


def wanted(row: Row, logits: Tensor) -> Best:
    """The most likely tokens of a row, of its logits [V], as many as it asks for; log p as `sample` has it."""
    params = row.request.params
    table = (logits.float() / (params.temperature or 1.0)).log_softmax(-1)
    [best] = most_likely(table[None], params.top_logprobs)
    return best


def _carefully(rows: Sequence[Row], logits: Tensor) -> tuple[list[int], list[float]]:
    params = [row.request.params for row in rows]
    tokens, logprobs, _ = sample(
        logits,
        row_keys(*_counters(rows, logits)),
        _temperatures(rows, logits),
        torch.tensor([p.top_k for p in params], device=logits.device),
        torch.tensor([float(p.top_p) for p in params], device=logits.device),
        torch.tensor([float(p.min_p) for p in params], device=logits.device),
        _steering(rows, logits.device),
    )
    return _listed((tokens, logprobs))


def _counters(rows: Sequence[Row], logits: Tensor) -> Tensor:
    """Seeds, sequences and positions [3, B]: what a draw is a function of, besides the logits."""
    seeds, sequences = [r.request.params.seed for r in rows], [r.request.first_sequence + r.sample for r in rows]
    return torch.tensor([seeds, sequences, [r.length for r in rows]], device=logits.device)


def _temperatures(rows: Sequence[Row], logits: Tensor) -> Tensor:
    return torch.tensor([float(row.request.params.temperature) for row in rows], device=logits.device)


def _steering(rows: Sequence[Row], device: torch.device) -> tuple[Tensor, Tensor] | None:
    """Which rows are steered [G], and by what [G, V]; None where no guide has anything to say."""
    found = [(i, row.guide.bias()) for i, row in enumerate(rows) if row.guide]
    steered = [(i, bias) for i, bias in found if bias is not None]
    if not steered:
        return None
    indices, biases = zip(*steered, strict=True)
    return torch.tensor(indices, device=device), torch.stack(biases).to(device)


def _listed(drawn: tuple[Tensor, Tensor]) -> tuple[list[int], list[float]]:
    tokens, logprobs = drawn
    return tokens.tolist(), logprobs.tolist()
