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


def draw(rows: Sequence[Row], logits: Tensor, counters: Tensor, temperatures: Tensor) -> tuple[list[int], list[float]]:
    """Of logits [B, V] a token for each row, and its log p.

    counters: Seeds, sequences and positions [3, B]: what a draw is a function of, besides the logits.
    """
    quickly = _in_c if native.draws(logits) else _on_a_gpu if logits.is_cuda else _carefully
    plain = [i for i, row in enumerate(rows) if row.plain]
    if len(plain) == len(rows):
        return quickly(rows, logits, counters, temperatures)
    if not plain or quickly is _carefully:
        return _carefully(rows, logits, counters, temperatures)
    tokens, logprobs = [0] * len(rows), [0.0] * len(rows)
    others = sorted(set(range(len(rows))) - set(plain))
    for these, by in ((plain, quickly), (others, _carefully)):
        drawn = by([rows[i] for i in these], logits[these], counters[:, these], temperatures[these])
        for i, token, logprob in zip(these, *drawn, strict=True):
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


def _in_c(rows: Sequence[Row], logits: Tensor, counters: Tensor, temperatures: Tensor) -> tuple[list[int], list[float]]:
    return _listed(native.draw(logits, counters, temperatures))


def _on_a_gpu(
    rows: Sequence[Row], logits: Tensor, counters: Tensor, temperatures: Tensor
) -> tuple[list[int], list[float]]:
    device = logits.device
    return _listed(plain_draw(logits, row_keys(*counters.to(device)), temperatures.to(device)))


def _carefully(
    rows: Sequence[Row], logits: Tensor, counters: Tensor, temperatures: Tensor
) -> tuple[list[int], list[float]]:
    device, params = logits.device, [row.request.params for row in rows]
    tokens, logprobs, _ = sample(
        logits,
        row_keys(*counters.to(device)),
        temperatures.to(device),
        torch.tensor([p.top_k for p in params], device=device),
        torch.tensor([float(p.top_p) for p in params], device=device),
        torch.tensor([float(p.min_p) for p in params], device=device),
        _steering(rows, device),
    )
    return _listed((tokens, logprobs))


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
