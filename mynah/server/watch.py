"""Ends what is still open for somebody who may no longer: signed out, disabled, key revoked.

A request is checked when it comes; a stream goes on for minutes. So every few seconds one query asks of all that have
streams open whether they still may, however many there are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from mynah.server.identity import Caller
from mynah.store import access
from mynah.store.database import Database

log = logging.getLogger(__name__)
EVERY = 2.0
"""Seconds."""


class Writers(Protocol):
    """Those that write answers for people."""

    def owners(self) -> set[str]: ...

    def stop_of(self, owner: str) -> None: ...


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

    async def run(self, writers: Writers) -> None:
        """Look until cancelled; of a person who is disabled or gone, what `writers` write is stopped too."""
        while True:
            await asyncio.sleep(self._every)
            callers, owners = list(self._open), writers.owners()
            if not callers and not owners:
                continue
            try:
                there = await asyncio.to_thread(self._there, callers, owners)
            except Exception:  # the database is away for a moment; the next look finds out
                log.exception("could not look who may still read")
                continue
            for who in callers:
                if not {who.user, who.session, who.key} - {None} <= there:
                    for ended in self._open.get(who, ()):
                        ended.set()
            for owner in owners - there:
                writers.stop_of(owner)

    def _there(self, callers: list[Caller], owners: set[str]) -> set[str]:
        """The ids of the people, sessions and keys that hold."""
        people = owners | {who.user for who in callers}
        sessions = [who.session for who in callers if who.session]
        keys = [who.key for who in callers if who.key]
        with self._db.reading() as tx:
            return set[str]().union(*access.still_in(tx, list(people), sessions, keys))
