"""What is done without being asked: cut answers are ended, what is over is forgotten, files are scrubbed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection

from mynah import store
from mynah.server.ledger import Ledger
from mynah.server.settings import ServeSettings
from mynah.store import access
from mynah.store.allowance import forget_empty
from mynah.store.presence import Presence
from mynah.store.schema import new_id, now
from mynah.store.settings import service_settings, set_service
from mynah.store.spent import recount_budgets

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds."""
HOUR = 60
"""Rounds of those between two searches for temporary chats that are over."""
DEAD = timedelta(minutes=2)
"""A stream of another process that did not stir for so long is nobody's."""
DUE = "scrub_due"
"""Kept as a setting of the service: a scrub that a crash prevented is made up for at the next start."""


class Upkeep:
    """Runs from start to stop."""

    def __init__(self, ledger: Ledger, settings: ServeSettings) -> None:
        self._ledger, self._db, self._settings = ledger, ledger.db, settings
        self._presence: Presence | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._rounds = 0

    async def start(self) -> None:
        """Once it returns, no answer of a dead process looks as if it were still being written."""
        self._presence = await asyncio.to_thread(Presence, self._db)
        alone = self._presence.alone
        await self._ledger.write(lambda tx: self._tidy(tx, all=alone))
        await asyncio.to_thread(self._presence.settle)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._presence:
            self._presence.leave()

    async def erase(self, person: str) -> None:
        """Erase a person's words now, in one transaction; the files are scrubbed at once, beside the service."""
        await asyncio.to_thread(self._erase, person)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.once)
                self._rounds += 1
                await self._ledger.write(lambda tx: self._tidy(tx, all=False))
            except Exception:  # a full disk, a busy or absent database; it is tried again
                log.exception("upkeep failed; again in a minute")
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):  # wait_for would lose a stop that comes right after a wake-up
                    await self._wake.wait()
            self._wake.clear()

    def once(self) -> None:
        """Forget old sessions and empty allowances; scrub the files if somebody left."""
        with self._db.writing() as tx:
            access.forget_old_sessions(tx)
            forget_empty(tx)
            due = service_settings(tx).get(DUE)
        if due and store.scrub(self._db):
            with self._db.writing() as tx:
                if service_settings(tx).get(DUE) == due:  # else somebody left meanwhile
                    set_service(tx, None, DUE, None)

    def _erase(self, person: str) -> None:
        with self._db.writing() as tx:
            store.erase_person(tx, person)
            store.note(tx, person, "person.erase", person)
            set_service(tx, None, DUE, new_id())

    def _tidy(self, tx: Connection, *, all: bool) -> None:
        prices = (self._settings.price_prompt, self._settings.price_completion)
        store.finish_interrupted(tx, unchanged_since=None if all else now() - DEAD, prices=prices)
        if all:
            recount_budgets(tx)
        if self._rounds % HOUR == 0:
            store.delete_temporary(tx, now() - timedelta(hours=self._settings.temporary_hours))
