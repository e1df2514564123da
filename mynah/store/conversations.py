"""Conversations: trees of messages that are only added to; a person's history, and one branch of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, or_, select, update

from mynah.nouns import Message
from mynah.store import content, search_index
from mynah.store.drafts import forget_draft
from mynah.store.once import insert_once
from mynah.store.schema import completion as completions
from mynah.store.schema import conversation, demonstration, message, new_id, now, prompt, ranking, reaction, share


@dataclass(frozen=True)
class Listed:
    """A conversation in somebody's history."""

    id: str
    title: str
    source: str
    updated_at: datetime
    pinned: bool
    archived: bool
    temporary: bool


@dataclass(frozen=True)
class Said:
    """One message of a conversation, with where it stands in the tree."""

    id: str
    parent: str | None
    message: Message
    author: str | None
    completion: str | None
    created_at: datetime
    erased: bool


UNLISTED = ("api", "text")
"""Sources whose conversations are no chats: in the history only if asked for, and not searched."""


def start_conversation(
    tx: Connection, owner: str, *, source: str = "chat", temporary: bool = False, id: str = ""
) -> str:
    """An empty conversation. A temporary one is in no history, search or training data."""
    row = {"id": id or new_id(), "owner": owner, "source": source, "temporary": temporary, "updated_at": now()}
    tx.execute(conversation.insert(), row)
    return str(row["id"])


def add_message(
    tx: Connection,
    conversation_id: str,
    said: Message,
    *,
    parent: str | None = None,
    author: str | None = None,
    completion: str | None = None,
    id: str = "",
) -> str:
    """Add what a person said (`author`) or a model answered (`completion`, whose words it takes) below `parent`.

    An `id` that the client made (`store.new_id()`) makes a repeated request harmless: the message is there once.
    LookupError if the parent is not a message of this conversation, or the id is a message of another.
    """
    if id and tx.scalar(select(message.c.id).where(message.c.id == id, message.c.conversation == conversation_id)):
        return id
    _check_parent(tx, conversation_id, parent)
    place = tx.execute(select(conversation).where(conversation.c.id == conversation_id)).one()
    if completion:
        answer = tx.execute(select(completions).where(completions.c.id == completion)).one()
        words = {"content": answer.content, "tool_calls": answer.tool_calls}
    else:
        calls = calls_json(said)
        words = {
            "content": content.write(tx, author or place.owner, said.content, subject=place.owner),
            "tool_calls": content.write_optional(tx, author or place.owner, calls, subject=place.owner),
        }
    id = id or new_id()
    row = {"id": id, "conversation": conversation_id, "parent": parent, "role": said.role, "author": author}
    if not insert_once(tx, message, row | words | {"completion": completion}, "id"):  # the same request, just now
        if not completion:
            content.forget(tx, words.values())
        _check_parent(tx, conversation_id, id)
        return id
    tx.execute(update(conversation).where(conversation.c.id == conversation_id).values(updated_at=now()))
    if not place.temporary and place.source not in UNLISTED and said.role in ("user", "assistant"):
        search_index.add(tx, place.owner, id, said.content)
    return id


def calls_json(said: Message) -> str:
    """A message's tool calls as they are kept; empty for none."""
    return json.dumps([dict(call) for call in said.tool_calls], ensure_ascii=False) if said.tool_calls else ""


def rename(tx: Connection, owner: str, conversation_id: str, title: str) -> None:
    """Give a conversation a title; the old one is forgotten. LookupError if it is not the owner's."""
    place = own(tx, owner, conversation_id)
    content.forget(tx, [place.title])
    written = content.write_optional(tx, owner, title)
    tx.execute(update(conversation).where(conversation.c.id == place.id).values(title=written))


def change_conversation(
    tx: Connection, owner: str, conversation_id: str, *, pinned: bool | None = None, archived: bool | None = None
) -> None:
    """Pin, archive, or take that back. LookupError if it is not the owner's."""
    place, changes = own(tx, owner, conversation_id), {}
    if pinned is not None:
        changes["pinned_at"] = now() if pinned else None
    if archived is not None:
        changes["archived_at"] = now() if archived else None
    if changes:
        tx.execute(update(conversation).where(conversation.c.id == place.id).values(changes))


def conversations(
    tx: Connection,
    owner: str,
    *,
    limit: int = 50,
    after: tuple[datetime, str] | None = None,
    archived: bool = False,
    pinned: bool | None = None,
    source: str = "",
) -> list[Listed]:
    """The owner's history, newest first; `after` is `updated_at` and id of the last one of the page before.

    `pinned` takes only those that are, or are not; `source` only those, by default all chats.
    """
    c = conversation.c
    wanted = select(conversation).where(
        c.owner == owner,
        c.deleted_at.is_(None),
        c.temporary.is_(False),
        c.archived_at.is_not(None) if archived else c.archived_at.is_(None),
        c.source == source if source else c.source.not_in(UNLISTED),
    )
    if pinned is not None:
        wanted = wanted.where(c.pinned_at.is_not(None) if pinned else c.pinned_at.is_(None))
    if after:
        at, id = after
        wanted = wanted.where(or_(c.updated_at < at, and_(c.updated_at == at, c.id < id)))
    rows = tx.execute(wanted.order_by(c.updated_at.desc(), c.id.desc()).limit(limit)).all()
    titles = content.read(tx, (row.title for row in rows))
    return [listed(row, titles.get(row.title, "")) for row in rows]


