"""`POST /v1/embeddings`: the mean of a text's last hidden states, scaled to length 1."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch.nn.functional import normalize

from mynah.server.completions import read_prompts
from mynah.server.errors import APIError
from mynah.server.generation import Service, check_length
from mynah.server.identity import Caller
from mynah.server.limits import Limits
from mynah.server.models import ServedModel
from mynah.server.requests import EmbeddingRequest

MAX_INPUTS = 2048
"""OpenAI's."""
TOKENS_AT_ONCE = 4096
"""Inputs, padding included, that hold up the streams for one pass."""


async def embed(service: Service, body: EmbeddingRequest, limits: Limits, who: Caller) -> dict[str, Any]:
    """The response object; it is paid for, and noted as usage, by the caller."""
    model = service.models.find(body.model)
    with service.place(model):
        return await _embed(service, model, body, limits, who)


async def _embed(
    service: Service, model: ServedModel, body: EmbeddingRequest, limits: Limits, who: Caller
) -> dict[str, Any]:
    inputs = await asyncio.to_thread(read_prompts, body.input, model, "input", _check_number)
    engine = model.assistant.engine
    for ids in inputs:
        check_length(ids, engine.context, "input")
    tokens = sum(map(len, inputs))
    tab = await limits.open(who, tokens, 0, service.settings.price(tokens, 0))
    rows: list[np.ndarray] = []
    read, begun = 0, time.time()
    try:
        for some in _portions(inputs):
            means = await service.thread.call(partial(engine.embed, some))
            rows += list(normalize(means, dim=-1).cpu().numpy())
            read += sum(map(len, some))
    finally:  # also when the client leaves half-way
        note = limits.note(tab, who, read, 0, time.time() - begun, service.settings.price(read, 0))
        await asyncio.shield(note)
    usage = service.cost(tokens, 0)
    service.metrics.served(usage)
    del usage["completion_tokens"]
    packed = body.encoding_format == "base64"
    data = [
        {"object": "embedding", "index": i, "embedding": _base64(row) if packed else row.tolist()}
        for i, row in enumerate(rows)
    ]
    return {"object": "list", "model": model.name, "data": data, "usage": usage}


def _check_number(inputs: int) -> None:
    if inputs > MAX_INPUTS:
        raise APIError(400, f"'input' holds {inputs} texts; at most {MAX_INPUTS} go.", param="input")


def _portions(inputs: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """Neighbours together, as long as they are few tokens once padded to the longest."""
    some: list[Sequence[int]] = []
    for ids in inputs:
        if some and (len(some) + 1) * max(map(len, [*some, ids])) > TOKENS_AT_ONCE:
            yield some
            some = []
        some.append(ids)
    yield some


def _base64(row: np.ndarray) -> str:
    """Little-endian fp32, as the official clients ask for."""
    return base64.b64encode(row.astype("<f4").tobytes()).decode()
