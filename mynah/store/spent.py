"""What was served, summed by day: to whom, through which key, by which model, at which cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from mynah.store import content
from mynah.store.schema import allowance, api_key, model_version, now, usage


@dataclass(frozen=True)
class Day:
    """One person's use of one model through one key (or at the page, without one) on one day of UTC."""

    day: str
    user: str
    key: str | None
    """The key's id, and"""
    key_name: str
    model: str
    """Empty where it is not known: an embedding, an answer of another engine."""
    requests: int
    """Answers, to be exact: a request for three counts as three."""
    prompt_tokens: int
    completion_tokens: int
    cost: float


def budget_name(key: str) -> str:
    """The allowance that a key's spending of this month is counted in, by UTC."""
    return f"key:{key}:{now():%Y-%m}"


def recount_budgets(tx: Connection) -> None:
    """Set what was taken of this month's budgets to what was served: a crash gives back nothing that was reserved.

    Only while nobody else serves: else what they have reserved just now would be given away.
    """
    month = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    names = tx.scalars(select(allowance.c.name).where(allowance.c.name.like(budget_name("%")))).all()
    for name in names:
        key = name.split(":")[1]
        spent = select(func.coalesce(func.sum(usage.c.cost), 0.0)).where(usage.c.api_key == key)
        level = tx.scalar(spent.where(usage.c.created_at >= month))
        tx.execute(update(allowance).where(allowance.c.name == name).values(level=level))


def usage_by_day(tx: Connection, days: int, person: str = "") -> list[Day]:
    """The last `days` days, newest first; of one person, or of all."""
    u, at = usage.c, usage.c.created_at
    day = func.date(func.timezone("UTC", at) if tx.dialect.name == "postgresql" else at)
    sums: list[Any] = [func.count(), func.sum(u.prompt_tokens), func.sum(u.completion_tokens), func.sum(u.cost)]
    since = (now() - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    keys = (day.label("day"), u.user, u.api_key, api_key.c.name.label("named"), model_version.c.name.label("model"))
    wanted = select(*keys, *(total.label(f"sum_{i}") for i, total in enumerate(sums)))
    wanted = wanted.select_from(usage).outerjoin(api_key, api_key.c.id == u.api_key)
    wanted = wanted.outerjoin(model_version, model_version.c.id == u.model_version).where(at >= since)
    if person:
        wanted = wanted.where(u.user == person)
    rows = tx.execute(wanted.group_by(*keys)).all()
    names = content.read(tx, (row.named for row in rows))
    found = [
        Day(
            str(row.day), row.user, row.api_key, names.get(row.named, ""), row.model or "",
            row.sum_0, row.sum_1, row.sum_2, round(row.sum_3, 9),
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda row: (row.day, row.user, row.key or "", row.model), reverse=True)
