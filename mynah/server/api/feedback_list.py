"""What people thought of answers, for admins to look through. Whose words may be read: store/feedback_list.py."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from mynah.server.identity import Caller, admin
from mynah.store import Database
from mynah.store.feedback_list import Kind, Opinion, Wanted, judged_models, opinions


def routes(db: Database) -> APIRouter:
    """The list."""
    api = APIRouter(prefix="/api/feedback", tags=["feedback"])

    @api.get("")
    def feedback(
        who: Annotated[Caller, Depends(admin)],
        kind: Kind | None = None,
        model: Annotated[str, Query(max_length=200)] = "",
        rating: Annotated[int | None, Query(ge=-1, le=1)] = None,
        since: Annotated[datetime | None, Query(alias="from")] = None,
        until: Annotated[datetime | None, Query(alias="to")] = None,
        q: Annotated[str, Query(max_length=200)] = "",
        after: Annotated[str, Query(max_length=32)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Thumbs, votes and edits, newest first; words only of people who consent to being read."""
        wanted = Wanted(kind, model, rating, utc(since), utc(until), q.strip(), after)
        with db.reading() as tx:
            rows, models = opinions(tx, who.user, wanted, limit + 1), judged_models(tx)
        page = rows[:limit]
        return {
            "items": [_plain(row) for row in page],
            "next": page[-1].id if len(rows) > limit else None,
            "models": models,
        }

    return api


def utc(moment: datetime | None) -> datetime | None:
    """A time without a zone is meant in UTC."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(row: Opinion) -> dict[str, Any]:
    return asdict(row) | {"at": row.at.isoformat()}
