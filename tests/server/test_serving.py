"""Many streams over one engine: who leaves frees rows, a full queue refuses, checkpoints change, readers come back."""

import asyncio
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import openai
import pytest

from mynah.nouns import Message, SamplingParams
from mynah.server.serving import EngineThread, Job, Letter
from mynah.server.streams import Stream
from tests import toys
from tests.server.conftest import assistant, parrot, served, service, serving

ASK = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]}
STREAM = ASK | {"stream": True}


def idle(engine, within: float = 5.0) -> bool:
    """Whether no row is in use and nothing waits, soon."""
    scheduler, end = engine._scheduler, time.monotonic() + within
    while time.monotonic() < end:
        if not (scheduler.running or scheduler.waiting or engine._requests):
            return True
        time.sleep(0.01)
    return False


def events(lines) -> list[tuple[str, dict]]:
    """(event id, object) of each event; the last object is {}."""
    found, id = [], ""
    for line in lines:
        if line.startswith("id: "):
            id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            data = line.removeprefix("data: ")
            found.append((id, {} if data == "[DONE]" else json.loads(data)))
    return found


def said(found: list[tuple[str, dict]]) -> str:
    return "".join(c["delta"].get("content") or "" for _, thing in found for c in thing.get("choices", []))


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_frees_its_rows(stream):
    model, recorded = parrot(pause=0.01), []
    with serving(service(model, recorded=recorded)) as address:
        with address.http() as client:
            request = client.build_request("POST", "/v1/chat/completions", json=ASK | {"stream": stream, "n": 3})
            if stream:
                answer = client.send(request, stream=True)
                lines = answer.iter_lines()
                assert len(said(events([next(lines) for _ in range(60)]))) > 6
                assert model.in_flight == 3
                answer.close()
            else:
                with pytest.raises(httpx2.ReadTimeout):
                    client.post("/v1/chat/completions", json=ASK | {"n": 3}, timeout=0.6)
        assert idle(model.assistant.engine)
        assert model.in_flight == 0
        [last] = recorded
        assert [completion.finish_reason for completion in last.completions] == ["cancelled"] * 3
        assert all(0 < len(completion.tokens) < 400 for completion in last.completions)
        assert address.openai().chat.completions.create(**ASK, max_tokens=3).choices[0].message.content


def test_a_full_queue_answers_429_and_recovers():
    model = parrot(pause=0.01, rows=2)
    with serving(service(model, queue=3)) as address:
        client = address.openai()
        streams = [client.chat.completions.create(**STREAM) for _ in range(5)]
        with pytest.raises(openai.RateLimitError, match="5 answers are under way") as refused:
            client.chat.completions.create(**ASK)
        assert int(refused.value.response.headers["retry-after"]) >= 1
        assert (refused.value.type, refused.value.code) == ("rate_limit_error", "rate_limit_exceeded")
        for stream in streams:
            stream.close()
        assert idle(model.assistant.engine)
        assert client.chat.completions.create(**ASK, max_tokens=3)
        assert "mynah_refused_total 1" in address.http().get("/metrics").text


def test_parallel_streams_say_what_they_say_alone(client):
    def say(seed):
        request = STREAM | {"seed": seed, "max_tokens": 20, "stop": ["e"]}
        return "".join(c.choices[0].delta.content or "" for c in client.chat.completions.create(**request))

    alone = [say(seed) for seed in range(12)]
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(say, range(12))) == alone
    assert len(set(alone)) > 10


def test_a_promoted_checkpoint_answers_while_the_old_one_finishes():
    old = parrot("a" * 120, pause=0.02)
    new = served(seed=1)
    serves = service(old)
    with serving(serves) as address:
        client = address.openai()
        stream = client.chat.completions.create(**STREAM)
        begun = [next(stream) for _ in range(5)]
        serves.models.promote(new)
        request = ASK | {"seed": 3, "max_tokens": 20}
        fresh = client.chat.completions.create(**request)
        assert fresh.system_fingerprint == new.fingerprint != begun[0].system_fingerprint
        [[expected]] = assistant(seed=1).engine.generate(
            [toys.chat().encode_prompt([Message("user", "hello")])],
            SamplingParams(20, seed=3, stop=toys.tokenizer().stop_ids),
        )
        assert fresh.choices[0].message.content == toys.tokenizer().decode(expected.tokens)
        assert old.in_flight == 1  # all this while the old one spoke
        rest = list(stream)
        text = "".join(c.choices[0].delta.content or "" for c in [*begun, *rest])
        assert text == "a" * 120
        assert rest[-1].choices[0].finish_reason == "stop"
        assert idle(old.assistant.engine)


