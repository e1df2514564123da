"""`mynah serve` as a program: it says where it is, answers, takes the next port, and ends with Ctrl-C."""

import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta

import httpx2
import pexpect
import pytest
import uvicorn
from argon2 import PasswordHasher

from mynah import store
from mynah.errors import UserError
from mynah.runs import Run
from mynah.server.metrics import Metrics
from mynah.server.remote import Remote
from mynah.server.serve import HOST, PORT, greeting, listen
from mynah.server.settings import ServeSettings
from mynah.store import access
from mynah.verbs import people
from mynah.verbs import serve as verb
from mynah.verbs.keep import Kept
from mynah.verbs.where import Where
from tests import toys


def test_the_next_free_port_is_taken():
    first, second = listen(), listen()
    ports = [listener.getsockname()[1] for listener in (first, second)]
    assert PORT <= ports[0] < ports[1]
    assert first.getsockname()[0] == HOST == "127.0.0.1"
    with pytest.raises(UserError, match=f"port {ports[0]} is taken; name a free one with --port"):
        listen(ports[0])
    first.close()
    second.close()


def test_a_kept_connection_waits_for_nothing(http):
    """Where small pieces wait for each other, no response takes less than 40 ms."""

    def seconds() -> float:
        begun = time.perf_counter()
        assert http.get("/healthz").status_code == 200
        return time.perf_counter() - begun

    seconds()
    assert min(seconds() for _ in range(20)) < 0.03


def test_the_example_names_the_key_and_never_shows_it():
    assert "Bearer $MYNAH_API_KEY" in greeting("http://x", "demo", key=True)
    assert "Bearer" not in greeting("http://x", "demo", key=False)
    assert "first admin" not in greeting("http://x", "demo", key=True)
    assert "\nhttp://x/join#token\n" in greeting("http://x", "demo", key=True, join="http://x/join#token")


def test_a_run_is_served_until_ctrl_c(tmp_path):
    run = Run(tmp_path, "team")
    stage = run.begin("pretrain", 1, settings={}, seed=0)
    stage.finish(lambda folder: toys.save(toys.model(), folder) and None, 0.0, {})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mynah", "serve", "--run", "team", "--home", tmp_path, "--port", str(port)]
    more = ["--no-accounts", "--also", "0-pretrain", "--open", "serve.rows=4", "hardware.dtype=float32"]
    opened = tmp_path / "opened"
    browser = (
        f"{sys.executable} -c 'import pathlib, sys; pathlib.Path(sys.argv[2]).write_text(sys.argv[1])' %s {opened}"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*command, *more], **pipes, env=os.environ | {"BROWSER": browser})
    try:
        said = "".join(itertools.takewhile(lambda line: not line.startswith("curl"), process.stdout))
        address = re.search(r"^Programs  (http://127\.0\.0\.1:\d+)/v1", said, re.MULTILINE)
        assert address, f"{said}{process.communicate(timeout=20)[1]}"
        with httpx2.Client(base_url=address[1], timeout=30, trust_env=False) as client:
            names = [model["id"] for model in client.get("/v1/models").json()["data"]]
            assert opened.read_text() == address[1]
            assert names == ["team", "team/0-pretrain"]
            ask = {"model": names[1], "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
            assert client.post("/v1/chat/completions", json=ask).json()["choices"][0]["finish_reason"]
            assert client.get("/v1/models/team/0-pretrain").json()["id"] == names[1]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode in (0, 130)
        assert "Traceback" not in err
    finally:
        process.kill()


@pytest.mark.parametrize("engine", ["", "http://127.0.0.1:9"])
def test_a_public_address_without_accounts_needs_a_key(tmp_path, monkeypatch, engine):
    Run(tmp_path, "team").begin("pretrain", 1, settings={}, seed=0)
    monkeypatch.setattr(verb, "_own", lambda *_: Remote("http://127.0.0.1:9", ServeSettings(), Metrics()))
    begun = []
    monkeypatch.setattr(verb, "server", lambda app: begun.append(app) or uvicorn.Server(uvicorn.Config(app)))
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: sockets[0].close())

    def serve(*more: str, **options) -> None:
        verb.serve("serve.public_url=https://chat.example.org", *more, engine=engine, where=where, **options)

    where = Where("team", tmp_path)
    with pytest.raises(UserError, match="whoever finds that address would be the admin; leave out --no-accounts"):
        serve(accounts=False)
    assert not begun
    serve()
    serve(accounts=False, api_key="secret")
    serve("serve.public_url=", accounts=False)
    assert len(begun) == 3


def test_a_lost_password_is_replaced_at_the_machine(tmp_path):
    db = store.open(tmp_path / "mynah.db")
    with db.writing() as tx:
        ann = store.add_user(tx, "admin", "Ann", "ann@example.org", "lost")
        _, token = access.begin_session(tx, ann, timedelta(days=1))

    arguments = ["-m", "mynah", "password", "Ann@example.org", "--home", str(tmp_path)]
    terminal = pexpect.spawn(sys.executable, arguments, encoding="utf-8", timeout=60)
    for asked in ("New password: ", "Again: "):
        terminal.expect(asked)
        terminal.sendline("a new long one")
    terminal.expect(pexpect.EOF)
    assert "signs in with the new password" in terminal.before
    assert "a new long one" not in terminal.before  # it is not shown
    with db.reading() as tx:
        assert PasswordHasher().verify(store.find_user(tx, id=ann).password_hash, "a new long one")
        assert access.find_session(tx, token) is None
    db.close()


@pytest.mark.parametrize(
    ("email", "typed", "complaint"),
    [
        ("bob@example.org", [], "no account here has this address"),
        ("ann@example.org", ["short"], "shorter than 10 characters"),
        ("ann@example.org", ["a new long one", "another long one"], "nothing was changed"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(tmp_path, monkeypatch, email, typed, complaint):
    db = store.open(tmp_path / "mynah.db")
    with db.writing() as tx:
        ann = store.add_user(tx, "admin", "Ann", "ann@example.org", "lost")
    monkeypatch.setattr(people, "getpass", lambda _: typed.pop(0))
    with pytest.raises(UserError, match=complaint):
        people.password(email, kept=Kept(tmp_path))
    with db.reading() as tx:
        assert store.find_user(tx, id=ann).password_hash == "lost"
    db.close()
