"""Another server that speaks OpenAI's API (vLLM, Ollama, llama.cpp) in place of the engine, by URL."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
from fastapi import Response

from mynah.server.errors import APIError, EngineError
from mynah.server.metrics import Metrics
from mynah.server.settings import ServeSettings

JSON = {"Content-Type": "application/json"}
TIMEOUT = httpx2.Timeout(10.0, read=600.0)
"""Seconds; a full server may be silent for long before its first token."""


class Remote:
    """The server at `url` (with or without /v1 at its end). What it answers is handed back as it is, errors too.

    Answers are not recorded: what weights and seed gave them is not known here.
    """

    def __init__(self, url: str, settings: ServeSettings, metrics: Metrics, api_key: str = "") -> None:
        self.settings, self.metrics = settings, metrics
        self._base = url.rstrip("/").removesuffix("/v1") + "/v1"
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client: httpx2.AsyncClient | None = None
        self._open = 0

    async def start(self) -> None:
        self._client = httpx2.AsyncClient(headers=self._headers, timeout=TIMEOUT, trust_env=False)

    async def stop(self) -> None:
        await self.client.aclose()

    @property
    def address(self) -> str:
        """Its URL, with /v1."""
        return self._base

    async def models(self) -> list[dict[str, Any]]:
        """Who answers there. Raises APIError if nobody does."""
        found = _object(bytes((await self.ask("GET", "/models")).body)).get("data")
        listed = [model for model in found if model.get("id")] if isinstance(found, list) else []
        if not listed:
            raise EngineError(f"The engine at {self._base} names no model.", 502)
        return listed

    @property
    def client(self) -> httpx2.AsyncClient:
        assert self._client is not None, "the service has not started"
        return self._client

    @property
    def alive(self) -> bool:
        return self._client is not None

    @property
    def in_flight(self) -> Mapping[str, int]:
        return {self._base: self._open}

    async def ask(self, method: str, path: str, body: bytes = b"") -> Response:
        """One request, its JSON body as it came, and the whole answer."""
        self._admit()
        try:
            answer = await self.client.request(method, self._base + path, content=body, headers=JSON)
        except httpx2.HTTPError as error:
            raise self.unreachable(error) from error
        finally:
            self._open -= 1
        if usage := _object(answer.content).get("usage"):
            self.count(usage)
        return _handed_back(answer)

    async def begin_stream(self, path: str, body: bytes) -> Response | tuple[str, Incoming]:
        """The id of a stream and what it tells; the other server's response if that is no stream, an error say."""
        self._admit()
        streaming = False
        try:
            request = self.client.build_request("POST", self._base + path, content=body, headers=JSON)
            answer = await self.client.send(request, stream=True)
            streaming = answer.headers.get("content-type", "").startswith("text/event-stream")
            if streaming:
                return f"stream-{secrets.token_hex(16)}", Incoming(self, answer)
            await answer.aread()
        except httpx2.HTTPError as error:
            raise self.unreachable(error) from error
        finally:
            self._open -= not streaming
        return _handed_back(answer)

    def _admit(self) -> None:
        limit = self.settings.rows + self.settings.queue
        if self._open >= limit:
            self.metrics.refused()
            raise APIError(
                429,
                f"The server is busy: {self._open} requests are under way. Try again in a moment.",
                kind="rate_limit_error",
                code="rate_limit_exceeded",
                headers={"Retry-After": "1"},
            )
        self._open += 1

    def leave(self) -> None:
        """One request is over."""
        self._open -= 1

    def count(self, usage: Mapping[str, Any]) -> None:
        """Tokens that the other server says it has read and written."""
        tokens = {kind: usage.get(kind) or 0 for kind in ("prompt_tokens", "completion_tokens")}
        self.metrics.served(tokens)

    def unreachable(self, error: Exception) -> APIError:
        """The error that the other server does not answer."""
        return EngineError(f"The engine at {self._base} does not answer ({type(error).__name__}).", 502)


class Incoming:
    """The objects of a stream, and the open request behind it: whoever has it closes it, read to its end or never."""

    def __init__(self, remote: Remote, answer: httpx2.Response) -> None:
        self._remote, self._answer = remote, answer
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        try:
            async for line in self._answer.aiter_lines():
                data = line.removeprefix("data:").strip()
                if line.startswith("data:") and data != "[DONE]":
                    thing = _object(data.encode())
                    if usage := thing.get("usage"):
                        self._remote.count(usage)
                    yield thing
        except httpx2.HTTPError as error:
            raise self._remote.unreachable(error) from error
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the connection, by which the other server knows that nobody reads. Again does no harm."""
        if not self._closed:
            self._closed = True
            self._remote.leave()
            await self._answer.aclose()


def _object(data: bytes) -> dict[str, Any]:
    try:
        thing = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return thing if isinstance(thing, dict) else {}


def _handed_back(answer: httpx2.Response) -> Response:
    headers = {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}
    if not _object(answer.content):
        return EngineError(f"The engine answered {answer.status_code} and no JSON.", 502).response()
    return Response(answer.content, answer.status_code, headers, "application/json")
