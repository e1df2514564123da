"""What an API key may spend: requests and tokens a minute, money a month. Reserved before, settled after.

The most that a request can take is reserved before it begins, so that a hundred at the same moment cannot all pass;
what it did not take is given back at its end. A crash gives nothing back, but the minute's limits run empty by
themselves, and the month's are counted anew at the next start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from mynah import store
from mynah.server.errors import APIError
from mynah.server.identity import Caller, not_valid
from mynah.server.ledger import Ledger
from mynah.server.service_settings import read_settings
from mynah.store import access
from mynah.store.allowance import Draw, Refusal, draw, give_back
from mynah.store.schema import now
from mynah.store.spent import budget_name

MINUTE = 60.0


@dataclass(frozen=True)
class Tab:
    """What was reserved for one request."""

    ledger: Ledger | None = None
    taken: tuple[Draw, ...] = ()

    async def settle(self, tokens: int, cost: float) -> None:
        """It took this much in the end; call it once."""
        if self.ledger and self.taken:
            await self.ledger.write(partial(self._settle, tokens=tokens, cost=cost))

    def _settle(self, tx: Connection, tokens: int, cost: float) -> None:
        for one in self.taken:
            give_back(tx, one.name, one.amount - (cost if one.seconds is None else tokens))


FREE = Tab()
"""For whom nothing is limited: a person at the page, a key without limits."""


class Limits:
    """Opens a tab for each request of a key."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def open(self, who: Caller, prompt: int, answer: int, cost: float) -> Tab:
        """Reserve one request, its tokens and its cost, or APIError 429 with Retry-After.

        Of the tokens, the prompt's must be there; an answer that becomes longer than the room that is left is given to
        its end, and the key waits until the debt has run out.
        """
        if not who.key:
            return FREE
        wanted = await self._ledger.read(partial(_draws, key=who.key, prompt=prompt, answer=answer, cost=cost))
        taken = await self._ledger.write(partial(draw, draws=wanted)) if wanted else []
        if isinstance(taken, Refusal):
            raise _too_much(taken)
        return Tab(self._ledger, tuple(one for one in taken if not one.name.endswith(":requests")))

    async def note(self, tab: Tab, who: Caller, prompt: int, completion: int, seconds: float, cost: float) -> None:
        """Settle, and note as usage, what is no completion of ours: embeddings, another engine's answers. In tokens."""
        await tab.settle(prompt + completion, cost)
        if prompt or completion:
            numbers: dict[str, Any] = {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "seconds": seconds,
                "cost": cost,
            }
            known: dict[str, Any] = {"api_key": who.key, "completion": None, "model_version": None}
            await self._ledger.write(partial(store.note_usage, person=who.user, **known, **numbers))


def _draws(tx: Connection, key: str, prompt: int, answer: int, cost: float) -> list[Draw]:
    """What is wanted of a key's requests, tokens and money, as far as they have limits."""
    own, service = access.key_limits(tx, key), read_settings(tx)
    if own is None:  # revoked a moment ago
        raise not_valid()
    wanted = []
    if (limit := _least(own.requests_per_minute, service.requests_per_minute)) is not None:
        wanted.append(Draw(f"key:{key}:requests", 1, limit, MINUTE))
    if (limit := _least(own.tokens_per_minute, service.tokens_per_minute)) is not None:
        wanted.append(Draw(f"key:{key}:tokens", prompt + answer, limit, MINUTE, least=min(prompt, limit)))
    if (limit := _least(own.monthly_budget, service.monthly_budget)) is not None:
        wanted.append(Draw(budget_name(key), cost, limit, None))
    return wanted


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
