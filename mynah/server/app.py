"""The application: routes, the gate before them, errors in OpenAI's form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

import mynah
from mynah.server import chat_completions, completions, embeddings, errors
from mynah.server.accounts import Accounts
from mynah.server.api import (
    answers,
    conversations,
    datasets,
    drafts,
    feedback,
    feedback_list,
    keys,
    me,
    models,
    runs,
    served,
    session,
    settings,
    shares,
)
from mynah.server.api import people as api_people
from mynah.server.channels.desk import Desk
from mynah.server.channels.routes import Channels
from mynah.server.channels.settings import NO_CHANNELS, ChannelSettings
from mynah.server.connection import while_connected
from mynah.server.docs_page import docs_page
from mynah.server.generation import Service
from mynah.server.identity import Caller, Identity, may
from mynah.server.ledger import Ledger
from mynah.server.limits import Limits
from mynah.server.meter import Meter
from mynah.server.page_routes import lost, page_routes
from mynah.server.passwords import Passwords
from mynah.server.promotion import Promoter
from mynah.server.record import forget, keeping
from mynah.server.remote import Remote
from mynah.server.requests import ChatRequest, CompletionRequest, EmbeddingRequest
from mynah.server.security import Gate, Site
from mynah.server.streams import EventResponse, Streams
from mynah.server.talks import Talks
from mynah.server.upkeep import Upkeep
from mynah.server.watch import Watch
from mynah.store.database import Database

RESUMABLE = "x-stream-resumable"
"""A request header of ours: `true` lets an answer go on without its reader, who may come back for it."""
Reader = Annotated[Caller, Depends(may("chat", "completions"))]
GONE = Response(status_code=499)
"""Nobody reads it; nginx's number for a client that left."""


