"""A running service that WeCom and Slack are set up for, and the outside world that it talks to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from mynah import store
from mynah.server.app import build_app
from mynah.server.channels import routes
from mynah.server.channels.settings import ChannelSettings, SlackSettings, WeComSettings
from mynah.store import Database
from tests.server.channels.outside_world import (
    AES_KEY,
    AGENT,
    BOT,
    CORP,
    SECRET,
    SIGNING,
    TOKEN,
    Callback,
    Outside,
    slack_signed,
)
from tests.server.conftest import parrot, running, service


@dataclass
class Service:
    """What tests have of it."""

    http: httpx2.Client
    db: Database
    outside: Outside

    def wecom(self, call: Callback) -> httpx2.Response:
        return self.http.post("/channels/wecom", params=call.query, content=call.body.encode())

    def slack(self, body: bytes, **signing) -> httpx2.Response:
        return self.http.post("/channels/slack", content=body, headers=slack_signed(body, **signing))


def settings(url: str) -> ChannelSettings:
    return ChannelSettings(
        WeComSettings(corp_id=CORP, agent_id=AGENT, secret=SECRET, token=TOKEN, aes_key=AES_KEY, url=url),
        SlackSettings(signing_secret=SIGNING, bot_token=BOT, url=url),
    )


@pytest.fixture
def outside() -> Iterator[Outside]:
    outside = Outside()
    server = outside.serve()
    yield outside
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Service]]:
    """`serve("text", pause)`: a service whose model says this; with accounts on, as in earnest."""
    opened: list = []

    @contextmanager
    def one(text: str, pause: float, patience: float) -> Iterator[Service]:
        monkeypatch.setattr(routes, "PATIENCE", patience)
        db = store.open(tmp_path / "mynah.db")
        app = build_app(service(parrot(text, pause)), db, accounts=True, channels=settings(outside.url))
        with running(app) as address, address.http() as http:
            yield Service(http, db, outside)
        db.close()

    def begin(text: str = "red sun", pause: float = 0.0, patience: float = 10.0) -> Service:
        opened.append(one(text, pause, patience))
        return opened[-1].__enter__()

    yield begin
    for context in opened:
        context.__exit__(None, None, None)
