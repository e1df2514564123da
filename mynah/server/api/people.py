"""Who is here: invites, joining by one, roles, and disabling; for admins, but for joining."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, Field
from sqlalchemy import Connection, Row

from mynah import store
from mynah.server.accounts import NO_INVITE, Accounts, Person
from mynah.server.api.here import Id, found, missing
from mynah.server.api.session import Secret, entered
from mynah.server.errors import APIError
from mynah.server.identity import Caller, admin
from mynah.server.requests import Body
from mynah.server.service_settings import read_settings
from mynah.server.streams import Streams
from mynah.store import access, invites
from mynah.store.people import LOCAL, change_user, people
from mynah.store.schema import now

Admin = Annotated[Caller, Depends(admin)]
Role = Literal["admin", "labeller", "user"]


def _stripped(text: str) -> str:
    if not (text := text.strip()):
        raise ValueError("it is empty")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(_stripped)]
Email = Annotated[str, Field(max_length=320, pattern=r"^\s*[^@\s]+@[^@\s]+\s*$"), AfterValidator(_stripped)]


class Join(Body):
    """`POST /api/people`"""

    token: Secret
    name: Name
    email: Email
    password: Secret


class Invite(Body):
    """`POST /api/invites`"""

    role: Role = "user"
    note: Annotated[str, Field(max_length=500)] = ""
    days: Annotated[int, Field(ge=1, le=366)] | None = None


class Change(Body):
    """`PATCH /api/people/{id}`"""

    role: Role | None = None
    disabled: bool | None = None
    password: Secret | None = None
    """For somebody who forgot theirs; it signs them out everywhere."""


def routes(accounts: Accounts, streams: Streams) -> APIRouter:
    api = APIRouter(prefix="/api", tags=["people"])

    @api.get("/invites/{token}")
    def invite(token: str) -> dict[str, Any]:
        """What a link lets one be; open to everybody who has it."""
        with accounts.db.reading() as tx:
            found = invites.find_invite(tx, token)
        if found is None:
            raise NO_INVITE
        row, note = found
        return {"role": row.role, "note": note, "expires_at": row.expires_at.isoformat()}

    @api.post("/people")
    async def join(body: Join, response: Response) -> dict[str, Any]:
        """Make an account by a link, which is used up by it, and sign in."""
        token = await accounts.join(body.token, body.name, body.email, body.password)
        return await asyncio.to_thread(entered, accounts, token, response)

    @api.get("/people")
    def everybody(who: Admin) -> dict[str, Any]:
        """All accounts, oldest first; `local`: who sat at this machine, if the service ever ran without accounts."""
        with accounts.db.reading() as tx:
            return {"items": [_described(row) for row in people(tx)], "next": None, "local": store.find_local(tx)}

    @api.patch("/people/{id}")
    async def change(id: Id, body: Change, who: Admin) -> dict[str, Any]:
        """Give a role, disable or enable; it holds for their next request, and ends their streams if disabled."""
        row = await asyncio.to_thread(_find, accounts, id)
        if id == who.user and body.password is not None:
            message = "Change your own password with PATCH /api/me, which asks for the current one."
            raise APIError(409, message, param="password", code="own_password")
        if row.email is None and (body.role is not None or body.password is not None):
            message = "They come from another service and never sign in here: they have neither password nor role."
            raise APIError(409, message, param="password" if body.role is None else "role", code="outsider")
        hashed = None if body.password is None else await accounts.hash(row, body.password)

        def changed() -> Row[Any]:
            with accounts.db.writing() as tx:
                return _changed(tx, who, id, body, hashed)

        row = await asyncio.to_thread(changed)
        if body.disabled:
            streams.stop_of(id)
        return _described(row)

    _invites(api, accounts)
    return api


def _invites(api: APIRouter, accounts: Accounts) -> None:
    @api.get("/invites")
    def pending(who: Admin) -> dict[str, Any]:
        """Invites that nobody has used yet."""
        with accounts.db.reading() as tx:
            return {"items": [_pending(row, note) for row, note in invites.invites(tx)], "next": None}

    @api.post("/invites")
    def make(body: Invite, who: Admin, request: Request) -> dict[str, Any]:
        """A link that lets one person in; it is shown this once."""
        accounts.needed()
        with accounts.db.writing() as tx:
            lasts = timedelta(days=body.days or read_settings(tx).invite_days)
            id, token = invites.invite_person(tx, who.user, body.role, body.note, lasts)
        url = f"{accounts.site.home(request)}/join#{token}"
        told = {"id": id, "token": token, "url": url, "role": body.role, "note": body.note}
        return told | {"expires_at": (now() + lasts).isoformat()}

    @api.delete("/invites/{id}")
    def withdraw(id: Id, who: Admin) -> dict[str, Any]:
        """Let a link open nothing any more."""
        with found(), accounts.db.writing() as tx:
            invites.withdraw_invite(tx, who.user, id)
        return {"id": id, "deleted": True}


def _find(accounts: Accounts, id: str) -> Row[Any]:
    with accounts.db.reading() as tx:
        row = store.find_user(tx, id=id)
    if row is None or row.role == "service" or row.email == LOCAL:
        raise missing()
    return row


def _changed(tx: Connection, who: Caller, id: str, body: Change, hashed: str | None) -> Row[Any]:
    invites.alone(tx)  # two admins at once must not each take the other for the one that stays
    row = store.find_user(tx, id=id)
    if row is None:  # left a moment ago
        raise missing()
    leaves = (body.role not in (None, "admin")) or body.disabled
    if row.role == "admin" and leaves and not invites.admins(tx, but=id):
        raise APIError(409, "This is the only admin; make somebody else one first.", code="last_admin")
    if body.role and body.role != row.role:
        change_user(tx, id, role=body.role)
        store.note(tx, who.user, "person.role", id, {"from": row.role, "to": body.role})
    if body.disabled is not None and body.disabled != bool(row.disabled_at):
        change_user(tx, id, disabled_at=now() if body.disabled else None)
        access.end_sessions(tx, id)
        store.note(tx, who.user, "person.disable" if body.disabled else "person.enable", id)
    if hashed:
        change_user(tx, id, password_hash=hashed)
        access.end_sessions(tx, id)
        store.note(tx, who.user, "person.password", id)
    changed = store.find_user(tx, id=id)
    assert changed
    return changed


def _described(row: Row[Any]) -> dict[str, Any]:
    made = {"disabled": bool(row.disabled_at), "created_at": row.created_at.isoformat()}
    return vars(Person.of(row)) | made


def _pending(row: Row[Any], note: str) -> dict[str, Any]:
    made: tuple[datetime, datetime] = (row.created_at, row.expires_at)
    said = {"id": row.id, "role": row.role, "note": note, "invited_by": row.invited_by}
    return said | {"created_at": made[0].isoformat(), "expires_at": made[1].isoformat()}
