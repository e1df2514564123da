"""Ends what is still open for somebody who may no longer: signed out, disabled, key revoked.

A request is checked when it comes; a stream goes on for minutes. So every few seconds one query asks of all that have
streams open whether they still may, however many there are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mynah.server.identity import Caller
from mynah.store import access
from mynah.store.database import Database

log = logging.getLogger(__name__)
EVERY = 2.0
"""Seconds."""


class Watch:
    """Who has streams open, and the event that ends each."""

    def __init__(self, db: Database, every: float = EVERY) -> None:
        self._db, self._every = db, every
        self._open: dict[Caller, set[asyncio.Event]] = {}

    @contextmanager
    def over(self, who: Caller, ended: asyncio.Event) -> Iterator[None]:
        """While inside, `ended` is set once `who` may no longer."""
        self._open.setdefault(who, set()).add(ended)
        try:
            yield
        finally:
            self._open[who].remove(ended)
            if not self._open[who]:
                del self._open[who]

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            if callers := list(self._open):
                try:
                    gone = await asyncio.to_thread(self._gone, callers)
                except Exception:  # the database is away for a moment; the next look finds out
                    log.exception("could not look who may still read")
                    continue
                for who in gone:
                    for ended in self._open.get(who, ()):
                        ended.set()

    def _gone(self, callers: list[Caller]) -> list[Caller]:
        sessions = [who.session for who in callers if who.session]
        keys = [who.key for who in callers if who.key]
        with self._db.reading() as tx:
            held = access.still_in(tx, [who.user for who in callers], sessions, keys)
        there = set().union(*held)
        return [who for who in callers if not {who.user, who.session, who.key} - {None} <= there]
