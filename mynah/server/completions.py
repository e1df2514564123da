"""`POST /v1/completions`: text or token ids go on, with log p of what is read and written (lm-evaluation-harness)."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mynah.engine import Token
from mynah.nouns import Completion
from mynah.server.errors import APIError
from mynah.server.forms import plain_form
from mynah.server.generation import Generation, Service, sampling_params
from mynah.server.identity import Caller
from mynah.server.models import ServedModel
from mynah.server.record import Origin
from mynah.server.requests import CompletionRequest
from mynah.server.writer import Writer
from mynah.tokens import Tokenizer

DEFAULT_TOKENS = 16
"""OpenAI's."""
Ranked = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Scored:
    """One token of a choice's `logprobs`; a prompt's first token has no log p."""

    id: int
    logprob: float | None
    top: Ranked


async def begin(service: Service, body: CompletionRequest, who: Caller) -> Generation:
    """Check the request and admit it; it is recorded for `who`."""
    model = service.models.find(body.model)
    if body.stream and body.echo and body.logprobs is not None:
        raise APIError(400, "echo with logprobs cannot be streamed.", param="stream", code="unsupported_value")
    if body.best_of is not None and body.best_of != (body.n or 1):
        raise APIError(400, "best_of must equal n.", param="best_of", code="unsupported_value")

    def check(prompts: int) -> None:
        service.check_answers(prompts * (body.n or 1))

    prompts = await asyncio.to_thread(read_prompts, body.prompt, model, "prompt", check)
    budget = DEFAULT_TOKENS if body.max_tokens is None else body.max_tokens
    params = sampling_params(
        model,
        body,
        max(1, budget),  # the engine draws at least one; asked for none, nobody sees it
        top_logprobs=body.logprobs or 0,
        prompt_logprobs=bool(body.echo) and body.logprobs is not None,
    )
    origin, form = Origin.of(who, body), plain_form(model, body)
    return Generation(service, model, "cmpl", body, prompts, params, unseen=budget == 0, origin=origin, form=form)


def whole(generation: Generation, body: CompletionRequest) -> dict[str, Any]:
    """The response object of a generation that is over."""
    choices = [_choice(generation, body, writer) for writer in generation.writers]
    return {**_head(generation), "choices": choices, "usage": generation.usage}


