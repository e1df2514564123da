"""Another engine's answers, counted: what its `usage` says is noted, and counts for the caller's limits."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Response

from mynah.server.errors import APIError
from mynah.server.identity import Caller
from mynah.server.limits import Limits, Tab
from mynah.server.remote import Incoming, Remote

BYTES_A_TOKEN, ANSWER = 4, 512
"""To reserve by, where nothing better is known: of a prompt, and of an answer without max_tokens."""
MOST = 10**9
"""More tokens, or answers, are reserved as so many: no limit has room for them."""


class Meter:
    """Of one request. Open it, ask, and close it."""

    def __init__(self, remote: Remote, limits: Limits, who: Caller, raw: bytes, body: dict[str, Any]) -> None:
        self._remote, self._limits, self._who, self._raw, self._body = remote, limits, who, raw, body
        self._prompt = self._completion = self._pieces = 0
        self._begun, self._tab = time.time(), Tab()

    async def open(self) -> None:
        """APIError 429 if the caller's key has no room for what this could take, 400 if that cannot be told."""
        total, tokens, n = (_asked(self._body, name) for name in ("max_completion_tokens", "max_tokens", "n"))
        answer = (total or tokens or ANSWER) * (n or 1) * _prompts(self._body)
        prompt = len(self._raw) // BYTES_A_TOKEN
        self._tab = await self._limits.open(self._who, prompt, answer, self._remote.settings.price(prompt, answer))

    async def whole(self, path: str) -> Response:
        """The whole answer."""
        try:
            answer = await self._remote.ask("POST", path, self._raw)
            if answer.status_code < 400:
                self._see(json.loads(bytes(answer.body)))
            return answer
        finally:
            await self._close()

    async def begin_stream(self, path: str) -> Response | tuple[str, AsyncIterator[dict[str, Any]]]:
        """As Remote's. The engine is asked for its usage, and whoever did not ask for it does not see it."""
        options = self._body.get("stream_options") or {}
        wanted = isinstance(options, dict) and bool(options.get("include_usage"))
        body = self._raw
        if isinstance(options, dict) and not wanted:
            body = json.dumps(self._body | {"stream_options": options | {"include_usage": True}}).encode()
        begun = False
        try:
            answer = await self._remote.begin_stream(path, body)
            begun = not isinstance(answer, Response)
        finally:
            if not begun:
                await self._close()
        return answer if isinstance(answer, Response) else (answer[0], self._counted(answer[1], wanted))

    async def _counted(self, objects: Incoming, wanted: bool) -> AsyncIterator[dict[str, Any]]:
        try:
            async for thing in objects:
                self._see(thing)
                if wanted:
                    yield thing
                elif thing.get("choices") or not thing.get("usage"):
                    yield {name: value for name, value in thing.items() if name != "usage"}
        finally:
            try:
                await objects.close()
            finally:
                await self._close()

    def _see(self, thing: dict[str, Any]) -> None:
        """A piece is a token at least: so much is known if it breaks off before its usage comes."""
        self._pieces += bool(thing.get("choices"))
        if isinstance(usage := thing.get("usage"), dict):
            self._prompt = usage.get("prompt_tokens") or 0
            self._completion = usage.get("completion_tokens") or 0

    async def _close(self) -> None:
        prompt, completion = self._prompt, self._completion or (0 if self._prompt else self._pieces)
        cost = self._remote.settings.price(prompt, completion)
        seconds = time.time() - self._begun
        await asyncio.shield(self._limits.note(self._tab, self._who, prompt, completion, seconds, cost))


def _asked(body: dict[str, Any], name: str) -> int:
    """How many of something a request asks for, which the other server alone checks; 0 where it does not say."""
    value = body.get(name)
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        message = f"Invalid value for '{name}': expected a whole number that is not negative."
        code = "invalid_value" if type(value) is int else "invalid_type"
        raise APIError(400, message, param=name, code=code)
    return min(value, MOST)


def _prompts(body: dict[str, Any]) -> int:
    """How many texts of plain completions are continued."""
    prompt = body.get("prompt")
    return len(prompt) if isinstance(prompt, list) and prompt and type(prompt[0]) is not int else 1
