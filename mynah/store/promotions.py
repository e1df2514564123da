"""Which model was given to people, on what evidence and by whom, and where a rollback leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from mynah.store import content
from mynah.store.schema import SERVICE, new_id, promotion, user

Decision = Literal["promote", "reject", "rollback"]


@dataclass(frozen=True)
class Decided:
    """One decision. `comparison` says under which name (`served_as`) which checkpoint (`run`, `stage`) took whose place
    (`replaced`), and the win rate with its interval, if it was measured."""

    id: str
    decision: Decision
    version: str
    replaces: str | None
    comparison: Mapping[str, Any]
    reason: str
    author: str | None
    author_name: str
    at: datetime


def decide(
    tx: Connection,
    decision: Decision,
    version: str,
    *,
    replaces: str | None,
    comparison: Mapping[str, Any],
    reason: str = "",
    author: str | None = None,
) -> str:
    """Record a decision; without an author the loop took it. The words of the reason are the author's own."""
    row = {"id": new_id(), "decision": decision, "model_version": version, "replaces": replaces, "author": author}
    words = content.write_optional(tx, author or SERVICE, reason)
    tx.execute(promotion.insert(), row | {"comparison": dict(comparison), "reason": words})
    return str(row["id"])


def decisions(tx: Connection, served_as: str = "") -> list[Decided]:
    """All decisions, the first one first; `served_as` keeps those about one name."""
    p = promotion.c
    rows = tx.execute(select(promotion, user.c.name).outerjoin(user, user.c.id == p.author).order_by(p.id)).all()
    words = content.read(tx, (row.reason for row in rows))
    return [
        Decided(
            row.id,
            row.decision,
            row.model_version,
            row.replaces,
            row.comparison,
            words.get(row.reason, ""),
            row.author,
            row.name or "",
            row.created_at,
        )
        for row in rows
        if not served_as or row.comparison.get("served_as") == served_as
    ]


def standing(decided: list[Decided]) -> list[Decided]:
    """The promotions that hold, the newest last: each rollback takes the last one back."""
    held: list[Decided] = []
    for one in decided:
        if one.decision == "promote":
            held.append(one)
        elif one.decision == "rollback" and held:
            held.pop()
    return held
