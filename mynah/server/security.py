"""The gate before every route: who may speak to the service, and how much at a time."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mynah.errors import UserError
from mynah.server.errors import APIError
from mynah.server.identity import not_valid, presented_key
from mynah.server.metrics import Metrics

HOSTS = {"127.0.0.1", "localhost", "::1"}
OPEN = {"/healthz", "/docs", "/openapi.json"}
"""Routes without a key: they tell nothing that is not in the source."""
SIGNED = "/channels/"
"""Below it other services call, whose own signatures are checked."""
SAFE = {"GET", "HEAD"}
"""Methods that change nothing."""
BODY_SECONDS = 60.0
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The content security policy of data, errors and /docs: nothing runs, nothing is loaded, nobody frames it."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""That of the page: its own files only, so that markup in an answer neither runs nor calls home."""


@dataclass(frozen=True)
class Site:
    """Where people find the service: this machine, and the public address if a proxy stands before it."""

    public_url: str = ""

    def __post_init__(self) -> None:
        url = urlsplit(self.public_url)
        if self.public_url and not (url.scheme in ("http", "https") and url.hostname and not url.path.strip("/")):
            raise UserError(f"serve.public_url={self.public_url!r}: not the form https://chat.example.org.")

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.public_url.startswith("https://")

    def has(self, hostname: str) -> bool:
        return hostname in HOSTS or bool(self.public_url and hostname == urlsplit(self.public_url).hostname)

    def is_origin(self, origin: str, host: str) -> bool:
        """Whether a page with this Origin is ours; `host` as the request names it."""
        here = _hostname(host) in HOSTS and origin in (f"http://{host}", f"https://{host}")
        return here or (bool(origin) and origin == self.public_url.rstrip("/"))

    def home(self, request: HTTPConnection) -> str:
        """Where links begin, without a slash at the end: the public address, or else the one that was asked."""
        return (self.public_url or str(request.base_url)).rstrip("/")

    def address(self, request: HTTPConnection) -> str:
        """The client's: behind a proxy the last one that X-Forwarded-For names, as the proxy itself wrote it."""
        if self.public_url and (forwarded := request.headers.getlist("x-forwarded-for")):
            return forwarded[-1].rpartition(",")[2].strip()
        return request.client.host if request.client else ""


class Gate:
    """ASGI middleware. Refused with OpenAI's error object are

    - a Host that is not ours: a page elsewhere may rename its site to 127.0.0.1, but not its Host header;
    - an Origin other than ours: no page of another site may spend our tokens (and CORS stays off, so none reads);
    - under /api and /v1, what a browser says comes from another site; and under /api, where a cookie opens, every
      change that does not say that it comes from our own page;
    - a missing or wrong API key, if one is set; it is compared in constant time;
    - a body longer than `body_bytes`, before anything reads it.
    """

    def __init__(self, app: ASGIApp, api_key: str, body_bytes: int, metrics: Metrics, site: Site) -> None:
        self._app, self._body_bytes, self._metrics, self._site = app, body_bytes, metrics, site
        self._key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")  # few labels, whatever is asked
                self._metrics.response(route, message["status"])
                _secure(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check(scope["method"], scope["path"], headers)
            body = await self._body(headers, receive)
        except APIError as error:
            await error.response()(scope, receive, answer)
            return
        if body is not None:
            await self._app(scope, _replay(body, receive), answer)

    def _check(self, method: str, path: str, headers: Headers) -> None:
        host, site = headers.get("host", ""), self._site
        if not site.has(_hostname(host)):
            raise APIError(421, f"The Host header says '{host}'; that is not where this service is.")
        origin, fetched = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and not site.is_origin(origin, host):
            raise _cross_site()
        if path.startswith(("/api/", "/v1/")) and fetched in ("cross-site", "same-site"):
            raise _cross_site()
        if path.startswith("/api/") and method not in SAFE and origin is None and fetched != "same-origin":
            raise _cross_site()
        if self._key and path not in OPEN and not path.startswith(SIGNED):
            key = presented_key(headers)
            if not hmac.compare_digest(key.encode("latin-1"), self._key):
                raise not_valid() if key else not_valid("You didn't provide an API key.")

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


def _cross_site() -> APIError:
    return APIError(403, "Requests from pages of another site are refused.", code="cross_site")


def _secure(headers: MutableHeaders, path: str) -> None:
    """Add what every response has; a route may bring a policy of its own."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    page = headers.get("content-type", "").startswith("text/html") and path != "/docs"
    headers.setdefault("content-security-policy", PAGE_POLICY if page else POLICY)
    if path.startswith("/api/"):
        headers.setdefault("cache-control", "no-store")


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
