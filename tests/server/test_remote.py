"""Another OpenAI-compatible server as the engine: here, a mynah behind a mynah."""

import openai
import pytest

from mynah.server.metrics import Metrics
from mynah.server.remote import Remote
from mynah.server.settings import ServeSettings
from tests.server.conftest import parrot, service, serving
from tests.server.test_serving import ASK, STREAM, events, idle, said


def remote(url: str, key: str = "", **settings) -> Remote:
    return Remote(url, ServeSettings(**settings), Metrics(), key)


@pytest.fixture(scope="module")
def behind(address):
    with serving(remote(f"{address}/v1/")) as front:
        yield front


def test_everything_goes_through(behind, client):
    front = behind.openai()
    request = ASK | {"seed": 4, "max_tokens": 12}
    expected = client.chat.completions.create(**request)
    answer = front.chat.completions.create(**request)
    assert (answer.choices, answer.usage) == (expected.choices, expected.usage)
    pieces = front.chat.completions.create(**request, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in pieces) == expected.choices[0].message.content
    plain = {"model": "tiny", "prompt": "gold", "seed": 1, "logprobs": 1, "echo": True}
    assert front.completions.create(**plain).choices == client.completions.create(**plain).choices
    assert [model.id for model in front.models.list()] == ["tiny", "other"]
    assert front.models.retrieve("tiny").id == "tiny"
    assert (
        front.embeddings.create(model="tiny", input="a").data == client.embeddings.create(model="tiny", input="a").data
    )


def test_only_models_are_asked_for(behind):
    for name in ("%2e%2e", "%2e%2e/%2e%2e/metrics", "tiny/%2e%2e/tiny", "tiny%3Fa=b"):
        assert behind.http().get(f"/v1/models/{name}").status_code == 404


@pytest.mark.parametrize("stream", [False, True])
def test_its_errors_are_handed_back(behind, stream):
    with pytest.raises(openai.NotFoundError) as missing:
        behind.openai().chat.completions.create(**ASK | {"model": "gpt-9"}, stream=stream)
    assert missing.value.code == "model_not_found"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": NaN}', b'{"model": "\\ud800"}'])
def test_nonsense_does_not_break_it(behind, body):
    answer = behind.http().post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_an_engine_that_is_not_there_is_one_sentence():
    with serving(remote("http://127.0.0.1:9")) as front:
        for stream in (False, True):
            answer = front.http().post("/v1/chat/completions", json=ASK | {"stream": stream})
            assert answer.status_code == 502
            assert "does not answer" in answer.json()["error"]["message"]


def test_leaving_and_resuming_work_as_with_our_own_engine():
    model = parrot("one two three " * 8, pause=0.01)
    with serving(service(model), api_key="inner") as inner, serving(remote(inner, "inner")) as front:
        client, kept = front.http(), {"X-Stream-Resumable": "true"}
        with client.stream("POST", "/v1/chat/completions", json=STREAM) as answer:
            next(answer.iter_lines())
        assert idle(model.assistant.engine)  # through two servers
        with client.stream("POST", "/v1/chat/completions", json=STREAM, headers=kept) as answer:
            lines = answer.iter_lines()
            first = events([next(lines) for _ in range(12)])
        name = first[-1][0].rpartition("/")[0]
        rest = events(client.get(f"/v1/streams/{name}", headers={"Last-Event-ID": first[-1][0]}).text.splitlines())
        assert said(first + rest) == "one two three " * 8


def test_its_streams_are_counted_and_limited():
    model = parrot(pause=0.03)
    with serving(service(model), api_key="inner") as inner:
        front_engine = remote(inner, "inner", rows=1, queue=1)
        with serving(front_engine) as front:
            client = front.openai()
            streams = [client.chat.completions.create(**STREAM) for _ in range(2)]
            with pytest.raises(openai.RateLimitError):
                client.chat.completions.create(**ASK)
            for stream in streams:
                stream.close()
            assert idle(model.assistant.engine)
            assert client.models.list()
            assert set(front_engine.in_flight.values()) == {0}
