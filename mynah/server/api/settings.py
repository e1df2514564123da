"""For admins: the settings of the whole service, and the trail of who did what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from mynah import store
from mynah.server.accounts import Accounts
from mynah.server.identity import Caller, admin
from mynah.server.service_settings import ServiceSettings, read_settings
from mynah.store.people import audit_trail
from mynah.store.settings import set_service

Admin = Annotated[Caller, Depends(admin)]


def routes(accounts: Accounts) -> APIRouter:
    api = APIRouter(prefix="/api", tags=["settings"])

    @api.get("/settings")
    def settings(who: Admin) -> ServiceSettings:
        """What is set for everybody."""
        with accounts.db.reading() as tx:
            return read_settings(tx)

    @api.patch("/settings")
    def change(body: ServiceSettings, who: Admin) -> ServiceSettings:
        """Set those that are named; null takes one back to its default."""
        named = {name: getattr(body, name) for name in sorted(body.model_fields_set)}
        with accounts.db.writing() as tx:
            for name, value in named.items():
                set_service(tx, who.user, name, value)
                store.note(tx, who.user, "setting", name, {"value": value})
            return read_settings(tx)

    @api.get("/audit")
    def audit(
        who: Admin, limit: Annotated[int, Query(ge=1, le=500)] = 100, after: Annotated[int | None, Query(ge=1)] = None
    ) -> dict[str, Any]:
        """Who did what, newest first; `after` is a page's `next`. Ids and numbers, never words."""
        with accounts.db.reading() as tx:
            rows = audit_trail(tx, limit=limit + 1, before=after)
        items = [dict(row._mapping) | {"created_at": row.created_at.isoformat()} for row in rows[:limit]]
        return {"items": items, "next": items[-1]["number"] if len(rows) > limit else None}

    @api.get("/audit/check")
    def check(who: Admin) -> dict[str, Any]:
        """Whether the trail is whole: the number of the first row that was tampered with, or null."""
        with accounts.db.reading() as tx:
            return {"broken": store.broken_audit(tx)}

    return api
