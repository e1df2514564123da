"""A person leaves: every word of theirs goes, from tables, search and files; what they judged still counts.

Also the opposite: all that a person is entitled to take along.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, or_, select, update

from mynah.store import content, search_index
from mynah.store.conversations import delete_conversation, messages
from mynah.store.database import Database
from mynah.store.schema import (
    api_key,
    conversation,
    draft,
    message,
    metadata,
    now,
    outside_person,
    outside_thread,
    prompt,
    session,
    share,
    stream,
    user,
    user_setting,
)
from mynah.store.schema import content as contents

SECRETS = {"salt", "password_hash", "token_hash", "key_hash"}


def erase_person(tx: Connection, person: str) -> None:
    """Blank all that `person` wrote or was told, and all that quotes it; end what lets them in; destroy the salt.

    The row of the account stays with nothing in it, so that rankings and counts have somebody to point to. Call `scrub`
    once the transaction is over.
    """
    own = select(conversation.c.id).where(conversation.c.owner == person)
    search_index.remove(tx, tx.scalars(select(message.c.id).where(message.c.conversation.in_(own))).all())
    tx.execute(delete(stream).where(stream.c.prompt.in_(select(prompt.c.id).where(prompt.c.owner == person))))
    outside = select(outside_person.c.id).where(outside_person.c.user == person)
    tx.execute(delete(outside_thread).where(outside_thread.c.outside_person.in_(outside)))
    for table in (draft, user_setting, session, outside_person):
        tx.execute(delete(table).where(table.c.user == person))
    theirs = or_(contents.c.owner == person, contents.c.subject == person)
    content.forget(tx, tx.scalars(select(contents.c.id).where(theirs)).all())
    at = now()
    tx.execute(update(conversation).where(conversation.c.owner == person).values(title=None, deleted_at=at))
    tx.execute(update(api_key).where(api_key.c.user == person).values(revoked_at=at))
    tx.execute(update(share).where(share.c.shared_by == person).values(revoked_at=at))
    nobody = {"name": None, "email": None, "password_hash": None, "salt": None, "disabled_at": at, "erased_at": at}
    tx.execute(update(user).where(user.c.id == person).values(nobody | {"session_epoch": user.c.session_epoch + 1}))


@dataclass(frozen=True)
class Gone:
    """What was erased, by id: what a backup from before must be told when it is restored."""

    people: Sequence[str] = ()
    conversations: Sequence[str] = ()
    texts: Sequence[str] = ()


def erased(tx: Connection) -> Gone:
    """All that was erased up to now."""
    return Gone(
        tx.scalars(select(user.c.id).where(user.c.erased_at.is_not(None))).all(),
        tx.scalars(select(conversation.c.id).where(conversation.c.deleted_at.is_not(None))).all(),
        tx.scalars(select(contents.c.id).where(contents.c.erased_at.is_not(None))).all(),
    )


def erase_again(tx: Connection, gone: Gone) -> None:
    """Erase in a restored backup what was erased since it was made."""
    for person in gone.people:
        erase_person(tx, person)
    back = set(tx.scalars(select(conversation.c.id).where(conversation.c.deleted_at.is_(None))))
    for id in back.intersection(gone.conversations):
        owner = tx.execute(select(conversation.c.owner).where(conversation.c.id == id)).scalar_one()
        delete_conversation(tx, owner, id)
    content.forget(tx, gone.texts)


def scrub(db: Database) -> bool:
    """Clear the last traces of erased words from the files: what deleting leaves in index, pages and log.

    It rewrites index and tables, so it takes as long as they are large (docs/store.md has figures), and writers wait.
    False if somebody's long reading kept the log from being emptied: then call it again later.
    """
    if not db.file:
        db.run_alone(
            'VACUUM FULL content, search_text, draft, stream, user_setting, outside_person, outside_thread, "user"'
        )
        return True
    optimise = "INSERT INTO search_index (search_index) VALUES ('optimize')"
    return db.run_alone(optimise, "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")[0] == 0


def belongings(tx: Connection, person: str) -> dict[str, Any]:
    """All that the store has about `person`, as plain JSON: the conversations, then every table that names them."""
    own = select(conversation.c.id, conversation.c.title, conversation.c.created_at)
    titles = tx.execute(own.where(conversation.c.owner == person, conversation.c.deleted_at.is_(None))).all()
    texts = content.read(tx, (row.title for row in titles))
    talks = [
        {
            "id": row.id,
            "title": texts.get(row.title, ""),
            "created_at": row.created_at.isoformat(),
            "messages": [said.message.to_json() for said in messages(tx, row.id)],
        }
        for row in titles
    ]
    named = {table.name: rows for table in metadata.sorted_tables if (rows := list(_rows_of(tx, table, person)))}
    return {"conversations": talks, **named}


def _rows_of(tx: Connection, table: Table, person: str) -> Iterable[dict[str, Any]]:
    if table in (conversation, message, contents):
        return
    mine = [column == person for column in table.c if column.references(user.c.id)]
    if table is user:
        mine = [user.c.id == person]
    if not mine:
        return
    words = {column.name for column in table.c if column.references(contents.c.id)}
    for row in tx.execute(select(table).where(or_(*mine))).mappings():
        texts = content.read(tx, (row[name] for name in words))
        yield {
            name: texts.get(value, "") if name in words else value.isoformat() if isinstance(value, datetime) else value
            for name, value in row.items()
            if name not in SECRETS
        }
