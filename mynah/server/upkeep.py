"""What is done without being asked: answers that a crash cut are ended, temporary chats are forgotten."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import Connection

from mynah import store
from mynah.server.ledger import Ledger
from mynah.server.settings import ServeSettings
from mynah.store.presence import Presence
from mynah.store.schema import now

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds."""
DEAD = timedelta(minutes=2)
"""A stream of another process that did not stir for so long is nobody's."""


class Upkeep:
    """Runs from start to stop."""

    def __init__(self, ledger: Ledger, settings: ServeSettings) -> None:
        self._ledger, self._settings = ledger, settings
        self._presence: Presence | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Once it returns, no answer of a dead process looks as if it were still being written."""
        self._presence = await asyncio.to_thread(Presence, self._ledger.db)
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

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._ledger.write(lambda tx: self._tidy(tx, all=False))
            except Exception:  # a full disk, say; it is tried again
                log.exception("upkeep failed")

    def _tidy(self, tx: Connection, *, all: bool) -> None:
        prices = (self._settings.price_prompt, self._settings.price_completion)
        store.finish_interrupted(tx, unchanged_since=None if all else now() - DEAD, prices=prices)
        store.delete_temporary(tx, now() - timedelta(hours=self._settings.temporary_hours))
