"""Who is asking: the one place where a request becomes a person.

Every route depends on `caller`, `labeller`, `admin` or `may(SCOPE)`; a test walks the routes and holds it. A person at
the page is known by the cookie of their session; a program on /v1 by its API key, in whichever header it puts it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers

from mynah import store
from mynah.server.errors import APIError
from mynah.store import access
from mynah.store.database import Database
from mynah.store.schema import now

SCOPES = ("chat", "completions", "embeddings", "models", "feedback", "metrics")
"""What an API key may be for; a person at the page may do all of it. Only admins, and their keys, read `metrics`."""
KEY_HEADERS = ("api-key", "x-api-key")
"""Where other vendors' clients put a key that OpenAI's put into `Authorization: Bearer`."""


@dataclass(frozen=True)
class Caller:
    """Who asks, and by which right."""

    user: str
    role: str
    session: str | None = None
    key: str | None = None
    scopes: frozenset[str] = frozenset(SCOPES)
    """Of a key; a session has all."""


class Identity:
    """Knows people by what their requests carry. Without accounts everybody is the one person at this machine."""

    def __init__(self, db: Database, accounts: bool, secure: bool = False) -> None:
        self.db, self.accounts = db, accounts
        self.cookie = "__Host-mynah" if secure else "mynah_session"
        """With TLS, browsers see to it that no other host and no plain HTTP ever set it."""

    def of(self, request: Request) -> Caller | None:
        """None for nobody that we know. Raises APIError for a key that is not valid, and for two that contradict."""
        if not self.accounts:
            return self._local()
        for_programs = request.url.path.startswith("/v1/") or request.url.path == "/metrics"
        if for_programs and (key := presented_key(request.headers)):
            return self._by_key(key)
        token = request.cookies.get(self.cookie)
        return self._by_session(token) if token else None

    def _local(self) -> Caller:
        with self.db.reading() as tx:
            found = store.find_local(tx)
        if found is None:
            with self.db.writing() as tx:
                found = store.local_person(tx)
        return Caller(found, "admin")

    def _by_session(self, token: str) -> Caller | None:
        with self.db.reading() as tx:
            found = access.find_session(tx, token)
        if found is None:
            return None
        if found.seen_at is None or found.seen_at < now() - access.SEEN_EVERY:
            with self.db.writing() as tx:
                access.see_session(tx, found.id)
        return Caller(found.user, found.role, session=found.id)

    def _by_key(self, key: str) -> Caller:
        with self.db.reading() as tx:
            found = access.find_key(tx, key)
        if found is None:
            raise not_valid()
        return Caller(found.user, found.role, key=found.id, scopes=frozenset(found.scopes))


def presented_key(headers: Headers) -> str:
    """The one key that a request brings, in whatever header; empty if none. APIError if two headers bring two."""
    found = {value.strip() for name in KEY_HEADERS for value in headers.getlist(name)}
    for value in headers.getlist("authorization"):
        scheme, _, key = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            found.add(key.strip())
    found.discard("")
    if len(found) > 1:
        raise not_valid("The request brings several API keys that differ.")
    return found.pop() if found else ""


def not_valid(message: str = "Incorrect API key provided.") -> APIError:
    return APIError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})


def caller(request: Request) -> Caller:
    """Whoever asks; 401 for nobody."""
    identity: Identity = request.app.state.identity
    found = identity.of(request)
    if found is None:
        if request.url.path.startswith("/v1/"):
            raise not_valid("You didn't provide an API key.")
        raise APIError(401, "Please sign in.", code="not_signed_in")
    request.state.caller = found
    return found


def admin(who: Annotated[Caller, Depends(caller)]) -> Caller:
    """An admin; 403 for others."""
    return _with_role(who, "admin")


def labeller(who: Annotated[Caller, Depends(caller)]) -> Caller:
    """A labeller or an admin; 403 for others."""
    return _with_role(who, "labeller", "admin")


def may(*scopes: str) -> Callable[[Caller], Caller]:
    """A dependency: whoever may do one of these; 403 for a key that has none of the scopes."""

    def scoped(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if "metrics" in scopes:
            _with_role(who, "admin")
        if not who.scopes.intersection(scopes):
            raise APIError(403, f"This API key has no scope '{scopes[0]}'.", code="insufficient_scope")
        return who

    return scoped


def _with_role(who: Caller, *roles: str) -> Caller:
    if who.role not in roles:
        raise APIError(403, f"Only {' and '.join(f'{role}s' for role in roles)} may do this.", code="not_permitted")
    return who
