"""Calls to another service's API: its host is fixed by the settings, and neither addresses nor tokens reach a log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import httpx2

from mynah.server.channels.channel import Undelivered

TIMEOUT = httpx2.Timeout(10.0)
# The library tells every address at INFO, and WeCom has secrets in them.
logging.getLogger("httpx2").setLevel(logging.WARNING)
logging.getLogger("httpcore2").setLevel(logging.WARNING)


class Outbound:
    """Requests below one base URL; redirects are not followed, and proxies of the environment not asked."""

    def __init__(self, service: str, base: str) -> None:
        self._service, self._base = service, base.rstrip("/")
        self._client: httpx2.AsyncClient | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        token: str = "",
    ) -> tuple[httpx2.Response, dict[str, Any]]:
        """The response, with its JSON object. Undelivered if there is none, in words without the address."""
        if self._client is None:  # made on the event loop that uses it
            self._client = httpx2.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            response = await self._client.request(method, self._base + path, params=query, json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise Undelivered(f"{self._service} cannot be reached ({type(error).__name__})") from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Undelivered(f"{self._service} answered {response.status_code} and no JSON object")
        return response, answer

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