def listed(row: Row[Any], title: str) -> Listed:
    """A row of the table, as `conversations` gives it."""
    pinned, archived = row.pinned_at is not None, row.archived_at is not None
    return Listed(row.id, title, row.source, row.updated_at, pinned, archived, row.temporary)


def own(tx: Connection, owner: str, conversation_id: str) -> Row[Any]:
    """The row of the owner's conversation. LookupError alike if it is somebody else's, deleted, or never was."""
    c = conversation.c
    mine = select(conversation).where(c.id == conversation_id, c.owner == owner, c.deleted_at.is_(None))
    found = tx.execute(mine).first()
    if found is None:
        raise LookupError(f"no conversation {conversation_id}")
    return found


def messages(tx: Connection, conversation_id: str) -> list[Said]:
    """The whole tree, oldest first."""
    order = (message.c.created_at, message.c.id)
    return _said(
        tx, tx.execute(select(message).where(message.c.conversation == conversation_id).order_by(*order)).all()
    )


def branch(tx: Connection, message_id: str) -> list[Said]:
    """The messages from the root to this one: what a model was given to answer it."""
    up = select(message).where(message.c.id == message_id).cte("up", recursive=True)
    up = up.union_all(select(message).where(message.c.id == up.c.parent))
    rows = {row.id: row for row in tx.execute(select(up))}
    path = []
    at: str | None = message_id
    while at:
        path.append(rows[at])
        at = rows[at].parent
    return _said(tx, path[::-1])


def delete_conversation(tx: Connection, owner: str, conversation_id: str) -> None:
    """Forget everything said in it; that something was said stays. LookupError if it is not the owner's.

    The words are gone at once from all that the store reads; `erasure.scrub` clears the last traces from the files.
    """
    place = own(tx, owner, conversation_id)
    rows = tx.execute(select(message).where(message.c.conversation == place.id)).all()
    search_index.remove(tx, [row.id for row in rows])
    asked = (
        select(prompt.c.id).join(message, message.c.id == prompt.c.message).where(message.c.conversation == place.id)
    )
    answers = tx.execute(select(completions).where(completions.c.prompt.in_(asked))).all()  # those not shown, too
    said = [id for row in (*rows, *answers) for id in (row.content, row.tool_calls)]
    content.forget(tx, [place.title, *said, *_made_of(tx, asked, [row.id for row in answers])])
    forget_draft(tx, owner, place.id)
    still = (share.c.conversation == place.id, share.c.revoked_at.is_(None))
    tx.execute(update(share).where(*still).values(revoked_at=now()))
    tx.execute(update(conversation).where(conversation.c.id == place.id).values(deleted_at=now(), title=None))


def delete_temporary(tx: Connection, before: datetime) -> int:
    """Forget the temporary conversations in which nothing was said since `before`; how many those were."""
    c = conversation.c
    old = select(c.id, c.owner).where(c.temporary, c.deleted_at.is_(None), c.updated_at < before)
    rows = tx.execute(old).all()
    for row in rows:
        delete_conversation(tx, row.owner, row.id)
    return len(rows)


def _made_of(tx: Connection, prompts: Select[Any], answers: Sequence[str]) -> list[str]:
    """Comments on the answers to these prompts, and corrections of them: they may quote what was said."""
    words = [
        *tx.scalars(select(demonstration.c.content).where(demonstration.c.prompt.in_(prompts))),
        *tx.scalars(select(ranking.c.comment).where(ranking.c.prompt.in_(prompts))),
    ]
    for some in content.batches(answers):
        words += tx.scalars(select(reaction.c.comment).where(reaction.c.completion.in_(some)))
    return [id for id in words if id]


def _check_parent(tx: Connection, conversation_id: str, parent: str | None) -> None:
    if parent is None:
        return
    known = select(message.c.id).where(message.c.id == parent, message.c.conversation == conversation_id)
    if tx.scalar(known) is None:
        raise LookupError(f"no message {parent} in conversation {conversation_id}")


def _said(tx: Connection, rows: Sequence[Row[Any]]) -> list[Said]:
    texts = content.read(tx, [id for row in rows for id in (row.content, row.tool_calls)])
    return [
        Said(
            row.id,
            row.parent,
            Message(row.role, texts.get(row.content, ""), tuple(json.loads(texts.get(row.tool_calls, "[]")))),
            row.author,
            row.completion,
            row.created_at,
            row.content not in texts,
        )
        for row in rows
    ]
