"""Who may speak to the service, how much, and what nonsense does to it."""

import json
import socket
import threading

import httpx2
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.conftest import parrot, service, serving

ASK = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
POSTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")


def host_of(address: str) -> str:
    return address.removeprefix("http://")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "LOCALHOST:1"}, 200),
        ({"Host": "[::1]:8642"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "evil.example@127.0.0.1.x"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:5", "Origin": "http://localhost:5"}, 200),
        ({"Host": "localhost:5", "Origin": "http://localhost:6"}, 403),
    ],
)
def test_other_hosts_and_sites_are_refused(http, headers, status):
    answer = http.get("/v1/models", headers=headers)
    assert answer.status_code == status
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["x-content-type-options"] == "nosniff"
    if status != 200:
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_key_opens_and_nothing_else_does():
    with serving(service(parrot("hi")), api_key="secret ключ") as address:
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key") as refused:
            address.openai(api_key="wrong").chat.completions.create(**ASK)
        assert refused.value.code == "invalid_api_key"
        with address.http() as client:
            assert client.get("/v1/models").status_code == 401
            assert client.get("/metrics").status_code == 401
            assert client.get("/v1/models", headers={"Authorization": "Basic secret"}).status_code == 401
            assert client.get("/v1/models?api_key=secret").status_code == 401
            assert client.get("/healthz").json() == {"status": "ok"}
            assert client.get("/docs").status_code == 200
            right = {"Authorization": "Bearer secret ключ".encode()}
            assert client.get("/v1/models", headers=right).status_code == 200


def test_bodies_have_a_limit():
    with serving(service(parrot("hi"), body_bytes=1000)) as address, address.http() as client:
        long = json.dumps(ASK | {"user": "x" * 1000})
        for content in (long, (part for part in [long.encode()[:900], long.encode()[900:]])):  # with and without length
            answer = client.post("/v1/chat/completions", content=content, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_long")
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"3",
        b'"text"',
        b"\xff\xfe",
        b'{"model": 3}',
        b"[" * 50_000,
        b'{"model": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"model": "tiny", "temperature": NaN}',
        b'{"model": "tiny", "seed": 1e999}',
        b'{"model": "tiny", "seed": ' + b"9" * 5000 + b"}",
        b'{"model": "tiny", "model": "nobody"}',
    ],
    ids=lambda content: content[:16].decode("latin-1"),
)
def test_nonsense_is_the_clients_fault(http, path, content):
    answer = http.post(path, content=content, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert http.get("/healthz").status_code == 200


def test_deep_nesting_is_the_clients_fault(http):
    deep: dict = {}
    for _ in range(400):
        deep = {"a": deep}
    tool = {"type": "function", "function": {"name": "f", "parameters": deep}}
    call = {"type": "function", "function": {"name": "f", "arguments": "[" * 100_000}}
    said = [*ASK["messages"], {"role": "assistant", "tool_calls": [call]}, *ASK["messages"]]
    for change in ({"tools": [tool]}, {"messages": said}, {"metadata": deep}, {"tool_choice": deep}):
        answer = http.post(POSTS[0], json=ASK | change)
        assert 400 <= answer.status_code < 500, answer.text


def test_a_long_text_holds_up_nobody(http, address):
    """Half a million characters are read beside the event loop, and refused."""
    long = ASK | {"messages": [{"role": "user", "content": "gold cat 你" * 60_000}]}
    answers: list[httpx2.Response] = []
    post = threading.Thread(target=lambda: answers.append(address.http().post(POSTS[0], json=long)))
    post.start()
    healthy = 0
    while post.is_alive():
        healthy += http.get("/healthz").status_code == 200
    assert answers[0].json()["error"]["code"] == "context_length_exceeded"
    assert healthy >= 5


def test_other_forms_of_nonsense(http):
    for method, path, status in [("GET", "/v1/nothing", 404), ("GET", POSTS[0], 405), ("PUT", "/v1/models", 405)]:
        answer = http.request(method, path)
        assert answer.status_code == status
        assert answer.json()["error"]["type"] == "invalid_request_error"
    form = http.post(POSTS[0], data={"model": "tiny"})
    assert form.status_code == 400
    text = http.post(POSTS[0], content=json.dumps(ASK), headers={"Content-Type": "text/plain"})
    assert text.status_code == 400  # what a page of another site could send without asking


def test_broken_http_gets_400(address):
    host, port = host_of(address).split(":")
    for request in (b"GARBAGE\r\n\r\n", b"POST /v1/models HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=5) as raw:
            raw.sendall(request)
            assert raw.recv(100).startswith(b"HTTP/1.1 4")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    "model messages prompt input n seed stop stream stream_options temperature top_p top_k min_p max_tokens logprobs "
    "top_logprobs max_completion_tokens echo best_of tools tool_choice response_format logit_bias user metadata "
    "encoding_format modalities functions suffix".split()
)
VALID = {
    POSTS[0]: ASK | {"max_completion_tokens": 2},
    POSTS[1]: {"model": "tiny", "prompt": "a"},
    POSTS[2]: {"model": "tiny", "input": "a"},
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(POSTS), st.dictionaries(FIELDS, JSON, max_size=2))
def test_no_value_of_any_field_is_the_servers_fault(http, path, change):
    body = json.dumps(VALID[path] | change)
    answer = http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, (body, answer.text)
    if answer.status_code >= 400:
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_pages_about_the_service(http):
    http.post(POSTS[0], json=ASK)
    metrics = http.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'mynah_responses_total{route="/v1/chat/completions",status="200"}' in metrics.text
    samples = [line for line in metrics.text.splitlines() if not line.startswith("#")]
    assert all(float(line.rpartition(" ")[2]) >= 0 for line in samples)
    docs = http.get("/docs").text
    assert "POST /v1/chat/completions" in docs
    assert "<script" not in docs
    assert "default-src 'none'" in http.get("/docs").headers["content-security-policy"]
    paths = http.get("/openapi.json").json()["paths"]
    assert {*POSTS, "/v1/models", "/healthz", "/metrics"} <= set(paths)


def test_it_listens_on_this_machine_only(address):
    port = int(address.rpartition(":")[2])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for other in others:
        with pytest.raises((ConnectionRefusedError, TimeoutError)):
            socket.create_connection((other, port), timeout=1)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.2:{port}/healthz", trust_env=False)
