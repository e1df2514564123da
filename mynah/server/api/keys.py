"""API keys and what was spent with them; a key's secret is shown once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import Row

from mynah import store
from mynah.server.accounts import Accounts
from mynah.server.api.here import Id, found
from mynah.server.api.people import Name
from mynah.server.errors import APIError
from mynah.server.identity import Caller, admin, caller
from mynah.server.requests import Body, Number
from mynah.server.service_settings import Limit
from mynah.store import access
from mynah.store.schema import now
from mynah.store.spent import Day, usage_by_day

MOST = 100
"""Keys of one person."""
Me = Annotated[Caller, Depends(caller)]
Admin = Annotated[Caller, Depends(admin)]
Days = Annotated[int, Query(ge=1, le=366)]
Scope = Literal["chat", "completions", "embeddings", "models", "feedback", "metrics"]


class Key(Body):
    """`POST /api/me/keys`; a limit that is left out is the service's."""

    name: Name
    scopes: list[Scope] = Field(min_length=1, default=["chat", "models"])
    requests_per_minute: Limit | None = None
    tokens_per_minute: Limit | None = None
    monthly_budget: Annotated[Number, Field(ge=0)] | None = None
    """In the unit of the service's prices."""
    expires_at: Annotated[datetime, Field(strict=False)] | None = None


def routes(accounts: Accounts) -> APIRouter:
    api = APIRouter(prefix="/api", tags=["keys"])

    @api.get("/me/keys")
    def keys(me: Me) -> dict[str, Any]:
        """One's keys, newest first, without their secrets."""
        with accounts.db.reading() as tx:
            return {"items": [_described(row, name) for row, name in access.keys(tx, me.user)], "next": None}

    @api.post("/me/keys")
    def make(body: Key, me: Me) -> dict[str, Any]:
        """A new key. Its `secret` is nowhere to be had again."""
        accounts.needed()
        scopes, ends = sorted(set(body.scopes)), body.expires_at
        if "metrics" in scopes and me.role != "admin":
            raise APIError(403, "Only admins make keys for metrics.", param="scopes", code="not_permitted")
        ends = ends.replace(tzinfo=UTC) if ends and not ends.tzinfo else ends
        if ends and ends <= now():
            raise APIError(400, "The key would end before it begins.", param="expires_at", code="invalid_value")
        limits = body.model_dump(include={"requests_per_minute", "tokens_per_minute", "monthly_budget"})
        with accounts.db.writing() as tx:
            if len(access.keys(tx, me.user)) >= MOST:
                raise APIError(409, f"You have {MOST} keys; revoke one first.", code="too_many_keys")
            id, secret = access.add_key(tx, me.user, body.name, scopes, **limits, expires_at=ends)
            store.note(tx, me.user, "key.make", id, {"scopes": scopes, **limits})
            row = access.key_limits(tx, id)
        assert row
        return _described(row, body.name) | {"secret": secret}

    @api.delete("/me/keys/{id}")
    def revoke(id: Id, me: Me) -> dict[str, Any]:
        """It opens nothing from now on."""
        with found(), accounts.db.writing() as tx:
            access.revoke_key(tx, me.user, id)
            store.note(tx, me.user, "key.revoke", id)
        return {"id": id, "deleted": True}

    @api.get("/me/usage")
    def mine(me: Me, days: Days = 30) -> dict[str, Any]:
        """What one was served, by day (UTC), model and key."""
        with accounts.db.reading() as tx:
            return {"items": [_day(row) for row in usage_by_day(tx, days, me.user)], "next": None}

    @api.get("/usage")
    def everybodys(who: Admin, days: Days = 30) -> dict[str, Any]:
        """What everybody was served; names of others' keys are their own affair."""
        with accounts.db.reading() as tx:
            rows = usage_by_day(tx, days)
        return {"items": [_day(row) | {"user": row.user, "key_name": None} for row in rows], "next": None}

    return api


def _described(row: Row[Any], name: str) -> dict[str, Any]:
    limits = {"requests_per_minute": row.requests_per_minute, "tokens_per_minute": row.tokens_per_minute}
    ends = row.expires_at.isoformat() if row.expires_at else None
    limits |= {"monthly_budget": row.monthly_budget, "expires_at": ends}
    return {"id": row.id, "name": name, "scopes": row.scopes, **limits, "created_at": row.created_at.isoformat()}


def _day(row: Day) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "user"}
