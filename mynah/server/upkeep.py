"""What must be done now and then: scrub the files after somebody left, forget what is over."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from mynah import store
from mynah.store import access
from mynah.store.allowance import forget_empty
from mynah.store.database import Database
from mynah.store.schema import new_id
from mynah.store.settings import service_settings, set_service

log = logging.getLogger(__name__)
EVERY = 60.0
"""Seconds."""
DUE = "scrub_due"
"""Kept as a setting of the service: a scrub that a crash prevented is made up for at the next start."""


class Upkeep:
    """Runs beside the service."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._wake = asyncio.Event()

    async def erase(self, person: str) -> None:
        """Erase a person's words now, in one transaction; the files are scrubbed at once, beside the service."""
        await asyncio.to_thread(self._erase, person)
        self._wake.set()

    def _erase(self, person: str) -> None:
        with self._db.writing() as tx:
            store.erase_person(tx, person)
            store.note(tx, person, "person.erase", person)
            set_service(tx, None, DUE, new_id())

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.once)
            except Exception:  # a busy or absent database; it is tried again
                log.exception("upkeep failed; again in a minute")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), EVERY)
            self._wake.clear()

    def once(self) -> None:
        """All that is due."""
        with self._db.writing() as tx:
            access.forget_old_sessions(tx)
            forget_empty(tx)
            due = service_settings(tx).get(DUE)
        if due and store.scrub(self._db):
            with self._db.writing() as tx:
                if service_settings(tx).get(DUE) == due:  # else somebody left meanwhile
                    set_service(tx, None, DUE, None)
