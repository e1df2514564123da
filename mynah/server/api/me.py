"""What a person decides about themselves: account, sessions, consent, preferences, taking their data along, leaving."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlalchemy import Row

from mynah import store
from mynah.server.accounts import Accounts, Person
from mynah.server.api.here import Id, found
from mynah.server.api.people import Email, Name
from mynah.server.api.session import Secret
from mynah.server.errors import APIError
from mynah.server.identity import Caller, caller
from mynah.server.requests import Body, Number
from mynah.server.streams import Streams
from mynah.server.upkeep import Upkeep
from mynah.store import access, invites
from mynah.store.people import consent_given, people
from mynah.store.settings import set_user, user_settings

TRAINING = "training"
"""What one may agree to: that what one says and judges becomes training data."""
Me = Annotated[Caller, Depends(caller)]


class Change(Body):
    """`PATCH /api/me`; a new address or password needs the current password."""

    name: Name | None = None
    email: Email | None = None
    password: Secret | None = None
    current_password: Secret = ""


class Leave(Body):
    """`DELETE /api/me`"""

    password: Secret = ""


class Consent(Body):
    """`PUT /api/me/consent`"""

    training: bool


class Params(Body):
    """How answers are drawn, if a conversation does not say."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=2**31)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None


class Preferences(Body):
    """`GET`, `PUT /api/me/settings`: how the page is for this person."""

    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$")] | None = None
    theme: Literal["system", "light", "dark"] | None = None
    model: Annotated[str, Field(max_length=200)] | None = None
    params: Params = Params()
    system: Annotated[str, Field(max_length=20_000)] = ""
    """Their own system prompt."""


def routes(accounts: Accounts, streams: Streams, upkeep: Upkeep) -> APIRouter:
    api = APIRouter(prefix="/api/me", tags=["me"])
    _account(api, accounts, streams, upkeep)
    _sessions(api, accounts)
    _wishes(api, accounts)
    return api


def _account(api: APIRouter, accounts: Accounts, streams: Streams, upkeep: Upkeep) -> None:
    @api.patch("")
    async def change(body: Change, request: Request, me: Me) -> dict[str, Any]:
        """Change name, address or password. A new password signs out everywhere else."""
        if body.email is not None or body.password is not None:
            accounts.needed()
            await accounts.confirm(me, body.current_password, accounts.site.address(request))
        await accounts.change(me, body.name, body.email, body.password)
        return vars(Person.of(await asyncio.to_thread(accounts.person, me.user)))

    @api.delete("")
    async def leave(body: Leave, request: Request, response: Response, me: Me) -> dict[str, Any]:
        """Leave for good: every word of theirs goes; rankings and counts stay, by nobody."""
        if accounts.identity.accounts:
            await accounts.confirm(me, body.password, accounts.site.address(request))
        await asyncio.to_thread(_check_leaves, accounts, me)
        await streams.end_of(me.user)
        await upkeep.erase(me.user)
        response.delete_cookie(accounts.identity.cookie, secure=accounts.site.secure, httponly=True, samesite="strict")
        return {"id": me.user, "deleted": True}

    @api.get("/export")
    def export(me: Me) -> Response:
        """All that the service has about this person, as one JSON file."""
        with accounts.db.reading() as tx:
            theirs = json.dumps(store.belongings(tx, me.user), ensure_ascii=False, indent=1)
        with accounts.db.writing() as tx:
            store.note(tx, me.user, "person.export", me.user)
        headers = {"Content-Disposition": 'attachment; filename="mynah-export.json"'}
        return Response(theirs, headers=headers, media_type="application/json")


def _sessions(api: APIRouter, accounts: Accounts) -> None:
    @api.get("/sessions")
    def sessions(me: Me) -> dict[str, Any]:
        """Where one is signed in."""
        with accounts.db.reading() as tx:
            rows = access.sessions(tx, me.user)
        return {"items": [_session(row, me) for row in rows], "next": None}

    @api.delete("/sessions/{id}")
    def end(id: Id, me: Me) -> dict[str, Any]:
        """Sign out there."""
        with found(), accounts.db.writing() as tx:
            access.end_session(tx, me.user, id)
            store.note(tx, me.user, "session.end", id)
        return {"id": id, "deleted": True}

    @api.delete("/sessions")
    def end_others(me: Me) -> dict[str, Any]:
        """Sign out everywhere but here."""
        with accounts.db.writing() as tx:
            access.end_sessions(tx, me.user, but=me.session)
            store.note(tx, me.user, "session.end_others", me.user)
        return {"deleted": True}


def _wishes(api: APIRouter, accounts: Accounts) -> None:
    @api.get("/consent")
    def consent(me: Me) -> dict[str, Any]:
        """Whether they agreed to training with what they say; null if they were never asked, which is no."""
        with accounts.db.reading() as tx:
            return {"training": consent_given(tx, me.user, TRAINING)}

    @api.put("/consent")
    def answer(body: Consent, me: Me) -> dict[str, Any]:
        """Agree, or no longer."""
        with accounts.db.writing() as tx:
            store.set_consent(tx, me.user, TRAINING, body.training)
            store.note(tx, me.user, "consent", me.user, {TRAINING: body.training})
        return {"training": body.training}

    @api.get("/settings")
    def preferences(me: Me) -> Preferences:
        """How the page is for them."""
        with accounts.db.reading() as tx:
            kept = user_settings(tx, me.user)
        return Preferences.model_validate({name: v for name, v in kept.items() if name in Preferences.model_fields})

    @api.put("/settings")
    def prefer(body: Preferences, me: Me) -> Preferences:
        """Replace them all."""
        values = body.model_dump(exclude={"system"}, exclude_none=True)
        with accounts.db.writing() as tx:
            set_user(tx, me.user, values, {"system": body.system} if body.system else {})
        return body


def _check_leaves(accounts: Accounts, me: Caller) -> None:
    """APIError if others would be left without an admin."""
    with accounts.db.reading() as tx:
        others = [row for row in people(tx) if row.id != me.user]
        if me.role == "admin" and accounts.identity.accounts and others and not invites.admins(tx, but=me.user):
            raise APIError(409, "You are the only admin; make somebody else one first.", code="last_admin")


def _session(row: Row[Any], me: Caller) -> dict[str, Any]:
    seen = row.seen_at.isoformat() if row.seen_at else None
    times = {"created_at": row.created_at.isoformat(), "seen_at": seen, "expires_at": row.expires_at.isoformat()}
    return {"id": row.id, **times, "current": row.id == me.session}
