"""The gate before every route: who may speak to the service, and how much at a time."""

from __future__ import annotations

import asyncio
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mynah.server.errors import APIError
from mynah.server.metrics import Metrics

HOSTS = {"127.0.0.1", "localhost", "::1"}
OPEN = {"/healthz", "/docs", "/openapi.json"}
"""Routes without a key: they tell nothing that is not in the source."""
SIGNED = "/channels/"
"""Below it other services call, whose own signatures are checked."""
BODY_SECONDS = 60.0
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]


class Gate:
    """ASGI middleware. Refused with OpenAI's error object are

    - a Host that is not this machine: a page elsewhere may rename its site to 127.0.0.1, but not its Host header;
    - an Origin other than the Host: no page of another site may spend our tokens (and CORS stays off, so none reads);
    - a missing or wrong API key, if one is set; it is compared in constant time;
    - a body longer than `body_bytes`, before anything reads it.
    """

    def __init__(self, app: ASGIApp, api_key: str, body_bytes: int, metrics: Metrics) -> None:
        self._app, self._body_bytes, self._metrics = app, body_bytes, metrics
        self._key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")  # few labels, whatever is asked
                self._metrics.response(route, message["status"])
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check(scope["path"], headers)
            body = await self._body(headers, receive)
        except APIError as error:
            await error.response()(scope, receive, answer)
            return
        if body is not None:
            await self._app(scope, _replay(body, receive), answer)

    def _check(self, path: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if _hostname(host) not in HOSTS:
            raise APIError(421, f"The Host header says '{host}'; this service answers on this machine only.")
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            raise APIError(403, "Requests from pages of another site are refused.", code="cross_site")
        if self._key and path not in OPEN and not path.startswith(SIGNED):
            scheme, _, key = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode("latin-1"), self._key):
                message = "Incorrect API key provided." if key else "You didn't provide an API key."
                challenge = {"WWW-Authenticate": "Bearer"}
                raise APIError(401, message, code="invalid_api_key", headers=challenge)

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body; None if the client went before it was whole."""
        too_long = APIError(413, f"The request body is longer than {self._body_bytes} bytes.", code="body_too_long")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 15 or int(length) > self._body_bytes:
            raise too_long
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > self._body_bytes:
                        raise too_long
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise APIError(408, f"The request body did not arrive within {BODY_SECONDS:.0f} s.") from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """`receive` for a body that was read already."""
    first = True

    async def replayed() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
