"""`POST /v1/chat/completions`: a conversation goes through the model's chat template, answers come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from mynah.engine import Token
from mynah.server.errors import APIError
from mynah.server.forms import callable_tools, chat_form, shown_tools
from mynah.server.generation import Generation, Service, check_count, sampling_params
from mynah.server.identity import Caller
from mynah.server.record import Origin
from mynah.server.requests import ChatRequest
from mynah.server.tool_results import in_order
from mynah.server.writer import Piece, Writer


async def begin(service: Service, body: ChatRequest, who: Caller | None = None, reader: str = "") -> Generation:
    """Check the request and admit it. It is recorded for `who`; without, the caller of this function records it.

    What `reader`, by default that user, asked before need not be read again.
    """
    model = service.models.find(body.model)
    assistant = model.assistant
    _check(body)
    check_count(body.messages, assistant.engine.context)
    tools = shown_tools(body, model)
    form = await chat_form(model, body, callable_tools(body, tools))
    messages = in_order(body.messages)
    try:
        prompt = await asyncio.to_thread(assistant.chat.encode_prompt, messages, tools)  # megabytes take seconds
    except RecursionError:
        raise APIError(400, "The request's JSON is nested too deeply.", code="invalid_value") from None
    room = max(1, assistant.engine.context - len(prompt))
    budget = body.max_completion_tokens or body.max_tokens or room
    top = (body.top_logprobs or 0) if body.logprobs else 0
    params = sampling_params(model, body, min(budget, room), top_logprobs=top)
    origin = Origin.of(who, body, tuple(messages)) if who else None
    reader = reader or (who.user if who else "")
    return Generation(service, model, "chatcmpl", body, [prompt], params, bool(tools), False, origin, form, reader)


def whole(generation: Generation, body: ChatRequest) -> dict[str, Any]:
    """The response object of a generation that is over."""
    choices = [
        {
            "index": writer.choice,
            "message": _message(writer),
            "logprobs": _logprobs(writer.shown, generation) if body.logprobs else None,
            "finish_reason": writer.finish_reason,
        }
        for writer in generation.writers
    ]
    return {**_head(generation, "chat.completion"), "choices": choices, "usage": generation.usage}


async def chunks(generation: Generation, body: ChatRequest) -> AsyncIterator[dict[str, Any]]:
    """The same as a stream of deltas."""
    head = _head(generation, "chat.completion.chunk")
    if body.usage_wanted:
        head["usage"] = None

    def chunk(choice: int, delta: dict[str, Any], tokens: tuple[Token, ...] = (), end: str | None = None) -> Any:
        logprobs = _logprobs(tokens, generation) if body.logprobs and tokens else None
        return {
            **head,
            "choices": [{"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": end}],
        }

    for choice in range(generation.n):
        yield chunk(choice, {"role": "assistant", "content": ""})
    calls = [0] * generation.n
    async for piece in generation.pieces():
        delta = _delta(piece, calls)
        if delta or (body.logprobs and piece.tokens):
            yield chunk(piece.choice, delta, piece.tokens)
        if piece.finish_reason:
            yield chunk(piece.choice, {}, end=piece.finish_reason)
    if body.usage_wanted:
        yield {**head, "choices": [], "usage": generation.usage}


def _check(body: ChatRequest) -> None:
    if body.top_logprobs and not body.logprobs:
        raise APIError(400, "top_logprobs needs logprobs to be true.", param="top_logprobs", code="invalid_value")
    if body.modalities not in (None, ["text"]):
        raise APIError(400, "This model writes text only.", param="modalities", code="unsupported_value")


def _head(generation: Generation, kind: str) -> dict[str, Any]:
    return {
        "id": generation.id,
        "object": kind,
        "created": generation.created,
        "model": generation.model.name,
        "system_fingerprint": generation.model.fingerprint,
    }


def _message(writer: Writer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": writer.text, "refusal": None}
    if writer.calls:
        message["content"] = writer.text or None
        message["tool_calls"] = [call.to_json() for call in writer.calls]
    return message


def _delta(piece: Piece, calls: list[int]) -> dict[str, Any]:
    """What of a piece is new in its choice's message; `calls` counts each choice's calls."""
    delta: dict[str, Any] = {"content": piece.text} if piece.text else {}
    if piece.calls:
        first = calls[piece.choice]
        delta["tool_calls"] = [{"index": first + i, **call.to_json()} for i, call in enumerate(piece.calls)]
        calls[piece.choice] += len(piece.calls)
    return delta


def _logprobs(tokens: tuple[Token, ...] | list[Token], generation: Generation) -> dict[str, Any]:
    """Without the end of turn, as at OpenAI."""
    tokenizer = generation.model.assistant.tokenizer

    def entry(id: int, logprob: float) -> dict[str, Any]:
        spelled = tokenizer.token_bytes(id)
        return {"token": spelled.decode(errors="replace"), "logprob": logprob, "bytes": list(spelled)}

    content = [
        {**entry(token.id, token.logprob), "top_logprobs": [entry(*best) for best in token.top_logprobs]}
        for token in tokens
        if token.finish_reason != "stop"
    ]
    return {"content": content, "refusal": None}
