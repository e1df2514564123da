"""`/api/shares`: a snapshot of a conversation up to one message, for whoever has the link."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from mynah import store
from mynah.server.api.here import BodyId, Id, Who, found, missing, page
from mynah.server.api.parts import parts
from mynah.server.errors import APIError
from mynah.server.requests import Body
from mynah.server.security import Site
from mynah.server.talks import Talks


class NewShare(Body):
    """`POST /api/conversations/ID/share`"""

    message: BodyId
    """The last one that is shown."""


def routes(talks: Talks, site: Site) -> APIRouter:
    api, ledger = APIRouter(prefix="/api", tags=["shares"]), talks.ledger

    @api.post("/conversations/{id}/share", status_code=201)
    async def share(who: Who, id: Id, body: NewShare, request: Request) -> dict[str, Any]:
        """A new secret link; it is shown this once."""
        try:
            with found():
                made, token = await ledger.write(lambda tx: store.add_share(tx, who.user, id, body.message))
        except ValueError as error:
            raise APIError(400, f"{str(error).capitalize()}.", code="not_shareable") from None
        return {"id": made, "url": f"{site.home(request)}/s/{token}"}

    @api.get("/conversations/{id}/shares")
    async def shares(who: Who, id: Id) -> dict[str, Any]:
        """Those that are open, newest first; their links are known to nobody any more."""
        with found():
            listed = await ledger.read(lambda tx: store.shares(tx, who.user, id))
        return page([vars(one) | {"created_at": one.created_at.isoformat()} for one in listed])

    @api.delete("/shares/{id}", status_code=204)
    async def revoke(who: Who, id: Id) -> Response:
        """Close one: from now on its link leads nowhere."""
        with found():
            await ledger.write(lambda tx: store.revoke_share(tx, who.user, id))
        return Response(status_code=204)

    @api.get("/shared/{token}")
    async def shared(token: str) -> dict[str, Any]:
        """What a link shows; for everybody, so nothing says whose it is."""
        if len(token) > 64:
            raise missing()
        with found():
            title, said = await ledger.read(lambda tx: store.shared(tx, token))
        made = parts(said)
        messages = [{"role": one.message.role, "parts": made[one.id]} for one in said]
        return {"title": title, "messages": messages}

    return api
