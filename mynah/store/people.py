"""Accounts as the store knows them: who there is, what they consent to, the trail of who did what."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, text, update

from mynah.store.once import insert_once
from mynah.store.schema import SERVICE, audit, consent, conversation, message, new_id, now, ranking, reaction, user

AUDIT_LOCK = 0x6175646974  # "audit"
LOCAL = "this machine"  # in the place of an e-mail address, which it is not: nobody can sign in with it


def add_user(tx: Connection, role: str = "user", name: str = "", email: str = "", password_hash: str = "") -> str:
    """A new account; IntegrityError if the e-mail address has one."""
    id = new_id()
    row = {"name": name or None, "email": email.lower() or None, "password_hash": password_hash or None}
    tx.execute(user.insert(), {"id": id, "role": role, "salt": os.urandom(32), **row})
    return id


def service_account(tx: Connection) -> str:
    """The owner of words that stay whoever leaves: guidelines, rules."""
    insert_once(tx, user, {"id": SERVICE, "role": "service", "salt": os.urandom(32)}, "id")
    return SERVICE


def local_person(tx: Connection) -> str:
    """The id of whoever sits at this machine, an admin: the one person of a service without accounts."""
    row = {"id": new_id(), "role": "admin", "name": "This machine", "email": LOCAL, "salt": os.urandom(32)}
    insert_once(tx, user, row, "email")
    return tx.execute(select(user.c.id).where(user.c.email == LOCAL)).scalar_one()


def find_local(tx: Connection) -> str | None:
    """The id of the local person, if it was needed before."""
    return tx.scalar(select(user.c.id).where(user.c.email == LOCAL))


def find_user(tx: Connection, *, id: str = "", email: str = "") -> Row[Any] | None:
    """The row of an account that was not erased, by id or by e-mail address."""
    known = user.c.id == id if id else user.c.email == email.lower()
    return tx.execute(select(user).where(known, user.c.erased_at.is_(None))).first()


def people(tx: Connection) -> Sequence[Row[Any]]:
    """The accounts that somebody can have: not erased, not the service's own, not the local person's; oldest first.

    People of other services, who have no address here, are among them.
    """
    not_local = or_(user.c.email.is_(None), user.c.email != LOCAL)
    theirs = (user.c.erased_at.is_(None), user.c.role != "service", not_local)
    return tx.execute(select(user).where(*theirs).order_by(user.c.id)).all()


def change_user(tx: Connection, person: str, **changes: Any) -> None:
    """Change name, email, password_hash, role or disabled_at of an account. IntegrityError if the address is taken."""
    if changes.get("email"):
        changes["email"] = changes["email"].lower()
    tx.execute(update(user).where(user.c.id == person, user.c.erased_at.is_(None)).values(changes))


def set_consent(tx: Connection, person: str, purpose: str, given: bool) -> None:
    """What `person` agrees to from now on; earlier answers stay on record."""
    tx.execute(consent.insert(), {"user": person, "purpose": purpose, "given": given})


def consents(tx: Connection, person: str, purpose: str) -> bool:
    """Whether `person` agrees now. Who was never asked does not."""
    return bool(consent_given(tx, person, purpose))


def consent_given(tx: Connection, person: str, purpose: str) -> bool | None:
    """The newest answer; None for who was never asked."""
    newest = select(consent.c.given).where(consent.c.user == person, consent.c.purpose == purpose)
    return tx.execute(newest.order_by(consent.c.created_at.desc(), consent.c.id.desc()).limit(1)).scalar()


def note(tx: Connection, actor: str | None, action: str, target: str, details: Mapping[str, Any] | None = None) -> None:
    """Add to the audit trail. `details` hold ids, names of settings and numbers: nothing that a person wrote."""
    if tx.dialect.name == "postgresql":  # two writers at once would both continue the same row
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": AUDIT_LOCK})
    last = tx.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    number, before = (last.number + 1, last.hash) if last else (1, "")
    row = {"number": number, "actor": actor, "action": action, "target": target, "details": dict(details or {})}
    row["created_at"] = now()
    tx.execute(audit.insert(), row | {"hash": _chained(before, row)})


def audit_trail(tx: Connection, *, limit: int = 100, before: int | None = None) -> Sequence[Row[Any]]:
    """The newest rows of the trail, newest first; `before` the number of the last one of the page before."""
    wanted = select(audit).order_by(audit.c.number.desc()).limit(limit)
    return tx.execute(wanted.where(audit.c.number < before) if before is not None else wanted).all()


def broken_audit(tx: Connection) -> int | None:
    """The number of the first row that does not continue the one before; None if the trail is whole.

    Rows cut off at the end leave a whole trail: compare the last hash with one that was kept elsewhere.
    """
    before, expected = "", 1
    for row in tx.execute(select(audit).order_by(audit.c.number)).mappings():
        if row["number"] != expected or row["hash"] != _chained(before, row):
            return expected
        before, expected = row["hash"], expected + 1
    return None


def counts(tx: Connection, person: str) -> dict[str, int]:
    """How much a person said and judged; the figures outlive their erasure."""
    columns = (
        ("conversations", conversation.c.owner),
        ("messages", message.c.author),
        ("rankings", ranking.c.author),
        ("reactions", reaction.c.author),
    )
    return {name: tx.scalar(select(func.count()).where(column == person)) or 0 for name, column in columns}


def _chained(before: str, row: Mapping[Any, Any]) -> str:
    said = [row["number"], row["actor"], row["action"], row["target"], row["details"], row["created_at"].isoformat()]
    return hashlib.sha256(f"{before}\n{json.dumps(said, sort_keys=True)}".encode()).hexdigest()
