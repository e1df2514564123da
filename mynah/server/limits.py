"""What an API key may spend: requests and tokens a minute, money a month. Reserved before, settled after.

The most that a request can take is reserved before it begins, so that a hundred at the same moment cannot all pass;
what it did not take is given back at its end. A crash gives nothing back, but the minute's limits run empty by
themselves.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any

from mynah import store
from mynah.server.errors import APIError
from mynah.server.identity import Caller, not_valid
from mynah.server.service_settings import read_settings
from mynah.store import access
from mynah.store.allowance import Draw, Refusal, draw, give_back
from mynah.store.database import Database
from mynah.store.schema import now

MINUTE = 60.0


@dataclass(frozen=True)
class Tab:
    """What was reserved for one request."""

    db: Database | None = None
    tokens: Draw | None = None
    money: Draw | None = None

    async def settle(self, tokens: int, cost: float) -> None:
        """It took this much in the end; call it once."""
        if self.db and (self.tokens or self.money):
            await asyncio.to_thread(self._settle, self.db, tokens, cost)

    def _settle(self, db: Database, tokens: int, cost: float) -> None:
        with db.writing() as tx:
            for reserved, spent in ((self.tokens, tokens), (self.money, cost)):
                if reserved:
                    give_back(tx, reserved.name, reserved.amount - spent)


FREE = Tab()
"""For whom nothing is limited: a person at the page, a key without limits."""


class Limits:
    """Opens a tab for each request of a key."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def open(self, who: Caller, tokens: int, cost: float) -> Tab:
        """Reserve one request with so many tokens and such a cost, or APIError 429 with Retry-After."""
        return await asyncio.to_thread(self._open, who.key, tokens, cost) if who.key else FREE

    async def note(self, tab: Tab, who: Caller, prompt: int, completion: int, seconds: float, cost: float) -> None:
        """Settle, and note as usage, what is no completion of ours: embeddings, another engine's answers. In tokens."""
        await tab.settle(prompt + completion, cost)
        if prompt or completion:
            numbers = {"prompt_tokens": prompt, "completion_tokens": completion, "seconds": seconds, "cost": cost}
            await asyncio.to_thread(self._note, who, numbers)

    def _note(self, who: Caller, numbers: dict[str, Any]) -> None:
        with self._db.writing() as tx:
            store.note_usage(tx, who.user, api_key=who.key, completion=None, model_version=None, **numbers)

    def _open(self, key: str, tokens: int, cost: float) -> Tab:
        with self._db.reading() as tx:
            own, service = access.key_limits(tx, key), read_settings(tx)
        if own is None:  # revoked a moment ago
            raise not_valid()
        requests = _draw("requests", key, 1, _least(own.requests_per_minute, service.requests_per_minute))
        of_tokens = _draw("tokens", key, tokens, _least(own.tokens_per_minute, service.tokens_per_minute))
        budget = _least(own.monthly_budget, service.monthly_budget)
        money = Draw(f"key:{key}:{now():%Y-%m}", cost, budget, None) if budget is not None else None
        wanted = [one for one in (requests, of_tokens, money) if one]
        if wanted:
            with self._db.writing() as tx:
                refusal = draw(tx, wanted)
            if refusal:
                raise _too_much(refusal)
        return Tab(self._db, of_tokens, money)


def _draw(what: str, key: str, amount: int, limit: float | None) -> Draw | None:
    """More than the whole limit waits until nothing is taken, and is let through then: else it would never be."""
    return Draw(f"key:{key}:{what}", min(amount, limit), limit, MINUTE) if limit is not None else None


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _too_much(refusal: Refusal) -> APIError:
    one = refusal.draw
    if one.seconds is None:
        wait, code = _until_next_month(), "insufficient_quota"
        message = (
            f"This API key may spend {one.capacity:g} a month, and this request could cost {one.amount:g}: too much "
            f"for what is left. Ask for fewer tokens (max_tokens), or wait for the next month."
        )
    else:
        what = one.name.rpartition(":")[2]
        wait, code = max(1, math.ceil(refusal.wait or MINUTE)), "rate_limit_exceeded"
        message = f"This API key may have {one.capacity:g} {what} a minute. Try again in {wait} s."
    headers = {"Retry-After": str(wait)}
    return APIError(429, message, kind="rate_limit_error", code=code, headers=headers)


def _until_next_month() -> int:
    at = now()
    year, month = divmod(at.year * 12 + at.month, 12)
    return math.ceil((at.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0) - at).total_seconds())
