"""The one thread that runs engines, and the mail between it and the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mynah.engine import Engine, Guide, Token
from mynah.nouns import Completion, SamplingParams

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Letter:
    """What one engine step brought for one job; `done` is set in its last letter."""

    job: Job
    tokens: list[Token] = field(default_factory=list)
    done: list[Completion] | None = None
    error: Exception | None = None


@dataclass(eq=False)
class Job:
    """`n` samples of one prompt, as the engine is asked for them; what it says arrives in `inbox`."""

    engine: Engine
    prompt: tuple[int, ...]
    params: SamplingParams
    n: int
    sequence: int
    inbox: asyncio.Queue[Letter]
    guides: Sequence[Guide] = ()
    urgent: bool = False
    reader: str = ""
    request: int = -1
    left: int = 0


class EngineThread:
    """Steps every engine that has work, in turn. The event loop sends it orders; nothing else touches an engine.

    An engine that gets no new jobs simply drains: so a checkpoint can be replaced while its streams go on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._jobs: dict[tuple[Engine, int], Job] = {}
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish the step that runs, no more."""
        self._orders.put(None)
        self._thread.join()

    def submit(self, job: Job) -> None:
        self._orders.put(partial(self._submit, job))

    def cancel(self, job: Job) -> None:
        """Free its rows; no letter comes any more but those under way."""
        self._orders.put(partial(self._cancel, job))

    def end(self, job: Job, sample: int) -> None:
        """One sample has said enough; the others go on."""
        self._orders.put(partial(self._end, job, sample))

    def call(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """`function()` between two steps, in its turn: while answers are written, at most one between two."""
        result: Future[T] = Future()

        def run() -> None:
            if not result.set_running_or_notify_cancel():
                return
            try:
                result.set_result(function())
            except Exception as error:
                result.set_exception(error)

        self._calls.put(run)
        self._orders.put(lambda: None)  # wakes a thread that has nothing to do
        return asyncio.wrap_future(result, loop=self._loop)

    def _run(self) -> None:
        while self._obey_all():
            self._answer_call()  # one: whatever is embedded, the streams go on
            for engine in {job.engine for job in self._jobs.values()}:
                self._step(engine)
        while self._answer_call():  # whoever asked before the end is not left waiting
            pass

    def _answer_call(self) -> bool:
        """Whether there was one."""
        with suppress(Empty):
            self._obey(self._calls.get_nowait())
            return True
        return False

    def _obey_all(self) -> bool:
        """All orders first: what is submitted together is prefilled together. False once it shall end."""
        wait = not self._jobs and self._calls.empty()
        with suppress(Empty):
            while order := self._orders.get(block=wait):
                self._obey(order)
                wait = False
            return False
        return True

    def _obey(self, order: Callable[[], None]) -> None:
        try:
            order()
        except Exception:  # the thread must outlive it: all the others wait for it
            log.exception("an order to the engine failed")

    def _step(self, engine: Engine) -> None:
        try:
            tokens = engine.step()
        except Exception as error:  # out of memory, say: those requests end, the service goes on
            log.exception("an engine step failed")
            self._fail(engine, error)
            return
        mine: dict[Job, list[Token]] = {}
        for token in tokens:
            job = self._jobs[engine, token.request]
            mine.setdefault(job, []).append(token)
            job.left -= token.finish_reason is not None
        self._send([Letter(job, some, self._done(job)) for job, some in mine.items()])

    def _done(self, job: Job) -> list[Completion] | None:
        """All of a job's completions once there are all; it is then forgotten."""
        if job.left:
            return None
        del self._jobs[job.engine, job.request]
        return job.engine.collect(job.request)

    def _submit(self, job: Job) -> None:
        try:
            more: dict[str, Any] = {"guides": job.guides, "urgent": job.urgent, "reader": job.reader}
            job.request = job.engine.submit(job.prompt, job.params, job.n, job.sequence, **more)
        except Exception as error:
            self._send([Letter(job, error=error)])
            return
        job.left = job.n
        self._jobs[job.engine, job.request] = job

    def _cancel(self, job: Job) -> None:
        if self._jobs.pop((job.engine, job.request), None):
            job.engine.cancel(job.request)

    def _end(self, job: Job, sample: int) -> None:
        if job.engine.end(job.request, sample):
            job.left -= 1
            if (done := self._done(job)) is not None:
                self._send([Letter(job, done=done)])

    def _fail(self, engine: Engine, error: Exception) -> None:
        failed = [job for job in self._jobs.values() if job.engine is engine]
        for job in failed:
            self._cancel(job)
        self._send([Letter(job, error=error) for job in failed])

    def _send(self, letters: list[Letter]) -> None:
        """One wake-up of the event loop a step, however many streams there are."""
        if letters and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_deliver, letters)


def _deliver(letters: list[Letter]) -> None:
    for letter in letters:
        letter.job.inbox.put_nowait(letter)
