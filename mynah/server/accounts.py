"""Signing in, joining, and what a person changes about themselves. Each act is one transaction with its audit line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from mynah import store
from mynah.server.errors import APIError
from mynah.server.identity import Caller, Identity
from mynah.server.passwords import Passwords, check_password
from mynah.server.security import Site
from mynah.server.service_settings import read_settings
from mynah.server.throttle import Throttle
from mynah.store import access, invites
from mynah.store.database import Database
from mynah.store.people import LOCAL, change_user

NO_INVITE = APIError(404, "This link opens nothing: it was used, is too old, or never was.", code="invite_not_found")


@dataclass(frozen=True)
class Person:
    """An account as its own person and admins see it."""

    id: str
    name: str
    email: str
    role: str

    @classmethod
    def of(cls, row: Row[Any]) -> Person:
        return cls(row.id, row.name or "", "" if row.email in (None, LOCAL) else row.email, row.role)


class Accounts:
    """What the routes about people need."""

    def __init__(self, db: Database, identity: Identity, site: Site, passwords: Passwords) -> None:
        self.db, self.identity, self.site = db, identity, site
        self._passwords, self._throttle = passwords, Throttle(db)

    def needed(self) -> None:
        """APIError for what makes no sense without accounts."""
        if not self.identity.accounts:
            message = "This service has no accounts (--no-accounts): whoever is at this machine may do everything."
            raise APIError(409, message, code="no_accounts")

    async def sign_in(self, email: str, password: str, address: str) -> str:
        """A new session's token. APIError 401 alike for a wrong password, an unknown address and a disabled account."""
        self.needed()
        await asyncio.to_thread(self._throttle.count, email, address)
        row = await asyncio.to_thread(self._by_email, email)
        hashed = row.password_hash if row and not row.disabled_at else None
        if not await self._passwords.verify(hashed, password) or row is None:
            raise APIError(401, "E-mail address or password is wrong.", code="wrong_credentials")
        again = await self._passwords.hash(password) if self._passwords.outdated(str(hashed)) else ""
        return await asyncio.to_thread(self._begin, row.id, again, email, address)

    async def join(self, token: str, name: str, email: str, password: str) -> str:
        """Make an account by an invite, or by the link for the first admin; its first session's token."""
        self.needed()
        await asyncio.to_thread(self._check_invite, token)  # before the work of hashing
        check_password(password, name, email)
        hashed = await self._passwords.hash(password)
        return await asyncio.to_thread(self._join, token, name, email, hashed)

    async def change(self, who: Caller, name: str | None, email: str | None, password: str | None) -> None:
        """Change what is not None; a new password logs out everywhere else. Confirm the old one before."""
        row = await asyncio.to_thread(self.person, who.user)
        changes: dict[str, Any] = {}
        if name is not None:
            changes["name"] = name
        if email is not None:
            changes["email"] = email
        if password is not None:
            check_password(password, name or row.name or "", email or row.email or "")
            changes["password_hash"] = await self._passwords.hash(password)
        await asyncio.to_thread(self._change, who, changes)

    async def hash(self, row: Row[Any], password: str) -> str:
        """The hash of somebody's new password, if it is good enough."""
        check_password(password, row.name or "", row.email or "")
        return await self._passwords.hash(password)

    async def confirm(self, who: Caller, password: str, address: str) -> None:
        """APIError 403 unless it is the caller's password; tries are counted as when signing in."""
        row = await asyncio.to_thread(self.person, who.user)
        await asyncio.to_thread(self._throttle.count, row.email, address)
        if not await self._passwords.verify(row.password_hash, password):
            raise APIError(403, "The password is wrong.", param="current_password", code="wrong_password")
        await asyncio.to_thread(self._throttle.forgive, row.email, address)

    def person(self, id: str) -> Row[Any]:
        with self.db.reading() as tx:
            row = store.find_user(tx, id=id)
        if row is None:
            raise APIError(401, "This account is no more.", code="not_signed_in")
        return row

    def _by_email(self, email: str) -> Row[Any] | None:
        with self.db.reading() as tx:
            return store.find_user(tx, email=email)

    def _check_invite(self, token: str) -> None:
        with self.db.reading() as tx:
            if invites.find_invite(tx, token) is None:
                raise NO_INVITE

    def _join(self, token: str, name: str, email: str, hashed: str) -> str:
        try:
            with self.db.writing() as tx:
                person = invites.accept_invite(tx, token, name, email, hashed)
                return access.begin_session(tx, person, read_settings(tx).session)[1]
        except LookupError:
            raise NO_INVITE from None
        except IntegrityError:
            raise _taken() from None

    def _begin(self, person: str, again: str, email: str, address: str) -> str:
        """`again` is the password's hash with today's parameters."""
        with self.db.writing() as tx:
            if again:
                change_user(tx, person, password_hash=again)
            session, token = access.begin_session(tx, person, read_settings(tx).session)
            store.note(tx, person, "session.begin", session)
            self._throttle.forgive_in(tx, email, address)
        return token

    def _change(self, who: Caller, changes: dict[str, Any]) -> None:
        try:
            with self.db.writing() as tx:
                if changes:
                    change_user(tx, who.user, **changes)
                if "password_hash" in changes:
                    access.end_sessions(tx, who.user, but=who.session)
                store.note(tx, who.user, "person.change", who.user, {"fields": sorted(changes)})
        except IntegrityError:
            raise _taken() from None


def _taken() -> APIError:
    return APIError(409, "There is an account with this e-mail address.", param="email", code="email_taken")
