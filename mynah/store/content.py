"""Words: written under their owner's key, read back, and forgotten.

The key is HMAC-SHA256 of the text under its owner's salt. It tells whether two texts of one person are the same, and
that a text was not changed; once the salt is gone nobody can test a guess against it. Equal texts are still separate
rows, so that forgetting one never takes another.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select, update

from mynah.store.schema import content, new_id, now, user

BATCH = 500  # ids in one statement


def write(tx: Connection, owner: str, text: str, *, subject: str = "", sealed: bool = True) -> str:
    """Keep `text` and return its id. `subject` is whose conversation it is about, if not the owner's own."""
    id, text = new_id(), _plain(text)
    about = subject if subject and subject != owner else None
    hashed = key(tx, owner, text)
    row = {
        "id": id,
        "owner": owner,
        "subject": about,
        "key": hashed if sealed else None,
        "body": text,
        "sealed": sealed,
    }
    tx.execute(content.insert(), row)
    return id


def write_optional(tx: Connection, owner: str, text: str, *, subject: str = "") -> str | None:
    """As `write`; an empty text has no row."""
    return write(tx, owner, text, subject=subject) if text else None


def rewrite(tx: Connection, id: str, text: str) -> None:
    """Replace a text that is still being written."""
    tx.execute(update(content).where(content.c.id == id).values(body=_plain(text)))


def seal(tx: Connection, id: str, text: str) -> None:
    """The final text of what was being written; from here on it only can be erased."""
    owner = tx.execute(select(content.c.owner).where(content.c.id == id)).scalar_one()
    text = _plain(text)
    tx.execute(update(content).where(content.c.id == id).values(body=text, key=key(tx, owner, text), sealed=True))


def read(tx: Connection, ids: Iterable[str | None]) -> dict[str | None, str]:
    """Text by id. What was erased is absent: `texts.get(id, "")`."""
    texts: dict[str | None, str] = {}
    for batch in batches(sorted({id for id in ids if id})):
        wanted = select(content.c.id, content.c.body).where(content.c.id.in_(batch), content.c.erased_at.is_(None))
        texts.update(tuple(row) for row in tx.execute(wanted))
    return texts


def forget(tx: Connection, ids: Iterable[str | None]) -> None:
    """Erase these texts; the rows that speak of them stay."""
    for batch in batches(sorted({id for id in ids if id})):
        erase = update(content).where(content.c.id.in_(batch), content.c.erased_at.is_(None))
        tx.execute(erase.values(body=None, key=None, sealed=True, erased_at=now()))


def key(tx: Connection, owner: str, text: str) -> str:
    """HMAC-SHA256 of `text` under the owner's salt. ValueError after the owner's erasure: there is no salt any more."""
    salt = tx.execute(select(user.c.salt).where(user.c.id == owner)).scalar_one()
    if salt is None:
        raise ValueError(f"user {owner} was erased; nothing more can be written in that name")
    return hmac.digest(salt, _plain(text).encode(), "sha256").hex()


def batches(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """As many at a time as one statement should name."""
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _plain(text: str) -> str:
    """NUL and lone surrogates become U+FFFD: PostgreSQL keeps neither, UTF-8 has no form for the latter."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
