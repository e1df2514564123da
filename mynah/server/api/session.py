"""Signing in and out: the cookie that a browser keeps, and who it says one is."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from mynah import store
from mynah.server.accounts import Accounts, Person
from mynah.server.identity import Caller
from mynah.server.requests import Body
from mynah.server.service_settings import read_settings
from mynah.store import access, invites

Secret = Annotated[str, Field(max_length=500)]


class SignIn(Body):
    """`POST /api/session`"""

    email: Annotated[str, Field(max_length=320)]
    password: Secret


def routes(accounts: Accounts) -> APIRouter:
    """All of them are open to everybody."""
    api = APIRouter(prefix="/api/session", tags=["session"])

    @api.get("")
    def who(request: Request) -> dict[str, Any]:
        """Who one is here; `user` is null for somebody who has not signed in."""
        return describe(accounts, accounts.identity.of(request))

    @api.post("")
    async def sign_in(body: SignIn, request: Request, response: Response) -> dict[str, Any]:
        """Sign in. 401 for a wrong address or password, 429 after too many attempts."""
        token = await accounts.sign_in(body.email.strip(), body.password, accounts.site.address(request))
        return await asyncio.to_thread(entered, accounts, token, response)

    @api.delete("")
    def sign_out(request: Request, response: Response) -> dict[str, Any]:
        """Sign out here. Open streams end within seconds."""
        caller = accounts.identity.of(request)
        if caller and caller.session:
            with accounts.db.writing() as tx:
                access.end_session(tx, caller.user, caller.session)
                store.note(tx, caller.user, "session.end", caller.session)
        response.delete_cookie(accounts.identity.cookie, secure=accounts.site.secure, httponly=True, samesite="strict")
        return describe(accounts, None if accounts.identity.accounts else caller)

    return api


def describe(accounts: Accounts, caller: Caller | None) -> dict[str, Any]:
    """What a page needs to know first."""
    with accounts.db.reading() as tx:
        row = store.find_user(tx, id=caller.user) if caller else None
        needs_admin = accounts.identity.accounts and not invites.has_admin(tx)
    user = vars(Person.of(row)) if row else None
    return {"user": user, "accounts": accounts.identity.accounts, "needs_first_admin": needs_admin}


def entered(accounts: Accounts, token: str, response: Response) -> dict[str, Any]:
    """Give the browser this token as a cookie, which no script reads and no other site sends; and say who that is."""
    with accounts.db.reading() as tx:
        found, lasts = access.find_session(tx, token), read_settings(tx).session
    response.set_cookie(
        accounts.identity.cookie,
        token,
        max_age=int(lasts.total_seconds()),
        httponly=True,
        secure=accounts.site.secure,
        samesite="strict",
    )
    return describe(accounts, Caller(found.user, found.role, session=found.id) if found else None)
