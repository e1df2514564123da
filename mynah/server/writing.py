"""Answers while they are written: events for whoever reads, text for the store now and then, evidence at the end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import NoResultFound

from mynah import store
from mynah.server.errors import APIError, EngineError
from mynah.server.ledger import Ledger
from mynah.server.replies import Reply
from mynah.server.settings import ServeSettings

log = logging.getLogger(__name__)
T = TypeVar("T")

KEEP_EVERY = 1.0
"""Seconds of an answer that a crash may lose."""
ALIVE_EVERY = 20.0
"""Seconds after which a silent answer says that it is not forgotten."""


@dataclass(frozen=True)
class Place:
    """Where answers go, and who pays."""

    question: str
    prompt: str
    key: str | None


class Writing:
    """One answer that is being written. Its message, its completion and its row among the streams have one id."""

    def __init__(self, reply: Reply, shown: dict[str, Any]) -> None:
        self.id, self.reply, self.shown = shown.pop("id"), reply, shown
        self.begun: datetime | None = None
        """When its first text came."""
        self.error: APIError | None = None
        self.followed = False
        """Whether anybody began to; one who was stopped before did not."""

    async def follow(self, heard: asyncio.Queue[tuple[Writing, str | None]]) -> None:
        """Put its text into `heard` as it comes, and None at its end."""
        self.followed = True
        try:
            async for text in self.reply.pieces():
                self.begun = self.begun or datetime.now(UTC)
                heard.put_nowait((self, text))
        except APIError as error:
            self.error = error
        except Exception:
            log.exception("an answer broke off")
            self.error = EngineError("The server had an error while answering; its log says more.")
        finally:
            heard.put_nowait((self, None))


async def events(
    ledger: Ledger, settings: ServeSettings, place: Place, replies: Sequence[Reply], stream: str
) -> AsyncIterator[dict[str, Any]]:
    """The life of one or two answers to a question. Cancelling it stops them; it then goes on to their end."""
    answers, task = _side_by_side(replies), asyncio.current_task()
    assert task
    try:
        await _unbroken(ledger.write(partial(_begin, place=place, answers=answers)))
    except BaseException:
        for reply in replies:
            await reply.abandon()
        raise
    ids = [answer.id for answer in answers]
    yield {"type": "started", "stream": stream, "answers": ids, "message": place.question}
    heard: asyncio.Queue[tuple[Writing, str | None]] = asyncio.Queue()
    tasks = [asyncio.create_task(answer.follow(heard)) for answer in answers]
    kept, left = time.monotonic(), len(answers)
    try:
        while left and not task.cancelling():  # a stop that came while they began struck nothing
            try:
                async with asyncio.timeout(ALIVE_EVERY):  # wait_for would lose a stop that comes right after a piece
                    answer, text = await heard.get()
            except TimeoutError:  # it waits for its turn; the row among the streams says that somebody is at it
                ledger.ask(partial(_keep, answers=answers))
                continue
            if text is None:
                left -= 1
                continue
            yield {"type": "delta", "answer": answer.id, "text": text}
            if time.monotonic() - kept > KEEP_EVERY:
                kept = time.monotonic()
                ledger.ask(partial(_keep, answers=answers))
    except asyncio.CancelledError:  # somebody stopped it: what was said is kept, and the end told
        pass
    finally:
        for following in tasks:
            following.cancel()
    ends = await _unbroken(_end(ledger, settings, place, answers, tasks))
    while not heard.empty():  # what came while it was being stopped is in what was kept
        answer, text = heard.get_nowait()
        if text:
            yield {"type": "delta", "answer": answer.id, "text": text}
    for answer, end in zip(answers, ends, strict=True):
        if answer.error:
            yield {"type": "error", "answer": answer.id, **answer.error.body}
        yield end


async def _end(
    ledger: Ledger,
    settings: ServeSettings,
    place: Place,
    answers: Sequence[Writing],
    tasks: Sequence[asyncio.Task[None]],
) -> list[dict[str, Any]]:
    """Once nobody follows them any more, record the answers; the events that tell their end."""
    await asyncio.wait(tasks)
    for answer in answers:
        if not answer.followed:
            await answer.reply.abandon()
    return await ledger.write(partial(_finish, place=place, answers=answers, settings=settings))


async def _unbroken(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, to whose end a stop waits; `cancelling` of the task tells that there was one."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        return await task


def _side_by_side(replies: Sequence[Reply]) -> list[Writing]:
    ids = [store.new_id() for _ in replies]
    shown: list[dict[str, Any]] = [{"id": id} for id in ids]
    if len(ids) == 2:
        shown[0] |= {"side": "left", "beside": ids[1]}
        shown[1] |= {"side": "right", "beside": ids[0]}
    for reply, known in zip(replies, shown, strict=True):
        if reply.dropped:
            known["dropped"] = reply.dropped
    return [Writing(reply, known) for reply, known in zip(replies, shown, strict=True)]


def _begin(tx: Connection, place: Place, answers: Sequence[Writing]) -> None:
    for answer in answers:
        reply = answer.reply
        known = reply.know(tx)
        store.begin_answer(
            tx,
            place.prompt,
            known,
            reply.params,
            reply.prompt_tokens,
            id=answer.id,
            api_key=place.key,
            shown=answer.shown,
        )


def _keep(tx: Connection, answers: Sequence[Writing]) -> None:
    for answer in answers:
        given = answer.reply.given
        store.keep_partial(tx, answer.id, given.text, given.tokens)


def _finish(tx: Connection, place: Place, answers: Sequence[Writing], settings: ServeSettings) -> list[dict[str, Any]]:
    """Make completions and messages of them; the events that tell their end."""
    ends = []
    for answer in answers:
        reply, given = answer.reply, answer.reply.given
        reason = "interrupted" if answer.error else given.finish_reason
        end: dict[str, Any] = {"type": "finished", "answer": answer.id, "finish_reason": reason}
        price = reply.prompt_tokens * settings.price_prompt + given.tokens * settings.price_completion
        try:
            store.finish_answer(
                tx,
                answer.id,
                given.text,
                finish_reason=reason,
                tokens=given.tokens,
                logprob_sum=given.logprob_sum,
                tool_calls=given.tool_calls,
                prompt_tokens=reply.prompt_tokens,
                first_token_at=answer.begun,
            )
        except NoResultFound:  # its owner was erased meanwhile
            ends.append(end)
            continue
        store.show_answer(tx, answer.id)
        store.charge(tx, answer.id, api_key=place.key, cost=price / 1000)
        end["usage"] = {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": given.tokens,
            "total_tokens": reply.prompt_tokens + given.tokens,
        }
        if price:
            end["usage"]["cost"] = round(price / 1000, 9)
        if len(answers) == 1:
            end["model"] = reply.model
        ends.append(end)
    return ends
