"""Say something in a conversation, and the answer as a stream of events; callable without HTTP.

    stream = await talks.answer(user, conversation, Ask(Said(id, parent, "Why?")))

The question is in the store before the model is asked, the answer before its end is told. Readers come and go: the
answer is written on without them, and its text is kept now and then, so that a crash loses little.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Connection, select

from mynah import store
from mynah.nouns import Conversation, Message
from mynah.server import replies
from mynah.server.generation import Service
from mynah.server.ledger import Ledger
from mynah.server.remote import Remote
from mynah.server.replies import Wanted
from mynah.server.streams import Stream, Streams
from mynah.server.writing import Place, events
from mynah.store.schema import message as messages

TITLE = 48
"""Characters of a title that is made of a question."""


@dataclass(frozen=True)
class Said:
    """A person's words; the client makes the id, and so may send them again."""

    id: str
    parent: str | None
    text: str


@dataclass(frozen=True)
class Ask:
    """What shall be answered: new words, or again the message `parent`."""

    said: Said | None = None
    parent: str | None = None
    n: int = 1
    """2 gives two answers side by side, by two models if two are served; which is which is told after a vote."""
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True)
class Question:
    """A message that waits for its answer, with all that goes before it."""

    id: str
    prompt: str
    context: Conversation
    answers: Sequence[str]
    """Messages that answer it already."""


@dataclass(frozen=True)
class Live:
    """A stream, and where its answers go."""

    stream: Stream
    conversation: str
    question: str
    asked_anew: bool


class Talks:
    """Everybody's conversations."""

    def __init__(self, engine: Service | Remote, ledger: Ledger, streams: Streams) -> None:
        self.engine, self.ledger, self.streams = engine, ledger, streams
        self._live: dict[str, Live] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(self, user: str, conversation: str, ask: Ask, key: str | None = None) -> Stream:
        """Add the words and begin to answer; the same words again give the stream, or the answer, that there is.

        LookupError if the conversation is not the user's, or has no such message; APIError if the engine refuses.
        """
        lock = self._locks.setdefault(conversation, asyncio.Lock())
        async with lock:
            self._forget_old()
            if ask.said and (stream := self._begun(user, conversation, ask.said.id)):
                return stream
            question = await self.ledger.write(partial(_question, user=user, conversation=conversation, ask=ask))
            id = store.new_id()
            if ask.said and question.answers:
                objects = self._told(question, id)
            else:
                asked, place = (
                    await self._replies(question.context, ask, user),
                    Place(question.id, question.prompt, key),
                )
                objects = events(self.ledger, self.engine.settings, place, asked, id)
            stream = self.streams.open(id, objects, True, user)
            self._live[id] = Live(stream, conversation, question.id, ask.said is None)
            return stream

    async def say(self, user: str, conversation: str, said: Said, wanted: Wanted | None = None) -> AsyncIterator[str]:
        """The answer's text as it comes. Leaving early does not stop it. Raises as `answer`, and if it breaks off."""
        ask = Ask(said, wanted=wanted or Wanted())
        async for event in (await self.answer(user, conversation, ask)).objects():
            if event["type"] == "delta":
                yield event["text"]
            elif event["type"] == "error":
                raise RuntimeError(event["error"]["message"])

    def live(self, conversation: str) -> list[Live]:
        """The streams that are still written in a conversation."""
        return [live for live in self._live.values() if live.conversation == conversation and live.stream.ended is None]

    async def stop_in(self, conversation: str) -> None:
        """Stop them, and wait until what they said is kept."""
        for live in (found := self.live(conversation)):
            live.stream.stop()
        await asyncio.gather(*(live.stream.over() for live in found))

    async def _replies(self, context: Conversation, ask: Ask, user: str) -> list[replies.Reply]:
        wanted = [ask.wanted]
        if ask.n == 2:
            seed = None if ask.wanted.seed is None else ask.wanted.seed + 1
            wanted.append(replace(ask.wanted, model=await self._other(ask.wanted.model), seed=seed))
            random.shuffle(wanted)  # left and right
        for one in wanted:
            replies.check_model(self.engine, one)  # before any of them begins
        begun: list[replies.Reply] = []
        try:
            for one in wanted:
                begun.append(await replies.begin(self.engine, context, one, user))
        except BaseException:
            for reply in begun:
                await reply.abandon()
            raise
        return begun

    async def _other(self, model: str) -> str:
        """A model to compare with: another than the one that is asked, if there is one."""
        names = await self.models()
        return random.choice([name for name in names if name != (model or names[0])] or names)

    async def models(self) -> list[str]:
        """Names; the first answers where none is named."""
        if isinstance(self.engine, Remote):
            return [model["id"] for model in await self.engine.models()]
        return [model.name for model in self.engine.models]

    def _begun(self, user: str, conversation: str, question: str) -> Stream | None:
        for live in self._live.values():
            here = live.question == question and live.conversation == conversation
            if here and not live.asked_anew and live.stream.owner == user:
                return live.stream
        return None

    async def _told(self, question: Question, stream: str) -> AsyncIterator[dict[str, Any]]:
        """A stream of answers that are there already."""
        there = await self.ledger.read(partial(_answers, ids=question.answers))
        yield {"type": "started", "stream": stream, "answers": list(question.answers), "message": question.id}
        for id, (text, told) in there.items():
            yield {"type": "delta", "answer": id, "text": text}
            yield {"type": "finished", "answer": id, "finish_reason": told.finish_reason}

    def _forget_old(self) -> None:
        for id in [id for id in self._live if not self.streams.keeps(id)]:
            del self._live[id]


def title_of(text: str) -> str:
    """The first words of a question."""
    words = " ".join(text.split())
    if len(words) <= TITLE:
        return words
    cut = words[:TITLE]
    return (cut.rpartition(" ")[0] if " " in cut[TITLE // 2 :] else cut).rstrip(" ,;:-") + "…"


def _question(tx: Connection, user: str, conversation: str, ask: Ask) -> Question:
    """Add the words that were said; LookupError as `Talks.answer`."""
    place = store.own(tx, user, conversation)
    if ask.said:
        parent = ask.said.parent or _root(tx, conversation)
        id = store.add_message(
            tx, conversation, Message("user", ask.said.text), parent=parent, author=user, id=ask.said.id
        )
        if not place.title and not place.temporary:
            store.rename(tx, user, conversation, title_of(ask.said.text))
    else:
        id = ask.parent or ""
    known = select(messages.c.id, messages.c.role).where(
        messages.c.id == id, messages.c.conversation == conversation, messages.c.role.in_(("user", "tool"))
    )
    if tx.execute(known).first() is None:
        raise LookupError(f"no question {id} in conversation {conversation}")
    answered = select(messages.c.id).where(messages.c.parent == id, messages.c.completion.is_not(None))
    answers = tx.scalars(answered.order_by(messages.c.created_at, messages.c.id)).all()
    context = tuple(said.message for said in store.branch(tx, id))
    return Question(id, store.add_prompt(tx, id), context, answers)


def _root(tx: Connection, conversation: str) -> str | None:
    """The conversation's own system prompt, below which all is said."""
    root = select(messages.c.id).where(messages.c.conversation == conversation, messages.c.parent.is_(None))
    return tx.scalar(root.where(messages.c.role == "system"))


def _answers(tx: Connection, ids: Sequence[str]) -> dict[str, tuple[str, store.Told]]:
    texts = {id: store.branch(tx, id)[-1].message.content for id in ids}
    return {id: (texts[id], told) for id, told in store.told(tx, ids).items()}