def build_app(
    engine: Service | Remote,
    db: Database,
    *,
    home: Path | None = None,
    accounts: bool = False,
    api_key: str = "",
    passwords: Passwords | None = None,
    channels: ChannelSettings = NO_CHANNELS,
) -> FastAPI:
    """The service over its own models, or over another server's; with a `home`, admins see its runs and promote them.

    Without `accounts` everybody is the one person at this machine, who brings `api_key` if there is one. `passwords`
    are hashed as argon2-cffi has it, unless one says how.
    """
    streams, ledger, site = Streams(engine.settings.keep_seconds), Ledger(db), Site(engine.settings.public_url)
    identity, limits, watch = Identity(db, accounts, site.secure), Limits(ledger), Watch(db)
    upkeep = Upkeep(ledger, engine.settings)
    people = Accounts(db, identity, site, passwords or Passwords())
    talks = Talks(engine, ledger, streams)
    outside = Channels(channels, Desk(ledger, talks, upkeep))
    if isinstance(engine, Service) and engine.record is forget:
        engine.record = keeping(ledger, engine.settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        ledger.start()
        await upkeep.start()
        await engine.start()
        watching = asyncio.create_task(watch.run(streams))
        yield
        watching.cancel()
        await outside.close()
        await streams.close()
        await engine.stop()
        await upkeep.stop()
        await ledger.stop()

    app = FastAPI(
        title="mynah",
        version=mynah.__version__,
        summary="The trained assistant, in OpenAI's wire format.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.db, app.state.identity, app.state.watch = db, identity, watch
    outward = _own(engine, streams, limits) if isinstance(engine, Service) else _others(engine, streams, limits)
    app.include_router(outward)
    app.include_router(_streams(streams))
    for router in _for_people(people, talks, streams, upkeep):
        app.include_router(router)
    app.include_router(outside.routes())
    app.include_router(_about(engine, app))
    for router in _for_admins(engine, db, home):
        app.include_router(router)
    app.include_router(page_routes())
    errors.install(app, lost)
    app.add_middleware(Gate, api_key=api_key, body_bytes=engine.settings.body_bytes, metrics=engine.metrics, site=site)
    return app


def _for_people(people: Accounts, talks: Talks, streams: Streams, upkeep: Upkeep) -> Iterator[APIRouter]:
    """What the page asks for: accounts, conversations and what hangs on them."""
    yield api_people.routes(people, streams)
    yield me.routes(people, streams, upkeep)
    for of_people in (session, keys, settings):
        yield of_people.routes(people)
    for noun in (conversations, answers, feedback, drafts, models):
        yield noun.routes(talks)
    yield shares.routes(talks, people.site)


def _for_admins(engine: Service | Remote, db: Database, home: Path | None) -> Iterator[APIRouter]:
    """Feedback and data sets; with a home its runs, and which of their checkpoints answers."""
    yield feedback_list.routes(db)
    yield datasets.routes(db)
    if home:
        yield runs.routes(home, db)
        yield served.routes(Promoter(engine, db, home) if isinstance(engine, Service) else None)


def _own(service: Service, streams: Streams, limits: Limits) -> APIRouter:
    """OpenAI's routes over our own models."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/chat/completions", dependencies=[Depends(may("chat"))])
    async def chat(body: ChatRequest, request: Request) -> Response:
        """Answer a conversation."""
        who = request.state.caller
        generation = await (await chat_completions.begin(service, body, who)).reserve(limits, who)
        if body.stream:
            objects = chat_completions.chunks(generation, body)
            return EventResponse(streams.open(generation.id, objects, _resumable(request), request.state.caller.user))
        await while_connected(request.receive, generation.finish())
        return JSONResponse(chat_completions.whole(generation, body)) if generation.over else GONE

    @routes.post("/completions", dependencies=[Depends(may("completions"))])
    async def complete(body: CompletionRequest, request: Request) -> Response:
        """Continue plain text, or token ids."""
        who = request.state.caller
        generation = await (await completions.begin(service, body, who)).reserve(limits, who)
        if body.stream:
            objects = completions.chunks(generation, body)
            return EventResponse(streams.open(generation.id, objects, _resumable(request), request.state.caller.user))
        await while_connected(request.receive, generation.finish())
        return JSONResponse(completions.whole(generation, body)) if generation.over else GONE

    @routes.post("/embeddings", dependencies=[Depends(may("embeddings"))])
    async def embed(body: EmbeddingRequest, request: Request) -> Response:
        """The mean of each text's last hidden states, of length 1."""
        made = await while_connected(request.receive, embeddings.embed(service, body, limits, request.state.caller))
        return GONE if made is None else JSONResponse(made)

    @routes.get("/models", dependencies=[Depends(may("models"))])
    async def models() -> dict[str, Any]:
        """Who answers here."""
        return {"object": "list", "data": [model.describe() for model in service.models]}

    @routes.get("/models/{name:path}", dependencies=[Depends(may("models"))])
    async def model(name: str) -> dict[str, Any]:
        """One of them."""
        return service.models.find(name).describe()

    return routes


def _others(remote: Remote, streams: Streams, limits: Limits) -> APIRouter:
    """The same routes over another server's models."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/chat/completions", dependencies=[Depends(may("chat"))])
    @routes.post("/completions", dependencies=[Depends(may("completions"))])
    @routes.post("/embeddings", dependencies=[Depends(may("embeddings"))])
    async def post(body: dict[str, Any], request: Request) -> Response:
        """Handed on to the engine's server."""
        path, meter = (
            request.url.path.removeprefix("/v1"),
            Meter(remote, limits, request.state.caller, await request.body(), body),
        )
        await meter.open()
        if body.get("stream"):
            answer = await while_connected(request.receive, meter.begin_stream(path))
            if answer is None or isinstance(answer, Response):
                return answer or GONE
            id, objects = answer
            return EventResponse(streams.open(id, objects, _resumable(request), request.state.caller.user))
        return await while_connected(request.receive, meter.whole(path)) or GONE

    @routes.get("/models", dependencies=[Depends(may("models"))])
    async def models() -> Response:
        """Who answers there."""
        return await remote.ask("GET", "/models")

    @routes.get("/models/{name:path}", dependencies=[Depends(may("models"))])
    async def model(name: str) -> Response:
        """One of them."""
        if ".." in name.split("/"):  # would lead to other routes of that server
            raise errors.APIError(404, f"The model '{name}' does not exist.", param="model", code="model_not_found")
        return await remote.ask("GET", f"/models/{quote(name)}")

    return routes


def _streams(streams: Streams) -> APIRouter:
    """Reading on after a reload."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/streams/{id}")
    async def read(id: str, request: Request, who: Reader) -> Response:
        """Events of a resumable stream after the one that `Last-Event-ID` names; without it, all."""
        last = request.headers.get("last-event-id", f"{id}/0")
        stream, (name, _, number) = streams.find(id, who.user), last.rpartition("/")
        if name != id or not number.isdecimal() or len(number) > 9:
            raise errors.APIError(400, f"Last-Event-ID '{last}' is no event of this stream.", param="Last-Event-ID")
        return EventResponse(stream, int(number))

    @routes.delete("/streams/{id}")
    async def stop(id: str, who: Reader) -> dict[str, Any]:
        """Stop generating."""
        streams.find(id, who.user).stop()
        return {"id": id, "object": "stream", "stopped": True}

    return routes


def _about(engine: Service | Remote, app: FastAPI) -> APIRouter:
    """Health, figures, documentation."""
    routes = APIRouter()

    @routes.get("/healthz")
    async def health() -> JSONResponse:
        """200 while the engine runs."""
        alive = engine.alive
        return JSONResponse({"status": "ok" if alive else "engine stopped"}, 200 if alive else 503)

    @routes.get("/metrics", dependencies=[Depends(may("metrics"))])
    async def metrics() -> PlainTextResponse:
        """For Prometheus."""
        return PlainTextResponse(engine.metrics.text(engine.in_flight), media_type="text/plain; version=0.0.4")

    @routes.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi()))

    return routes


def _resumable(request: Request) -> bool:
    return request.headers.get(RESUMABLE, "").lower() == "true"
