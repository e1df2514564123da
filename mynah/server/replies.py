"""One answer to a conversation, by our own model or by another server's, in one form."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Response
from pydantic import ValidationError
from sqlalchemy import Connection

from mynah import store
from mynah.agent.assistant import Assistant
from mynah.nouns import Message, SamplingParams
from mynah.server import chat_completions
from mynah.server.errors import APIError, EngineError, from_validation
from mynah.server.generation import Generation, Service
from mynah.server.models import ServedModel
from mynah.server.remote import Incoming, Remote
from mynah.server.requests import ChatRequest
from mynah.server.tool_results import with_ids
from mynah.server.versions import know_served

ROOM = 4
"""A quarter of the context, at least, is left for an answer; the oldest turns make way."""


@dataclass(frozen=True)
class Wanted:
    """How an answer shall be drawn; None leaves it to the model's server."""

    model: str = ""
    """Empty takes the first that is served."""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None

    def request(self, model: str, messages: Sequence[Message]) -> dict[str, Any]:
        """The body of a chat completion."""
        given = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
        }
        said = [message.to_json() for message in messages]
        return {"model": model, "messages": said, **{name: v for name, v in given.items() if v is not None}}


@dataclass(frozen=True)
class Given:
    """What an answer has come to so far; `tool_calls` is JSON, empty for none."""

    text: str
    tokens: int
    finish_reason: str
    tool_calls: str = ""
    logprob_sum: float | None = None


class OwnReply:
    """By a model of this process. `pieces` must be read, or the reply abandoned: it holds a place in the queue."""

    def __init__(self, generation: Generation, dropped: int) -> None:
        self._generation, self.dropped = generation, dropped
        self.model, self.params = generation.model.name, generation.params

    @property
    def prompt_tokens(self) -> int:
        return len(self._generation.prompts[0])

    def know(self, tx: Connection) -> str:
        """The id of the model version that answers."""
        return know_served(tx, self._generation.model)

    async def pieces(self) -> AsyncIterator[str]:
        """Its text as it comes."""
        async for piece in self._generation.pieces():
            if piece.text:
                yield piece.text

    @property
    def given(self) -> Given:
        [writer] = self._generation.writers
        calls = [made.to_json() for made in writer.calls]
        return Given(
            writer.text,
            len(writer.tokens),
            writer.finish_reason or "cancelled",
            json.dumps(calls, ensure_ascii=False) if calls else "",
            sum(token.logprob for token in writer.tokens),
        )

    async def abandon(self) -> None:
        """Give up a reply whose pieces nobody has begun to read."""
        self._generation.abandon()


class OthersReply:
    """By another server. What weights gave it is not known: its address and the model's name stand for them."""

    dropped = 0

    def __init__(self, server: str, model: str, params: SamplingParams, objects: Incoming) -> None:
        self.model, self.params, self.prompt_tokens = model, params, 0
        self._server, self._objects = server, objects
        self._text, self._tokens, self._finish_reason = "", 0, ""
        self._calls: dict[int, dict[str, Any]] = {}

    def know(self, tx: Connection) -> str:
        place = hashlib.sha256(f"{self._server}\n{self.model}".encode()).hexdigest()
        return store.know_model(tx, store.Model(self.model[:200], "remote", f"served:{place}", "", ""))

    async def pieces(self) -> AsyncIterator[str]:
        try:
            async for thing in self._objects:
                if usage := thing.get("usage"):
                    self.prompt_tokens = usage.get("prompt_tokens") or 0
                    self._tokens = usage.get("completion_tokens") or self._tokens
                if error := thing.get("error"):
                    raise EngineError(f"The engine broke off: {str(error)[:500]}", 502)
                for choice in thing.get("choices") or ():
                    delta = choice.get("delta") or {}
                    self._finish_reason = choice.get("finish_reason") or self._finish_reason
                    for call in delta.get("tool_calls") or ():
                        self._call(call)
                    if text := delta.get("content"):
                        self._text, self._tokens = self._text + text, self._tokens + 1
                        yield text
        finally:
            await self._objects.close()

    def _call(self, part: dict[str, Any]) -> None:
        made = self._calls.setdefault(
            part.get("index", 0), {"type": "function", "function": {"name": "", "arguments": ""}}
        )
        made |= {"id": part["id"]} if part.get("id") else {}
        for name, text in (part.get("function") or {}).items():
            made["function"][name] = made["function"].get(name, "") + (text or "")

    @property
    def given(self) -> Given:
        reason = self._finish_reason if self._finish_reason in ("stop", "length", "tool_calls") else "cancelled"
        calls = json.dumps(list(self._calls.values()), ensure_ascii=False) if self._calls else ""
        return Given(self._text, self._tokens, reason, calls)

    async def abandon(self) -> None:
        await self._objects.close()


