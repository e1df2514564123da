"""`/api/conversations`, `/api/search`: a person's history, and one conversation as a tree."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import Connection

from mynah import store
from mynah.nouns import Message
from mynah.server.api.here import ID, Id, Limit, Who, found, page
from mynah.server.api.parts import parts
from mynah.server.errors import APIError
from mynah.server.requests import Body
from mynah.server.talks import Talks

MAX_TITLE = 200
SOURCES = "^(chat|api|text|wecom|slack|import)$"


class NewConversation(Body):
    """`POST /api/conversations`"""

    temporary: bool = False
    """Kept out of history, search and training data, and forgotten after a day."""
    system: str = ""
    """What the model is told before all else."""


class Changes(Body):
    """`PATCH /api/conversations/ID`"""

    title: Annotated[str, Field(max_length=MAX_TITLE)] | None = None
    pinned: bool | None = None
    archived: bool | None = None


def routes(talks: Talks) -> APIRouter:
    api, ledger = APIRouter(prefix="/api", tags=["conversations"]), talks.ledger

    @api.get("/conversations")
    async def conversations(
        who: Who,
        limit: Limit = 50,
        after: str = "",
        archived: bool = False,
        source: Annotated[str, Query(pattern=SOURCES)] | None = None,
    ) -> dict[str, Any]:
        """A page of history: the pinned ones, on the first page, and then the newest."""
        start = _cursor(after) if after else None

        def read(tx: Connection) -> tuple[list[store.Listed], list[store.Listed]]:
            history = partial(store.conversations, tx, who.user, archived=archived, source=source or "")
            pinned = [] if start else history(pinned=True, limit=200)
            return pinned, history(pinned=False, limit=limit + 1, after=start)

        pinned, rest = await ledger.read(read)
        more = rest[limit - 1] if len(rest) > limit else None
        cursor = f"{more.updated_at.isoformat()}~{more.id}" if more else None
        return page([listed(talk) for talk in (*pinned, *rest[:limit])], cursor)

    @api.get("/search")
    async def search(who: Who, q: Annotated[str, Query(max_length=500)], limit: Limit = 50) -> dict[str, Any]:
        """The newest messages that have every word of `q`; quotes hold words together."""
        hits = await ledger.read(lambda tx: store.search(tx, who.user, q.replace("\0", " "), limit=limit))
        return page([vars(hit) | {"updated_at": hit.updated_at.isoformat()} for hit in hits])

    @api.post("/conversations", status_code=201)
    async def start(who: Who, body: NewConversation) -> dict[str, Any]:
        """Begin one."""

        def write(tx: Connection) -> dict[str, Any]:
            id = store.start_conversation(tx, who.user, temporary=body.temporary)
            if body.system:
                store.add_message(tx, id, Message("system", body.system), author=who.user)
            return listed(_listed(tx, who.user, id))

        return await ledger.write(write)

    @api.get("/conversations/{id}")
    async def conversation(who: Who, id: Id) -> dict[str, Any]:
        """All of it: messages as a tree by `parent`, and the streams that are being written."""
        with found():
            told = await ledger.read(partial(view, user=who.user, id=id))
        writing = [{"id": live.stream.id, "parent": live.question} for live in talks.live(id)]
        return told | {"streams": writing}

    @api.patch("/conversations/{id}")
    async def change(who: Who, id: Id, body: Changes) -> dict[str, Any]:
        """Rename, pin, archive."""

        def write(tx: Connection) -> dict[str, Any]:
            store.change_conversation(tx, who.user, id, pinned=body.pinned, archived=body.archived)
            if body.title is not None:
                store.rename(tx, who.user, id, body.title.strip())
            return listed(_listed(tx, who.user, id))

        with found():
            return await ledger.write(write)

    @api.delete("/conversations/{id}", status_code=204)
    async def delete(who: Who, id: Id) -> Response:
        """Forget every word of it."""
        with found():
            await ledger.read(lambda tx: store.own(tx, who.user, id))
            await talks.stop_in(id)
            await ledger.write(lambda tx: store.delete_conversation(tx, who.user, id))
        return Response(status_code=204)

    return api


def listed(talk: store.Listed) -> dict[str, Any]:
    return vars(talk) | {"updated_at": talk.updated_at.isoformat()}


def view(tx: Connection, user: str, id: str) -> dict[str, Any]:
    """A conversation with its messages. LookupError if it is not the user's."""
    talk, said = listed(_listed(tx, user, id)), store.messages(tx, id)
    answers = [message.completion for message in said if message.completion]
    told, thumbs = store.told(tx, answers), store.thumbs(tx, user, answers)
    known = store.voted(tx, user, [answer for answer in answers if told[answer].side])
    made, messages = parts(said), []
    for message in said:
        shown: dict[str, Any] = {
            "id": message.id,
            "parent": message.parent,
            "role": message.message.role,
            "parts": made[message.id],
            "created_at": message.created_at.isoformat(),
        }
        if message.completion:
            shown |= _answer(message.completion, told[message.completion], message.completion in known)
            if thumb := thumbs.get(message.completion):
                shown["reaction"] = {"thumb": thumb.rating, "reasons": thumb.reasons, "comment": thumb.comment}
        messages.append(shown)
    return talk | {"messages": messages}


def _answer(id: str, told: store.Told, voted: bool) -> dict[str, Any]:
    """Of two answers side by side the model is told once the person has voted."""
    shown: dict[str, Any] = {"completion": id, "finish_reason": told.finish_reason}
    if told.dropped:
        shown["dropped"] = told.dropped
    if told.side:
        shown |= {"side": told.side, "beside": told.beside}
    return shown if told.side and not voted else shown | {"model": told.model}


def _listed(tx: Connection, user: str, id: str) -> store.Listed:
    row = store.own(tx, user, id)
    return store.listed(row, store.content.read(tx, [row.title]).get(row.title, ""))


def _cursor(text: str) -> tuple[datetime, str]:
    at, _, id = text.partition("~")
    wrong = APIError(400, "'after' is no cursor of this list.", param="after", code="invalid_value")
    if not ID.fullmatch(id):
        raise wrong
    try:
        return datetime.fromisoformat(at).astimezone(), id
    except (ValueError, OverflowError):
        raise wrong from None
