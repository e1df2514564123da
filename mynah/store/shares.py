"""Shares: the way to one message of a conversation, shown to whoever has the secret link, until it is revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from mynah.store import content
from mynah.store.conversations import Said, branch, own
from mynah.store.schema import conversation, message, new_id, now, share


@dataclass(frozen=True)
class Shared:
    """One share as its owner sees it; the link itself is known to nobody any more."""

    id: str
    message: str
    created_at: datetime


def add_share(tx: Connection, owner: str, conversation_id: str, message_id: str) -> tuple[str, str]:
    """Id and secret token of a new share. LookupError if the message is not of a conversation of the owner's.

    ValueError for a temporary conversation: nothing of it shall last.
    """
    place = own(tx, owner, conversation_id)
    if place.temporary:
        raise ValueError("a temporary conversation cannot be shared")
    known = select(message.c.id).where(message.c.id == message_id, message.c.conversation == place.id)
    if tx.scalar(known) is None:
        raise LookupError(f"no message {message_id} in conversation {conversation_id}")
    id, token = new_id(), secrets.token_urlsafe(24)
    row = {"id": id, "conversation": place.id, "message": message_id, "shared_by": owner}
    tx.execute(share.insert(), row | {"token_hash": _hash(token)})
    return id, token


def shares(tx: Connection, owner: str, conversation_id: str) -> list[Shared]:
    """The open shares of a conversation, newest first. LookupError if it is not the owner's."""
    place, s = own(tx, owner, conversation_id), share.c
    still = select(s.id, s.message, s.created_at).where(s.conversation == place.id, s.revoked_at.is_(None))
    return [Shared(*row) for row in tx.execute(still.order_by(s.created_at.desc(), s.id.desc()))]


def revoke_share(tx: Connection, owner: str, share_id: str) -> None:
    """Close a share; closed already, it stays so. LookupError if it is not the owner's."""
    mine = (share.c.id == share_id, share.c.shared_by == owner)
    if tx.scalar(select(share.c.id).where(*mine)) is None:
        raise LookupError(f"no share {share_id}")
    tx.execute(update(share).where(*mine, share.c.revoked_at.is_(None)).values(revoked_at=now()))


def shared(tx: Connection, token: str) -> tuple[str, Sequence[Said]]:
    """Title and messages behind a link, without the system prompt. LookupError if it is revoked or never was."""
    s, c = share.c, conversation.c
    open_ = (s.token_hash == _hash(token), s.revoked_at.is_(None), c.deleted_at.is_(None))
    found = tx.execute(select(s.message, c.title).join(conversation, c.id == s.conversation).where(*open_)).first()
    if found is None:
        raise LookupError("no such share")
    title = content.read(tx, [found.title]).get(found.title, "")
    return title, [said for said in branch(tx, found.message) if said.message.role != "system"]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
