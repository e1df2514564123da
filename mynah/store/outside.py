"""People of other services: each is an account of ours, and each of their threads goes on in one conversation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from mynah.store.conversations import start_conversation
from mynah.store.once import insert_once
from mynah.store.people import add_user
from mynah.store.schema import completion, conversation, message, new_id, outside_person, outside_thread, user


@dataclass(frozen=True)
class Outsider:
    """Somebody of another service, as we know them."""

    id: str
    user: str
    new: bool
    disabled: bool


def find_outsider(tx: Connection, channel: str, team: str, person: str) -> Outsider | None:
    """The account of this person of this team, if they wrote before."""
    p = outside_person.c
    known = select(p.id, p.user, user.c.disabled_at).join(user, user.c.id == p.user)
    found = tx.execute(known.where(p.channel == channel, p.team == team, p.person == person)).first()
    return found and Outsider(found.id, found.user, new=False, disabled=found.disabled_at is not None)


def know_outsider(tx: Connection, channel: str, team: str, person: str) -> Outsider:
    """The account of this person of this team, made at their first word. Their erasure makes them a stranger again."""
    if found := find_outsider(tx, channel, team, person):
        return found
    row = {"id": new_id(), "channel": channel, "team": team, "person": person}
    account = add_user(tx, name=f"{person} ({channel})")
    if not insert_once(tx, outside_person, row | {"user": account}, "channel", "team", "person"):
        again = find_outsider(tx, channel, team, person)  # their first two messages at one moment
        assert again
        return again
    return Outsider(row["id"], account, new=True, disabled=False)


def thread_conversation(tx: Connection, outsider: Outsider, thread: str, source: str, *, anew: bool = False) -> str:
    """The conversation in which a thread goes on; `anew` begins another one, and so does the deletion of the last."""
    t = outside_thread.c
    known = select(t.id, t.conversation, conversation.c.deleted_at).join(conversation)
    found = tx.execute(known.where(t.outside_person == outsider.id, t.thread == thread)).first()
    if found and not anew and found.deleted_at is None:
        return str(found.conversation)
    begun = start_conversation(tx, outsider.user, source=source)
    if found:
        tx.execute(update(outside_thread).where(t.id == found.id).values(conversation=begun))
    else:
        row = {"id": new_id(), "outside_person": outsider.id, "thread": thread, "conversation": begun}
        insert_once(tx, outside_thread, row, "outside_person", "thread")
    return begun


def last_answer(tx: Connection, conversation_id: str) -> str | None:
    """The message of the newest answer in a conversation; None if there is none."""
    answers = select(message.c.id).join(completion, completion.c.id == message.c.completion)
    answers = answers.where(message.c.conversation == conversation_id)
    return tx.scalar(answers.order_by(message.c.created_at.desc(), message.c.id.desc()).limit(1))


def completion_of(tx: Connection, message_id: str) -> str | None:
    """The completion that a message shows."""
    return tx.scalar(select(message.c.completion).where(message.c.id == message_id))