def test_between_two_steps_is_one_call_at_most():
    async def run() -> list[str]:
        done, engine, thread = [], parrot().assistant.engine, EngineThread(asyncio.get_running_loop())
        step = engine.step
        engine.step = lambda: (done.append("step"), step())[1]
        inbox: asyncio.Queue[Letter] = asyncio.Queue()
        thread.submit(Job(engine, (65,), SamplingParams(40), 1, 0, inbox))
        calls = [thread.call(lambda: done.append("call")) for _ in range(8)]  # before it begins: all are there at once
        thread.start()
        await asyncio.gather(*calls)
        while (await inbox.get()).done is None:
            pass
        written = list(done)
        await thread.call(lambda: done.append("alone"))  # nothing else wakes the thread
        last = thread.call(lambda: done.append("last"))
        thread.stop()
        await last
        assert done == [*written, "alone", "last"]
        return written

    done = asyncio.run(run())
    assert done.count("call") == 8
    assert "callcall" not in "".join(done)


def test_embeddings_hold_a_place_while_they_are_made():
    model = parrot(rows=1)
    embed, places = model.assistant.engine.embed, []
    model.assistant.engine.embed = lambda ids: (places.append(model.in_flight), embed(ids))[1]
    with serving(service(model, queue=1)) as address:
        ask = {"model": "tiny", "input": "a"}
        assert address.openai().embeddings.create(**ask).data
        assert (places, model.in_flight) == ([1], 0)
        model.in_flight = 2
        with pytest.raises(openai.RateLimitError, match="2 answers are under way"):
            address.openai().embeddings.create(**ask)
        model.in_flight = 0
        with pytest.raises(openai.BadRequestError):
            address.openai().embeddings.create(**ask | {"input": []})
        assert model.in_flight == 0


def test_a_failing_step_ends_its_requests_and_not_the_service(caplog):
    broken, whole = parrot(), served("other", seed=1)
    step = broken.assistant.engine.step

    def fail():
        raise RuntimeError("out of memory")

    broken.assistant.engine.step = fail
    with serving(service(broken, whole)) as address, caplog.at_level(logging.CRITICAL):
        client = address.openai()
        with pytest.raises(openai.InternalServerError, match="out of memory") as failed:
            client.chat.completions.create(**ASK)
        assert failed.value.code == "engine_error"
        with pytest.raises(openai.APIError, match="out of memory"):
            list(client.chat.completions.create(**STREAM))
        assert client.chat.completions.create(**ASK | {"model": "other"}, max_tokens=3)
        broken.assistant.engine.step = step
        assert client.chat.completions.create(**ASK, max_tokens=3)
        assert broken.in_flight == 0


def test_a_reader_comes_back_for_the_rest():
    model = parrot("one two three " * 8, pause=0.01)
    with serving(service(model)) as address, address.http() as client:
        kept = {"X-Stream-Resumable": "true"}
        with client.stream("POST", "/v1/chat/completions", json=STREAM, headers=kept) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            first = events([next(lines) for _ in range(20)])
        name, _, number = first[-1][0].rpartition("/")
        assert int(number) == len(first)
        with client.stream("GET", f"/v1/streams/{name}", headers={"Last-Event-ID": first[-1][0]}) as answer:
            rest = events(answer.iter_lines())
        assert said(first + rest) == "one two three " * 8
        assert [int(id.rpartition("/")[2]) for id, _ in first + rest] == list(range(1, len(first + rest) + 1))
        assert rest[-1][1] == {}
        again = events(client.get(f"/v1/streams/{name}").text.splitlines())
        assert again == first + rest  # after its end too, from the beginning
        for nonsense in ("nonsense", f"{name}/x", f"{name}/{'9' * 5000}", "other/1"):
            assert client.get(f"/v1/streams/{name}", headers={"Last-Event-ID": nonsense}).status_code == 400
        assert client.get("/v1/streams/chatcmpl-0").json()["error"]["code"] == "stream_not_found"


