"""What lets a person in: sessions of browsers, API keys of programs, invites. Of each secret only its hash is kept.

The secrets are 256 random bits, so a plain SHA-256 of one cannot be tested against guesses.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, select, update

from mynah.store import content
from mynah.store.people import find_user
from mynah.store.schema import api_key, new_id, now, session, user

KEY_PREFIX = "mk-"
SEEN_EVERY = timedelta(minutes=5)
"""How exactly it is known when a session was used last."""

_ALIVE = (user.c.disabled_at.is_(None), user.c.erased_at.is_(None))
_SESSION_HOLDS = and_(session.c.revoked_at.is_(None), session.c.epoch == user.c.session_epoch, *_ALIVE)
_KEY_HOLDS = and_(api_key.c.revoked_at.is_(None), *_ALIVE)


def begin_session(tx: Connection, person: str, lasts: timedelta) -> tuple[str, str]:
    """A session that just logged in: its id, and the token for the browser."""
    row = find_user(tx, id=person)
    if row is None:
        raise LookupError(f"no person {person}")
    id, token = new_id(), secrets.token_urlsafe(32)
    values = {"id": id, "user": person, "token_hash": hashed(token), "epoch": row.session_epoch, "seen_at": now()}
    tx.execute(session.insert(), values | {"expires_at": now() + lasts})
    return id, token


def find_session(tx: Connection, token: str) -> Row[Any] | None:
    """The row of the session with this token, and its person's `role`; None if it ended in whatever way."""
    wanted = select(session, user.c.role).join(user, user.c.id == session.c.user)
    held = (session.c.token_hash == hashed(token), session.c.expires_at > now(), _SESSION_HOLDS)
    return tx.execute(wanted.where(*held)).first()


def see_session(tx: Connection, id: str) -> None:
    """Note that it was used just now."""
    tx.execute(update(session).where(session.c.id == id).values(seen_at=now()))


def sessions(tx: Connection, person: str) -> Sequence[Row[Any]]:
    """A person's sessions that hold, newest first."""
    held = (session.c.user == person, session.c.expires_at > now(), _SESSION_HOLDS)
    wanted = select(session).join(user, user.c.id == session.c.user).where(*held)
    return tx.execute(wanted.order_by(session.c.id.desc())).all()


def end_session(tx: Connection, person: str, id: str) -> None:
    """Log one session out. LookupError if it is not this person's, or over."""
    ended = update(session).where(session.c.id == id, session.c.user == person, session.c.revoked_at.is_(None))
    if not tx.execute(ended.values(revoked_at=now())).rowcount:
        raise LookupError(f"no session {id}")


def end_sessions(tx: Connection, person: str, *, but: str | None = None) -> None:
    """Log a person out everywhere, `but` in one session."""
    tx.execute(update(user).where(user.c.id == person).values(session_epoch=user.c.session_epoch + 1))
    if but:
        epoch = select(user.c.session_epoch).where(user.c.id == person).scalar_subquery()
        tx.execute(update(session).where(session.c.id == but, session.c.user == person).values(epoch=epoch))


def add_key(tx: Connection, person: str, name: str, scopes: Sequence[str], **limits: Any) -> tuple[str, str]:
    """An API key: its id, and the secret, which nobody can read again.

    `limits` are requests_per_minute, tokens_per_minute, monthly_budget and expires_at; what is left out has none.
    """
    id, secret = new_id(), KEY_PREFIX + secrets.token_urlsafe(32)
    row = {"id": id, "user": person, "name": content.write_optional(tx, person, name), "key_hash": hashed(secret)}
    tx.execute(api_key.insert(), row | {"scopes": sorted(scopes)} | limits)
    return id, secret


def find_key(tx: Connection, secret: str) -> Row[Any] | None:
    """The key's row with its owner's `role`; None if it was revoked, is over, or never was."""
    known = select(api_key, user.c.role).join(user, user.c.id == api_key.c.user)
    return tx.execute(known.where(api_key.c.key_hash == hashed(secret), _key_lasts(), _KEY_HOLDS)).first()


def key_limits(tx: Connection, id: str) -> Row[Any] | None:
    """The row of a key that holds."""
    known = select(api_key).join(user, user.c.id == api_key.c.user)
    return tx.execute(known.where(api_key.c.id == id, _key_lasts(), _KEY_HOLDS)).first()


def keys(tx: Connection, person: str) -> Sequence[tuple[Row[Any], str]]:
    """A person's keys that hold, newest first, each with its name."""
    held = (api_key.c.user == person, _key_lasts(), _KEY_HOLDS)
    wanted = select(api_key).join(user, user.c.id == api_key.c.user).where(*held).order_by(api_key.c.id.desc())
    rows = tx.execute(wanted).all()
    names = content.read(tx, (row.name for row in rows))
    return [(row, names.get(row.name, "")) for row in rows]


def revoke_key(tx: Connection, person: str, id: str) -> None:
    """LookupError if it is not this person's, or was revoked before."""
    mine = update(api_key).where(api_key.c.id == id, api_key.c.user == person, api_key.c.revoked_at.is_(None))
    if not tx.execute(mine.values(revoked_at=now())).rowcount:
        raise LookupError(f"no key {id}")


def still_in(
    tx: Connection, people: Sequence[str], session_ids: Sequence[str], key_ids: Sequence[str]
) -> tuple[set[str], set[str], set[str]]:
    """Of these people, sessions and keys those that may still act: what open streams are checked against."""
    held = select(session.c.id).join(user, user.c.id == session.c.user).where(session.c.expires_at > now())
    valid = select(api_key.c.id).join(user, user.c.id == api_key.c.user).where(_key_lasts())
    return (
        set(tx.scalars(select(user.c.id).where(user.c.id.in_(people), *_ALIVE))),
        set(tx.scalars(held.where(session.c.id.in_(session_ids), _SESSION_HOLDS))),
        set(tx.scalars(valid.where(api_key.c.id.in_(key_ids), _KEY_HOLDS))),
    )


def forget_old_sessions(tx: Connection) -> None:
    """Sessions that ended by themselves tell when somebody was here; they go a day later."""
    tx.execute(delete(session).where(session.c.expires_at < now() - timedelta(days=1)))


def _key_lasts() -> Any:
    return (api_key.c.expires_at.is_(None)) | (api_key.c.expires_at > now())


def hashed(secret: str) -> str:
    """What is kept of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
