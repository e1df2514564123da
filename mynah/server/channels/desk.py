"""From what somebody says elsewhere to an answer: whose account, which conversation, which command; and once only."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import Connection

from mynah import store
from mynah.server.channels.channel import Channel, Incoming, Undelivered
from mynah.server.channels.phrases import phrase
from mynah.server.errors import APIError
from mynah.server.ledger import Ledger
from mynah.server.talks import Said, Talks
from mynah.server.upkeep import Upkeep
from mynah.store import outside

log = logging.getLogger(__name__)

REMEMBERED = 900.0
"""Seconds for which a message is known to have been answered; longer than any request's time may be off."""
WAITING = 4
"""Messages of one person that may wait for their answers."""
# Slack keeps what begins with a slash for itself, so an exclamation mark will do too.
COMMAND = re.compile(r"[/!](new|help|good|bad|training|leave)(?:\s+(yes|no))?", re.IGNORECASE)


@dataclass(eq=False)
class Answering:
    """A message on its way to an answer. The service may deliver it again: that is the same one."""

    said: Incoming
    channel: Channel
    text: asyncio.Task[str]
    ended: float | None = None
    sending: asyncio.Task[None] | None = None
    """Where the answer goes out by `send`."""

    def send_once(self) -> None:
        """Let the answer go out by itself as soon as it is there."""
        if self.sending is None:
            self.sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            await self.channel.send(self.said, await self.text)
        except Undelivered as error:
            log.warning("%s: an answer was not delivered: %s", self.channel.name, error)


@dataclass(frozen=True)
class Place:
    """Where a message belongs with us."""

    user: str
    conversation: str
    parent: str | None
    new: bool


class Desk:
    """Takes messages of every channel."""

    def __init__(self, ledger: Ledger, talks: Talks, upkeep: Upkeep) -> None:
        self._ledger, self._talks, self._upkeep = ledger, talks, upkeep
        self._known: dict[str, Answering] = {}
        self._threads: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()
        self._waiting: Counter[tuple[str, ...]] = Counter()

    def take(self, channel: Channel, said: Incoming) -> Answering:
        """The message's way to its answer: the same for every delivery."""
        self._forget_old()
        found = self._known.get(said.message_id)
        if found is None:
            found = Answering(said, channel, asyncio.create_task(self._answer(channel, said)))
            self._known[said.message_id] = found
            found.text.add_done_callback(lambda _: setattr(found, "ended", time.monotonic()))
        return found

    async def close(self, seconds: float = 5.0) -> None:
        """Let answers under way go out, as far as that is a matter of seconds."""
        tasks = [task for known in self._known.values() for task in (known.text, known.sending) if task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()

    async def _answer(self, channel: Channel, said: Incoming) -> str:
        person = (said.channel, said.team, said.person)
        if self._waiting[person] >= WAITING:
            return phrase(channel.language, "busy")
        self._waiting[person] += 1
        try:
            # One after the other: the second message of a thread is said to whoever heard the first.
            async with self._threads.setdefault((*person, said.thread), asyncio.Lock()):
                return await self._respond(channel, said)
        except APIError as error:
            return str(error)
        except Exception:
            log.exception("%s: a message could not be answered", channel.name)
            return phrase(channel.language, "broken")
        finally:
            self._waiting[person] -= 1
            if not self._waiting[person]:
                del self._waiting[person]

    async def _respond(self, channel: Channel, said: Incoming) -> str:
        language = channel.language
        if command := COMMAND.fullmatch(said.text.strip()):
            name, choice = command[1].lower(), (command[2] or "").lower()
            if (name, choice) == ("leave", "yes"):
                return phrase(language, await self._leave(said))
            return phrase(language, await self._ledger.write(partial(_obey, said=said, name=name, choice=choice)))
        if not said.text.strip():
            return phrase(language, "help")
        place = await self._ledger.write(partial(_place, said=said))
        if place is None:
            return phrase(language, "disabled")
        words = Said(said.message_id, place.parent, said.text)
        text = "".join([piece async for piece in self._talks.say(place.user, place.conversation, words)]).strip()
        text = text or phrase(language, "silent")
        return f"{text}\n\n{phrase(language, 'first')}" if place.new else text

    async def _leave(self, said: Incoming) -> str:
        """Erase whoever says so, for good; the name of the phrase that tells it."""
        known = partial(outside.find_outsider, channel=said.channel, team=said.team, person=said.person)
        who = await self._ledger.read(known)
        if who is None:
            return "nobody"
        if who.disabled:
            return "disabled"
        await self._talks.streams.end_of(who.user)
        await self._upkeep.erase(who.user)
        return "left"

    def _forget_old(self) -> None:
        now = time.monotonic()
        for id in [id for id, known in self._known.items() if known.ended and now - known.ended > REMEMBERED]:
            del self._known[id]


def _place(tx: Connection, said: Incoming) -> Place | None:
    """Account and conversation of a message; None if the account is disabled."""
    who = outside.know_outsider(tx, said.channel, said.team, said.person)
    if who.disabled:
        return None
    conversation = outside.thread_conversation(tx, who, said.thread, said.channel)
    return Place(who.user, conversation, outside.last_answer(tx, conversation), who.new)


def _obey(tx: Connection, said: Incoming, name: str, choice: str) -> str:
    """Do what a command says; the name of the phrase that tells it."""
    who = outside.know_outsider(tx, said.channel, said.team, said.person)
    if who.disabled:
        return "disabled"
    commands: dict[str, Callable[[], str]] = {
        "help": lambda: "help",
        "leave": lambda: "leave",
        "new": partial(_new, tx, who, said),
        "training": partial(_training, tx, who, choice),
        "good": partial(_thumb, tx, who, said, 1),
        "bad": partial(_thumb, tx, who, said, -1),
    }
    return commands[name]()


def _new(tx: Connection, who: outside.Outsider, said: Incoming) -> str:
    outside.thread_conversation(tx, who, said.thread, said.channel, anew=True)
    return "new"


def _training(tx: Connection, who: outside.Outsider, choice: str) -> str:
    if choice:
        store.set_consent(tx, who.user, "training", choice == "yes")
    return "training_yes" if store.consents(tx, who.user, "training") else "training_no"


def _thumb(tx: Connection, who: outside.Outsider, said: Incoming, rating: int) -> str:
    conversation = outside.thread_conversation(tx, who, said.thread, said.channel)
    answer = outside.last_answer(tx, conversation)
    rated: Any = answer and outside.completion_of(tx, answer)
    if not rated:
        return "nothing_to_rate"
    store.react(tx, who.user, rated, rating)
    return "thanks"