async def chunks(generation: Generation, body: CompletionRequest) -> AsyncIterator[dict[str, Any]]:
    """The same as a stream of pieces."""
    head, tokenizer = _head(generation), generation.model.assistant.tokenizer
    if body.usage_wanted:
        head["usage"] = None
    offsets = [_Offsets(tokenizer) for _ in generation.writers]

    def chunk(choice: int, text: str, tokens: Sequence[Token] = (), end: str | None = None) -> dict[str, Any]:
        logprobs = None
        if body.logprobs is not None and tokens:
            scored = [Scored(t.id, t.logprob, t.top_logprobs) for t in tokens]
            logprobs = _logprobs(scored, tokenizer, offsets[choice])
        return {
            **head,
            "choices": [{"index": choice, "text": text, "logprobs": logprobs, "finish_reason": end}],
        }

    if body.echo:
        for choice in range(len(generation.writers)):
            yield chunk(choice, tokenizer.decode(generation.prompts[choice // generation.n]))
    async for piece in generation.pieces():
        if not generation.unseen:
            yield chunk(piece.choice, piece.text, piece.tokens, piece.finish_reason)
        elif piece.finish_reason:
            yield chunk(piece.choice, "", end="length")
    if body.usage_wanted:
        yield {**head, "choices": [], "usage": generation.usage}


def read_prompts(value: Any, model: ServedModel, param: str, check: Callable[[int], None]) -> list[list[int]]:
    """A text, ids, or a list of either, as lists of ids; an empty text is the beginning of a document.

    `check` may refuse their number before any is read.
    """
    tokenizer = model.assistant.tokenizer
    several = isinstance(value, list) and not (value and all(type(entry) is int for entry in value))
    check(len(value) if several else 1)
    prompts = []
    for i, entry in enumerate(value if several else [value]):
        where = f"{param}.{i}" if several else param
        if isinstance(entry, str):
            prompts.append(tokenizer.encode(entry) or [tokenizer.end_of_text])
        elif isinstance(entry, list) and entry and all(type(token) is int for token in entry):
            size = model.assistant.model.config.vocab_size
            if not all(0 <= token < size for token in entry):
                message = f"'{where}' holds ids that this model does not have; they go from 0 to {size - 1}."
                raise APIError(400, message, param=param, code="invalid_value")
            prompts.append(entry)
        else:
            message = f"Invalid type for '{where}': expected a text, or a list of token ids that is not empty."
            raise APIError(400, message, param=param, code="invalid_type")
    if not prompts:
        raise APIError(400, f"'{param}' is an empty list.", param=param, code="invalid_value")
    return prompts


def _choice(generation: Generation, body: CompletionRequest, writer: Writer) -> dict[str, Any]:
    tokenizer, number = generation.model.assistant.tokenizer, writer.choice // generation.n
    prompt, scored = generation.prompts[number], generation.scored[number]
    text = "" if generation.unseen else writer.text
    tokens = [] if generation.unseen else [Scored(t.id, t.logprob, t.top_logprobs) for t in writer.shown]
    if body.echo:
        text = tokenizer.decode(prompt) + text
        tokens = [*_prompt_scores(prompt, scored), *tokens]
    return {
        "index": writer.choice,
        "text": text,
        "logprobs": _logprobs(tokens, tokenizer, _Offsets(tokenizer)) if body.logprobs is not None else None,
        "finish_reason": "length" if generation.unseen else writer.finish_reason,
    }


def _prompt_scores(prompt: Sequence[int], scored: Completion) -> list[Scored]:
    if not scored.prompt_logprobs and len(prompt) > 1:
        return []
    tops = scored.prompt_top_logprobs or ((),) * len(scored.prompt_logprobs)
    rest = zip(prompt[1:], scored.prompt_logprobs, tops, strict=True)
    return [Scored(prompt[0], None, ()), *(Scored(id, logprob, top) for id, logprob, top in rest)]


class _Offsets:
    """Where each token's text begins in a choice's text, in characters."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer, self._at = tokenizer, 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def next(self, id: int) -> int:
        """The offset of one more token; one that ends a character begins where that character does."""
        raw = b"" if self._tokenizer.is_special(id) else self._tokenizer.token_bytes(id)
        unfinished = bool(self._decoder.getstate()[0])
        first = self._decoder.decode(raw[:1])
        start = self._at + (unfinished and first.startswith("\ufffd"))  # a character before it stays unfinished
        self._at += len(first) + len(self._decoder.decode(raw[1:]))
        return start


def _logprobs(tokens: Sequence[Scored], tokenizer: Tokenizer, offsets: _Offsets) -> dict[str, Any]:
    """OpenAI's four parallel lists. Among the most likely tokens stands the one that was taken, too."""
    spelled, best = [], []
    for token in tokens:
        spelled.append(_spell(token.id, tokenizer))
        tops = {_spell(id, tokenizer): logprob for id, logprob in token.top}
        if tops and token.logprob is not None:
            tops.setdefault(spelled[-1], token.logprob)
        best.append(tops or None)
    return {
        "tokens": spelled,
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": best,
        "text_offset": [offsets.next(token.id) for token in tokens],
    }


def _spell(id: int, tokenizer: Tokenizer) -> str:
    r"""A token's text; `bytes:\xe4\xb8` where it is less than a character, as at OpenAI."""
    raw = tokenizer.token_bytes(id)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


def _head(generation: Generation) -> dict[str, Any]:
    return {
        "id": generation.id,
        "object": "text_completion",
        "created": generation.created,
        "model": generation.model.name,
        "system_fingerprint": generation.model.fingerprint,
    }
