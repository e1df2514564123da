"""A stop holds, whenever it comes: in the same moment as a piece of the answer, before anything began, at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from mynah import store
from mynah.nouns import SamplingParams
from mynah.server import writing
from mynah.server.ledger import Ledger
from mynah.server.replies import Given
from mynah.server.settings import ServeSettings
from mynah.server.streams import Stream
from mynah.server.upkeep import Upkeep
from tests.server.test_serving import events

SOON = 5.0
"""Seconds; whoever waits longer waits for ever."""


class Notes:
    """In place of the ledger: what was asked of it, each a few moments later."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def write(self, write: Callable) -> list[dict]:
        return await asyncio.shield(asyncio.create_task(self._write(write)))

    async def _write(self, write: Callable) -> list[dict]:
        await moments(3)
        self.done.append(write.func.__name__)
        return [{"type": "finished"} for _ in write.keywords["answers"]]

    def ask(self, write: Callable) -> None:
        pass


class Speaker:
    """An answer that says what is put into `words`; `over` counts how often it came to an end or was given up."""

    dropped, model, params, prompt_tokens = 0, "tiny", SamplingParams(1), 1
    given = Given("", 0, "cancelled")

    def __init__(self) -> None:
        self.words: asyncio.Queue[str] = asyncio.Queue()
        self.over = 0

    async def pieces(self) -> AsyncIterator[str]:
        try:
            while (word := await self.words.get()) != "end":
                yield word
        finally:
            self.over += 1

    async def abandon(self) -> None:
        self.over += 1


async def moments(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def answering(speaker: Speaker, notes: Notes) -> Stream:
    place = writing.Place("q", "p", None)
    return Stream("s", writing.events(notes, ServeSettings(), place, [speaker], "s"), kept=True, owner="ann")


async def told(stream: Stream) -> list[str]:
    some = b"".join([part async for part in stream.read()])
    return [thing.get("type", "done") for _, thing in events(some.decode().splitlines())]


async def ended_well(stream, speaker, notes) -> None:
    """Soon, once, recorded, and told to whoever reads."""
    async with asyncio.timeout(SOON):
        await stream.over()
        assert notes.done == ["_begin", "_finish"]
        assert speaker.over == 1
        kinds = await told(stream)
        assert [kind for kind in kinds if kind != "delta"] == ["started", "finished", "done"]


@pytest.mark.parametrize("later", range(8))
def test_a_stop_in_the_moment_of_a_word_holds(later):
    async def run() -> None:
        speaker, notes = Speaker(), Notes()
        stream = await answering(speaker, notes)
        await moments(20)
        speaker.words.put_nowait("word")
        await moments(later)
        stream.stop()
        await ended_well(stream, speaker, notes)

    asyncio.run(run())


@pytest.mark.parametrize("later", range(40))
def test_a_stop_at_any_time_leaves_nothing_half_done(later):
    async def run() -> None:
        speaker, notes = Speaker(), Notes()
        for word in ("red", "sun", "end"):
            speaker.words.put_nowait(word)
        stream = await answering(speaker, notes)
        await moments(later)
        stream.stop()
        await ended_well(stream, speaker, notes)

    asyncio.run(run())


@pytest.mark.parametrize("later", range(8))
def test_a_reader_who_goes_in_the_moment_of_a_word_is_gone(later):
    async def run() -> None:
        speaker = Speaker()

        async def objects() -> AsyncIterator[dict]:
            async for word in speaker.pieces():
                yield {"text": word}

        stream = Stream("s", objects(), kept=False, owner="ann")
        reader = asyncio.create_task(told(stream))
        await moments(20)
        speaker.words.put_nowait("word")
        await moments(later)
        reader.cancel()
        async with asyncio.timeout(SOON):
            await asyncio.wait({reader})
            await stream.over()  # with its last reader

    asyncio.run(run())


@pytest.mark.parametrize("later", range(6))
def test_upkeep_stops_in_the_moment_in_which_it_is_woken(tmp_path, later):
    async def run() -> None:
        db = store.open(tmp_path / "mynah.db")
        ledger = Ledger(db)
        ledger.start()
        upkeep = Upkeep(ledger, ServeSettings())
        await upkeep.start()
        while not upkeep._rounds:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # it sleeps
        upkeep._wake.set()
        await moments(later)
        async with asyncio.timeout(SOON):
            await upkeep.stop()
        await ledger.stop()
        db.close()

    asyncio.run(run())
