"""`/api/drafts`: what a person has typed and not sent, on whichever of their machines."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from mynah import store
from mynah.server.api.here import Who
from mynah.server.requests import Body
from mynah.server.talks import Talks

Place = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,64}$")]
"""The id of a conversation or an assignment, or a word such as `new`."""


class Draft(Body):
    """`PUT /api/drafts/PLACE`; an empty text is no draft."""

    content: Annotated[str, Field(max_length=1_000_000)]


def routes(talks: Talks) -> APIRouter:
    api, ledger = APIRouter(prefix="/api", tags=["drafts"]), talks.ledger

    @api.get("/drafts/{place}")
    async def read(who: Who, place: Place) -> dict[str, Any]:
        """The draft for a place; empty if there is none."""
        return {"place": place, "content": await ledger.read(lambda tx: store.read_draft(tx, who.user, place))}

    @api.put("/drafts/{place}")
    async def keep(who: Who, place: Place, body: Draft) -> dict[str, Any]:
        """Replace it."""
        await ledger.write(lambda tx: store.keep_draft(tx, who.user, place, body.content))
        return {"place": place, "content": body.content}

    return api
