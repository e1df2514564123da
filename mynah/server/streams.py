"""Server-sent events that outlive their reader: a page that is loaded again reads on from the last event it has."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from mynah.server.connection import while_connected
from mynah.server.errors import APIError, EngineError
from mynah.server.watch import Watch

log = logging.getLogger(__name__)

ALIVE_EVERY = 15.0
"""Seconds after which a silent stream says so, lest a proxy cut it off."""
LOOK_EVERY = 1.0
"""Seconds after which a silent stream looks whether its reader may still read."""
NO_LONGER = APIError(401, "You are signed out, or the API key was revoked.", code="not_signed_in")
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""nginx would hold events back."""


class Stream:
    """The events of one answer. A task writes them; readers come, go, and come again.

    Without `kept` the writer stops with its last reader.
    """

    def __init__(self, id: str, objects: AsyncIterator[dict[str, Any]], kept: bool, owner: str) -> None:
        self.id, self.kept, self.owner = id, kept, owner
        self.ended: float | None = None
        """When, on the monotonic clock."""
        self._events: list[bytes] = []
        self._news = asyncio.Event()
        self._readers = 0
        self._begun = self._stopped = False
        self._task = asyncio.create_task(self._write(objects))

    def stop(self) -> None:
        """Stop generating; readers see the end."""
        if not self._stopped:  # a second blow would strike while the first is being recorded
            self._stopped = True
            if self._begun:  # a task that is cancelled before its first step takes none, and nobody tidies up
                self._task.cancel()

    def when_over(self, tell: Callable[[Stream], None]) -> None:
        """`tell` is called once nothing more is written."""
        self._task.add_done_callback(lambda _: tell(self))

    async def over(self) -> None:
        """Returns once nothing more is written."""
        await asyncio.wait({self._task})

    async def read(self, after: int = 0, ended: asyncio.Event | None = None) -> AsyncIterator[bytes]:
        """Events from number `after` on, those that are there at once in one piece; an error once `ended` is set."""
        self._readers += 1
        silent = 0.0
        try:
            while True:
                news = self._news
                if ended and ended.is_set():
                    yield f"data: {json.dumps(NO_LONGER.body)}\n\n".encode()
                    return
                if some := self._events[after:]:
                    after += len(some)  # before they are sent: more may come meanwhile
                    silent = 0.0
                    yield b"".join(some)
                elif self.ended is not None:
                    return
                else:
                    try:
                        async with asyncio.timeout(LOOK_EVERY):  # wait_for would lose that the reader went with news
                            await news.wait()
                    except TimeoutError:
                        silent += LOOK_EVERY
                    if silent >= ALIVE_EVERY:
                        silent = 0.0
                        yield b": still here\n\n"
        finally:
            self._readers -= 1
            if not self.kept and not self._readers:
                self.stop()

    async def objects(self) -> AsyncIterator[dict[str, Any]]:
        """What the events say, from the first one to the last."""
        async for some in self.read():
            for line in some.decode().split("\n"):
                if line.startswith("data: {"):
                    yield json.loads(line.removeprefix("data: "))

    async def _write(self, objects: AsyncIterator[dict[str, Any]]) -> None:
        self._begun = True
        if self._stopped and (task := asyncio.current_task()):
            task.cancel()  # strikes where it first waits
        try:
            async for thing in objects:
                self._add(json.dumps(thing, ensure_ascii=False, separators=(",", ":")))
            self._add("[DONE]")
        except APIError as error:
            self._add(json.dumps(error.body))
        except Exception:
            log.exception("a stream broke off")
            self._add(json.dumps(EngineError("The server had an error while answering; its log says more.").body))
        finally:
            self.ended = time.monotonic()
            self._tell()

    def _add(self, data: str) -> None:
        self._events.append(f"id: {self.id}/{len(self._events) + 1}\ndata: {data}\n\n".encode(errors="replace"))
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Streams:
    """The streams that can be read again, for `keep_seconds` after their end."""

    def __init__(self, keep_seconds: float) -> None:
        self._keep_seconds = keep_seconds
        self._kept: dict[str, Stream] = {}
        self._written: set[Stream] = set()  # those that are being written

    def open(self, id: str, objects: AsyncIterator[dict[str, Any]], kept: bool, owner: str) -> Stream:
        """Begin to write; `owner` is the person who alone may read it."""
        self._forget_old()
        stream = Stream(id, objects, kept, owner)
        self._written.add(stream)
        stream.when_over(self._written.discard)
        if kept:
            self._kept[id] = stream
        return stream

    def find(self, id: str, owner: str) -> Stream:
        """APIError 404 alike for somebody else's and for one that never was."""
        self._forget_old()
        if id not in self._kept or self._kept[id].owner != owner:
            raise APIError(404, f"No stream '{id}' is kept here, or no longer.", param="id", code="stream_not_found")
        return self._kept[id]

    def keeps(self, id: str) -> bool:
        """Whether it can be read here, by its owner."""
        self._forget_old()
        return id in self._kept

    def owners(self) -> set[str]:
        """For whom something is being written."""
        return {stream.owner for stream in self._written}

    def stop_of(self, owner: str) -> None:
        """Stop all that is written for a person."""
        for stream in list(self._written):
            if stream.owner == owner:
                stream.stop()

    async def end_of(self, owner: str) -> None:
        """The same, and wait until what they said is recorded."""
        ending = [stream for stream in self._written if stream.owner == owner]
        self.stop_of(owner)
        await asyncio.gather(*(stream.over() for stream in ending))

    async def close(self) -> None:
        """Stop them all, and wait until what they said is recorded."""
        ending = list(self._written)
        for stream in ending:
            stream.stop()
        await asyncio.gather(*(stream.over() for stream in ending))

    def _forget_old(self) -> None:
        oldest = time.monotonic() - self._keep_seconds
        over = [id for id, stream in self._kept.items() if stream.ended is not None and stream.ended < oldest]
        for id in over:
            del self._kept[id]


class EventResponse(StreamingResponse):
    """A stream as an HTTP response, from event number `after` on.

    It ends with the stream, with its client, and once its caller may read no longer.
    """

    def __init__(self, stream: Stream, after: int = 0) -> None:
        self._ended = asyncio.Event()
        super().__init__(stream.read(after, self._ended), headers=HEADERS, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watch: Watch = scope["app"].state.watch
        with watch.over(scope["state"]["caller"], self._ended):
            await while_connected(receive, self.stream_response(send))