Reply = OwnReply | OthersReply


async def begin(engine: Service | Remote, messages: Sequence[Message], wanted: Wanted, user: str = "") -> Reply:
    """Ask for an answer for `user`. Raises APIError for an unknown model, a full queue, no room in the context."""
    if isinstance(engine, Remote):
        return await _begin_remote(engine, messages, wanted)
    model = _served(engine, wanted)
    shown = await asyncio.to_thread(fitting, model.assistant, messages)
    try:
        body = ChatRequest.model_validate(wanted.request(model.name, shown))
    except ValidationError as error:
        raise from_validation([{**found, "loc": ("body", *found["loc"])} for found in error.errors()]) from None
    return OwnReply(await chat_completions.begin(engine, body, reader=user), len(messages) - len(shown))


def check_model(engine: Service | Remote, wanted: Wanted) -> None:
    """Raises APIError for a model that is not served here. Another server may go by more names than it lists."""
    if isinstance(engine, Service):
        _served(engine, wanted)


def fitting(assistant: Assistant, messages: Sequence[Message]) -> Sequence[Message]:
    """The system prompt, and of the turns as many of the newest as leave room for an answer; the last one at least."""
    context = assistant.engine.context
    if sum(len(message.content.encode(errors="replace")) + 16 for message in messages) < context * (1 - 1 / ROOM):
        return messages  # a token is a byte at least
    starts = [0, *(i for i, message in enumerate(messages) if message.role == "user" and i)]

    def since(start: int) -> tuple[Message, ...]:
        return tuple(message for i, message in enumerate(messages) if i >= start or message.role == "system")

    def fits(turns: int) -> bool:
        return turns <= len(starts) and assistant.fits(since(starts[-turns]), context // ROOM)

    kept, more = 1, 1  # turns; found from the end, so that a chat of thousands is never read as a whole
    while fits(kept + more):
        kept, more = kept + more, 2 * more
    while more := more // 2:
        kept += more * fits(kept + more)
    return since(starts[-kept])


async def _begin_remote(remote: Remote, messages: Sequence[Message], wanted: Wanted) -> OthersReply:
    model = wanted.model or (await remote.models())[0]["id"]
    seed = secrets.randbits(31) if wanted.seed is None else wanted.seed
    body = wanted.request(model, messages) | {"messages": with_ids(messages), "seed": seed}
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    answer = await remote.begin_stream("/chat/completions", json.dumps(body).encode())
    if isinstance(answer, Response):
        raise _refused(answer)
    temperature, top_p = (1.0 if value is None else value for value in (wanted.temperature, wanted.top_p))
    params = SamplingParams(wanted.max_tokens or 0, temperature, top_p=top_p, seed=seed)
    return OthersReply(remote.address, model, params, answer[1])


def _served(service: Service, wanted: Wanted) -> ServedModel:
    return service.models.find(wanted.model or next(iter(service.models)).name)


def _refused(answer: Response) -> APIError:
    """The other server's error as one of ours."""
    try:
        told = json.loads(bytes(answer.body))["error"]
        message, param, code = told["message"], told.get("param"), told.get("code")
    except (ValueError, TypeError, KeyError):
        message, param, code = "and said nothing more", None, None
    status = answer.status_code if answer.status_code >= 400 else 502
    return APIError(status, f"The engine refused: {message}", param=str(param) if param else None, code=code)
