"""Writes of many requests at once, committed together, off the event loop: one wait for the disk serves them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from mynah.store.database import Database

T = TypeVar("T")
MOST = 64
"""Writes in one transaction: others wait for its end."""


@dataclass(eq=False)
class _Entry:
    write: Callable[[Connection], Any]
    done: asyncio.Future[Any]


class Ledger:
    """`await ledger.write(f)` is `f(tx)` once it is durable. Writes happen in the order in which they were asked for.

    What one of them raises is raised to who asked for it, and takes nothing else back. A write that was asked for
    happens, even if whoever waits for it is cancelled. `f` may be called twice: all it does, `tx` must undo.
    """

    def __init__(self, db: Database) -> None:
        self.db = db
        self._waiting: asyncio.Queue[_Entry | None] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "ledger")  # SQLite has one writer at a time anyway
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Once all that was asked for is written."""
        if self._task:
            self._waiting.put_nowait(None)
            await self._task
        self._thread.shutdown()

    def ask(self, write: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Begin to write; the result need not be awaited."""
        entry = _Entry(write, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(entry)
        return entry.done

    async def write(self, write: Callable[[Connection], T]) -> T:
        """The result of `write(tx)`, durable."""
        return await asyncio.shield(self.ask(write))

    async def read(self, read: Callable[[Connection], T]) -> T:
        """The result of `read(tx)`, which sees one state of the database."""

        def run() -> T:
            with self.db.reading() as tx:
                return read(tx)

        return await asyncio.to_thread(run)

    async def _run(self) -> None:
        while (first := await self._waiting.get()) is not None:
            batch, last = [first], False
            while len(batch) < MOST and not self._waiting.empty() and not last:
                entry = self._waiting.get_nowait()
                if entry is None:
                    last = True
                else:
                    batch.append(entry)
            results = await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, batch)
            for entry, (result, error) in zip(batch, results, strict=True):
                _tell(entry.done, result, error)
            if last:
                return

    def _commit(self, batch: list[_Entry]) -> list[tuple[Any, Exception | None]]:
        if len(batch) > 1:
            try:
                with self.db.writing() as tx:
                    together: list[tuple[Any, Exception | None]] = [(entry.write(tx), None) for entry in batch]
                return together
            except Exception:  # one of them, whichever: each alone, then, and none undone by another
                pass
        return [self._alone(entry) for entry in batch]

    def _alone(self, entry: _Entry) -> tuple[Any, Exception | None]:
        try:
            with self.db.writing() as tx:
                result = entry.write(tx)
            return result, None
        except Exception as error:
            return None, error


def _tell(done: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
        done.exception()  # nobody may be waiting for it
