"""Limits that hold for all workers together: buckets with a hole, in the database.

What is taken fills a bucket, and a full one runs empty in `seconds`. So a bucket of 60 that runs empty in 60 s gives 60
at once, and then one a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from mynah.store.once import insert_once
from mynah.store.schema import allowance, now

MONTH = timedelta(days=40)
"""A bucket that never runs empty is named for its month, and forgotten after it."""


@dataclass(frozen=True)
class Draw:
    """`amount` wanted out of what the bucket `name` allows."""

    name: str
    amount: float
    capacity: float
    seconds: float | None
    """In how many a full bucket runs empty by itself; None for never."""
    least: float | None = None
    """So much will do, if there is no room for all."""

    def level(self, kept: float, passed: timedelta) -> float:
        """What is in it, `passed` after it was `kept`."""
        leaked = self.capacity * passed.total_seconds() / self.seconds if self.seconds else 0.0
        return max(0.0, kept - max(0.0, leaked))


@dataclass(frozen=True)
class Refusal:
    """Which draw found no room, and in how many seconds it would; None for never."""

    draw: Draw
    wait: float | None


def draw(tx: Connection, draws: Iterable[Draw]) -> list[Draw] | Refusal:
    """Take something of all `draws` or nothing; `amount` of those that come back is what was taken.

    Two at the same moment wait for each other: nothing is given twice. ValueError for a negative amount, which would
    empty the bucket.
    """
    draws = list(draws)
    for one in draws:
        if not one.amount >= 0:  # not a number, too
            raise ValueError(f"{one.name}: an amount of {one.amount} cannot be drawn")
    at, taken, levels = now(), [], []
    for one in sorted(draws, key=lambda one: one.name):  # always in one order, lest two wait for each other forever
        fresh = {"name": one.name, "level": 0.0, "at": at, "forget_at": _forget_at(one, at)}
        insert_once(tx, allowance, fresh, "name")
        kept = tx.execute(select(allowance).where(allowance.c.name == one.name).with_for_update()).one()
        level = one.level(kept.level, at - kept.at)
        room = one.capacity - level
        missing = (one.amount if one.least is None else one.least) - room
        if missing > 1e-9:
            wait = missing * one.seconds / one.capacity if one.seconds and one.capacity else None
            return Refusal(one, wait)
        taken.append(replace(one, amount=min(one.amount, max(0.0, room))))
        levels.append(level + taken[-1].amount)
    for one, level in zip(taken, levels, strict=True):
        changed = {"level": level, "at": at, "forget_at": _forget_at(one, at)}
        tx.execute(update(allowance).where(allowance.c.name == one.name).values(changed))
    return taken


def give_back(tx: Connection, name: str, amount: float) -> None:
    """Put back what was taken and not used; a negative amount is what was used beyond."""
    least = func.greatest if tx.dialect.name == "postgresql" else func.max
    level = least(0.0, allowance.c.level - amount)
    tx.execute(update(allowance).where(allowance.c.name == name).values(level=level))


def forget_empty(tx: Connection) -> None:
    """Delete the buckets that have run empty."""
    tx.execute(delete(allowance).where(allowance.c.forget_at < now()))


def _forget_at(one: Draw, at: datetime) -> datetime:
    return at + (timedelta(seconds=2 * one.seconds) if one.seconds else MONTH)