def test_a_slow_reader_misses_nothing():
    """Events that come while others are on their way are sent next."""

    async def read_slowly() -> list[bytes]:
        async def objects():
            for number in range(20):
                yield {"n": number}
                await asyncio.sleep(0)

        got = []
        async for some in Stream("s", objects(), kept=False, owner="ann").read():
            got.append(some)
            await asyncio.sleep(0.002)
        return got

    found = events(b"".join(asyncio.run(read_slowly())).decode().splitlines())
    assert found == [(f"s/{n + 1}", {"n": n}) for n in range(20)] + [("s/21", {})]


def test_a_kept_stream_can_be_stopped_and_an_ordinary_one_is_not_kept():
    model = parrot(pause=0.01)
    with serving(service(model)) as address, address.http() as client:
        with client.stream("POST", "/v1/chat/completions", json=STREAM, headers={"X-Stream-Resumable": "true"}) as kept:
            name = next(kept.iter_lines()).removeprefix("id: ").rpartition("/")[0]
        time.sleep(0.1)
        assert not idle(model.assistant.engine, within=0.1)  # nobody reads, and it goes on
        assert client.delete(f"/v1/streams/{name}").json()["stopped"] is True
        assert idle(model.assistant.engine)
        with client.stream("POST", "/v1/chat/completions", json=STREAM) as plain:
            name = next(plain.iter_lines()).removeprefix("id: ").rpartition("/")[0]
        assert client.get(f"/v1/streams/{name}").status_code == 404
        assert idle(model.assistant.engine)


def test_kept_streams_are_forgotten_in_time():
    with serving(service(parrot("hi"), keep_seconds=2.0)) as address, address.http() as client:
        headers = {"X-Stream-Resumable": "true"}
        answer = client.post("/v1/chat/completions", json=STREAM, headers=headers)
        name = events(answer.text.splitlines())[0][0].rpartition("/")[0]
        assert client.get(f"/v1/streams/{name}").status_code == 200
        end = time.monotonic() + 20
        while client.get(f"/v1/streams/{name}").status_code == 200 and time.monotonic() < end:
            time.sleep(0.1)
        assert client.get(f"/v1/streams/{name}").status_code == 404


def test_a_stalled_reader_blocks_nobody():
    model = parrot(pause=0.001)
    with serving(service(model)) as address:
        client = address.openai()
        stalled = [client.chat.completions.create(**STREAM) for _ in range(4)]
        start = time.monotonic()
        assert len(client.chat.completions.create(**ASK, max_tokens=30).choices[0].message.content) == 30
        assert time.monotonic() - start < 20
        for stream in stalled:
            stream.close()
        assert idle(model.assistant.engine)


def test_shutting_down_records_what_nobody_reads():
    recorded = []
    with serving(service(parrot(pause=0.01), recorded=recorded)) as address, address.http() as client:
        headers = {"X-Stream-Resumable": "true"}
        with client.stream("POST", "/v1/chat/completions", json=STREAM, headers=headers) as answer:
            lines = answer.iter_lines()
            assert said(events([next(lines) for _ in range(30)]))
    assert [completion.finish_reason for completion in recorded[0].completions] == ["cancelled"]


def test_shutting_down_ends_streams():
    model = parrot(pause=0.01)
    got: list[int] = []
    with serving(service(model)) as address:
        stream = address.openai().chat.completions.create(**STREAM, max_tokens=50)
        reader = threading.Thread(target=lambda: got.append(len(list(stream))))
        reader.start()
    reader.join(5)
    assert got == [52]  # there was time to finish
