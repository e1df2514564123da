"""`/api/conversations/ID/answers`, `/api/streams`: say something, read the answer, come back for the rest, stop it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from mynah.server.api.here import BodyId, Id, Who, found
from mynah.server.errors import APIError
from mynah.server.replies import Wanted
from mynah.server.requests import Body, Number
from mynah.server.streams import EventResponse
from mynah.server.talks import Ask, Said, Talks


class NewMessage(Body):
    """A person's words; the client makes the id, and so can send them again."""

    id: BodyId
    parent: BodyId | None = None
    content: Annotated[str, Field(min_length=1)]


class Params(Body):
    """How the answer is drawn."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None  # what JavaScript's numbers hold


class NewAnswer(Body):
    """`POST /api/conversations/ID/answers`"""

    message: NewMessage | None = None
    parent: BodyId | None = None
    model: Annotated[str, Field(max_length=300)] = ""
    n: Literal[1, 2] = 1
    params: Params = Params()

    def ask(self) -> Ask:
        if (self.message is None) == (self.parent is None):
            message = "Give either a message to add, or the parent that shall be answered again."
            raise APIError(400, message, param="message", code="invalid_value")
        said = self.message and Said(self.message.id, self.message.parent, self.message.content)
        return Ask(said or None, self.parent, self.n, Wanted(self.model, **self.params.model_dump()))


def routes(talks: Talks) -> APIRouter:
    api = APIRouter(prefix="/api", tags=["answers"])

    @api.post("/conversations/{id}/answers")
    async def answer(who: Who, id: Id, body: NewAnswer) -> Response:
        """Add a message and answer it, or answer one again; events as the answer comes."""
        with found():
            return EventResponse(await talks.answer(who.user, id, body.ask(), who.key))

    @api.get("/streams/{id}")
    async def read(who: Who, id: Id, request: Request) -> Response:
        """Events after the one that `Last-Event-ID` names; without it, all."""
        stream = talks.streams.find(id, who.user)
        last = request.headers.get("last-event-id", f"{id}/0")
        name, _, number = last.rpartition("/")
        if name != id or not number.isdecimal() or len(number) > 9:
            raise APIError(400, f"Last-Event-ID '{last}' is no event of this stream.", param="Last-Event-ID")
        return EventResponse(stream, int(number))

    @api.delete("/streams/{id}")
    async def stop(who: Who, id: Id) -> dict[str, Any]:
        """Stop writing; what was said is kept."""
        stream = talks.streams.find(id, who.user)
        stream.stop()
        await stream.over()
        return {"id": id, "stopped": True}

    return api
