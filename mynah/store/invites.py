"""Links that let new people in, each once: an admin's invites, and the link that makes the first admin."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, text, update

from mynah.store import content
from mynah.store.access import hashed
from mynah.store.people import AUDIT_LOCK, add_user, note
from mynah.store.schema import invite, new_id, now, user

FIRST_LASTS = timedelta(days=1)


def has_admin(tx: Connection) -> bool:
    """Whether there is an admin who can sign in."""
    return admins(tx) > 0


def admins(tx: Connection, *, but: str = "") -> int:
    """How many can sign in as admins, one person left out."""
    able = (user.c.role == "admin", user.c.password_hash.is_not(None), user.c.disabled_at.is_(None))
    return tx.scalar(select(func.count()).where(*able, user.c.id != but).select_from(user)) or 0


def invite_person(tx: Connection, by: str, role: str, note_: str, lasts: timedelta) -> tuple[str, str]:
    """An invite: its id, and the token for the link, which nobody can read again."""
    id, token = new_id(), secrets.token_urlsafe(32)
    row = {"id": id, "invited_by": by, "token_hash": hashed(token), "role": role, "expires_at": now() + lasts}
    tx.execute(invite.insert(), row | {"note": content.write_optional(tx, by, note_)})
    note(tx, by, "invite.make", id, {"role": role})
    return id, token


def invite_first_admin(tx: Connection) -> str | None:
    """The token of a link that makes the first admin, in place of any such link before; None if there is one."""
    alone(tx)
    if has_admin(tx):
        return None
    token = secrets.token_urlsafe(32)
    tx.execute(update(invite).where(invite.c.invited_by.is_(None), _open()).values(expires_at=now()))
    row = {"token_hash": hashed(token), "role": "admin", "expires_at": now() + FIRST_LASTS}
    tx.execute(invite.insert(), row)
    return token


def find_invite(tx: Connection, token: str) -> tuple[Row[Any], str] | None:
    """An invite that still opens, and its note; None alike if it was used, is over, or never was."""
    row = tx.execute(select(invite).where(invite.c.token_hash == hashed(token), _open())).first()
    if row is None or (row.invited_by is None and has_admin(tx)):
        return None
    return row, content.read(tx, [row.note]).get(row.note, "")


def accept_invite(tx: Connection, token: str, name: str, email: str, password_hash: str) -> str:
    """The id of the new person. LookupError if the invite opens no more; IntegrityError if the address is taken.

    However many try at the same moment, one gets in.
    """
    alone(tx)
    found = find_invite(tx, token)
    if found is None:
        raise LookupError("no such invite")
    id = add_user(tx, found[0].role, name, email, password_hash)
    tx.execute(update(invite).where(invite.c.id == found[0].id).values(used_by=id, used_at=now()))
    note(tx, id, "person.join", id, {"role": found[0].role, "invite": found[0].id})
    return id


def invites(tx: Connection) -> Sequence[tuple[Row[Any], str]]:
    """Those that still open, newest first, each with its note."""
    wanted = select(invite).where(_open(), invite.c.invited_by.is_not(None)).order_by(invite.c.id.desc())
    rows = tx.execute(wanted).all()
    notes = content.read(tx, (row.note for row in rows))
    return [(row, notes.get(row.note, "")) for row in rows]


def withdraw_invite(tx: Connection, by: str, id: str) -> None:
    """Let it open no more. LookupError if it does not anyway."""
    ours = update(invite).where(invite.c.id == id, invite.c.invited_by.is_not(None), _open())
    if not tx.execute(ours.values(expires_at=now())).rowcount:
        raise LookupError(f"no invite {id}")
    note(tx, by, "invite.withdraw", id)


def alone(tx: Connection) -> None:
    """Wait for others who decide by how many admins there are. On SQLite every writing transaction is alone."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": AUDIT_LOCK})


def _open() -> Any:
    return (invite.c.used_at.is_(None)) & (invite.c.expires_at > now())
