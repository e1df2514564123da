"""Questions over the API, each with all that was said before: put where they belong in their owner's trees."""

from __future__ import annotations

from sqlalchemy import Connection, select

from mynah.nouns import Conversation, Message
from mynah.store import content
from mynah.store.answers import add_prompt, context_key
from mynah.store.conversations import add_message, calls_json, delete_conversation, start_conversation
from mynah.store.schema import completion, conversation, message, prompt
from mynah.store.schema import content as contents


def place_prompt(tx: Connection, owner: str, messages: Conversation, source: str, *, alone: bool = False) -> str:
    """The prompt that these messages are, the last one waiting for an answer.

    The same messages are the same prompt. If one of them is an answer that was given to those before it, the rest is
    added below that answer; else a conversation is begun. `alone` always begins one.
    """
    if not alone and (known := _known(tx, owner, messages, source)):
        return known
    place, parent, rest = (None, None, messages) if alone else _continued(tx, owner, messages, source)
    place = place or start_conversation(tx, owner, source=source)
    for said in rest:
        parent = add_message(tx, place, said, parent=parent, author=owner)
    assert parent, "a conversation has a message"
    return add_prompt(tx, parent)


def forget_prompt(tx: Connection, prompt_id: str) -> None:
    """Erase the words of the conversation that a prompt is in; that something was asked and answered stays."""
    place = select(conversation.c.id, conversation.c.owner).join(message, message.c.conversation == conversation.c.id)
    place = place.join(prompt, prompt.c.message == message.c.id)
    row = tx.execute(place.where(prompt.c.id == prompt_id)).one()
    delete_conversation(tx, row.owner, row.id)


def _known(tx: Connection, owner: str, messages: Conversation, source: str) -> str | None:
    p = prompt.c
    same = (p.context_key == context_key(tx, owner, messages), p.owner == owner, p.source == source)
    whole = select(p.id).join(message, message.c.id == p.message).join(conversation).where(*same)
    return tx.scalar(whole.where(conversation.c.deleted_at.is_(None)).order_by(p.id).limit(1))


def _continued(
    tx: Connection, owner: str, messages: Conversation, source: str
) -> tuple[str | None, str | None, Conversation]:
    """Conversation and id of the last answer of ours among `messages`, and what follows it."""
    answers = [i for i, said in enumerate(messages) if said.role == "assistant" and i]
    if not answers:
        return None, None, messages
    last = answers[-1]
    asked = _known(tx, owner, messages[:last], source)
    answer = _answered(tx, owner, asked, messages[last]) if asked else None
    return (*answer, messages[last + 1 :]) if answer else (None, None, messages)


def _answered(tx: Connection, owner: str, prompt_id: str, said: Message) -> tuple[str, str] | None:
    """Conversation and message of an answer with just these words, tool calls included."""
    c = completion.c
    texts = select(message.c.conversation, message.c.id, c.tool_calls).join(message, message.c.completion == c.id)
    same = texts.join(contents, contents.c.id == c.content).where(
        c.prompt == prompt_id, contents.c.key == content.key(tx, owner, said.content)
    )
    for row in tx.execute(same.order_by(c.id)):
        kept = content.read(tx, [row.tool_calls]).get(row.tool_calls, "")
        if kept == calls_json(said):
            return row.conversation, row.id
    return None
