"""What people send is read as it stands: no address in it is called, nothing packed is unpacked, no file is taken."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.server.conftest import parrot, service, serving

CHAT = "/v1/chat/completions"
LOOPBACK = ("127.0.0.1", "2130706433", "0x7f000001", "127.1", "localhost", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]")
"""This machine, as it can be written: decimal, hexadecimal, short, by name, IPv6-mapped, NAT64."""


@pytest.fixture
def outside() -> Iterator[tuple[int, list[object]]]:
    """A port of this machine that is no part of the service, and who called there."""
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            while True:
                try:
                    calls.append(listener.accept())
                except OSError:  # closed
                    return

        threading.Thread(target=listen, daemon=True).start()
        yield listener.getsockname()[1], calls
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def http():
    with serving(service(parrot("hi"))) as address, address.page() as client:
        yield client


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_address_that_somebody_sends_is_called(http, outside, host):
    port, calls = outside
    url = f"http://{host}:{port}/secret"
    parts = (
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "file", "file": {"file_id": url}},
        {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
    )
    for part in parts:
        answer = http.post(CHAT, json={"model": "tiny", "messages": [{"role": "user", "content": [part]}]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_value")
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": url}}}
    ask = {"model": "tiny", "messages": [{"role": "user", "content": f"![]({url}) {url}"}]}
    assert http.post(CHAT, json=ask | {"response_format": schema}).status_code == 400
    assert http.post(CHAT, json=ask).status_code == 200
    assert http.post("/v1/embeddings", json={"model": "tiny", "input": url}).status_code == 200
    assert not calls
    with socket.create_connection(("127.0.0.1", port)):  # it would have been noticed
        pass
    for _ in range(100):
        if calls:
            break
        threading.Event().wait(0.02)
    assert calls


def test_nothing_packed_is_unpacked_and_no_file_is_taken(http):
    bomb = gzip.compress(b"0" * 10**8)
    right = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "hello"}]})
    for content, headers in (
        (bomb, {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
        (gzip.compress(right.encode()), {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
        (b"PK\x03\x04" + b"0" * 1000, {"Content-Type": "application/zip"}),
    ):
        assert 400 <= http.post(CHAT, content=content, headers=headers).status_code < 500
    files = {"file": ("../../etc/passwd", b"root", "text/plain")}
    assert 400 <= http.post(CHAT, files=files).status_code < 500
    bodies = [
        kind
        for path in http.get("/openapi.json").json()["paths"].values()
        for method in path.values()
        for kind in method.get("requestBody", {}).get("content", {})
    ]
    assert set(bodies) == {"application/json"}
    assert http.post(CHAT, content=right, headers={"Content-Type": "application/json"}).status_code == 200
