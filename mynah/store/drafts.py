"""What a person has typed and not sent: one text for each place, replaced as they type."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from mynah.store import content
from mynah.store.schema import draft, new_id, now


def keep_draft(tx: Connection, person: str, place: str, text: str) -> None:
    """Replace the draft for a place, the id of a conversation say; an empty text is no draft."""
    if not text:
        forget_draft(tx, person, place)
        return
    d = draft.c
    mine = (d.user == person, d.place == place)
    known = tx.scalar(select(d.content).where(*mine).with_for_update())
    if known:
        content.rewrite(tx, known, text)
        tx.execute(update(draft).where(*mine).values(updated_at=now()))
    else:
        written = content.write(tx, person, text, sealed=False)
        tx.execute(
            draft.insert(), {"id": new_id(), "user": person, "place": place, "content": written, "updated_at": now()}
        )


def read_draft(tx: Connection, person: str, place: str) -> str:
    """The draft for a place; empty if there is none."""
    known = tx.scalar(select(draft.c.content).where(draft.c.user == person, draft.c.place == place))
    return content.read(tx, [known]).get(known, "")


def forget_draft(tx: Connection, person: str, place: str) -> None:
    mine = (draft.c.user == person, draft.c.place == place)
    words = tx.scalars(select(draft.c.content).where(*mine)).all()
    tx.execute(delete(draft).where(*mine))
    content.forget(tx, words)
