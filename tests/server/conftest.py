"""A real server on a port of its own, with a tiny random model, and the official client to ask it."""

import faulthandler
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import openai
import pytest
import torch
from argon2 import PasswordHasher
from fastapi import FastAPI
from torch import Tensor

from mynah import store
from mynah.agent.assistant import Assistant
from mynah.engine import Engine, Token
from mynah.engine.scheduler import Row
from mynah.server.app import build_app
from mynah.server.generation import Service
from mynah.server.metrics import Metrics
from mynah.server.models import Models, ServedModel
from mynah.server.passwords import Passwords
from mynah.server.record import Served, forget
from mynah.server.remote import Remote
from mynah.server.serve import listen, server
from mynah.server.settings import ServeSettings
from mynah.store.database import Database
from tests import toys
from tests.server import small_run

CONTEXT = 512


class Parrot(Engine):
    """An engine that says the same ids to everybody, a token a step of `pause` seconds; all else is the real one."""

    def __init__(self, ids: Sequence[int], pause: float = 0.0, rows: int = 16) -> None:
        super().__init__(toys.model(context=CONTEXT), rows)
        self.ids, self.pause = list(ids), pause

    def step(self) -> list[Token]:
        time.sleep(self.pause)
        return super().step()

    def _extend(self, rows: list[Row], logits: Tensor) -> list[Token]:
        wanted = torch.tensor([self.ids[len(row.tokens) % len(self.ids)] for row in rows])
        return super()._extend(rows, torch.nn.functional.one_hot(wanted, logits.shape[-1]) * 1e4)


class Address(str):
    """http://127.0.0.1:PORT"""

    def openai(self, **more) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self}/v1", max_retries=0, timeout=30, **({"api_key": "unused"} | more))

    def http(self) -> httpx2.Client:
        return httpx2.Client(base_url=self, timeout=30, trust_env=False)

    def page(self) -> httpx2.Client:
        """As a page of the service in a browser: it keeps cookies, and says where it is from."""
        return httpx2.Client(base_url=self, timeout=30, trust_env=False, headers={"Origin": self})


def assistant(seed: int = 0, rows: int = 16) -> Assistant:
    """Untrained, sharp, and so full of surprises: any token can come, a piece of a character too."""
    return Assistant(toys.model(seed, context=CONTEXT), toys.tokenizer(), "tiny", rows, prefix_tokens=4096)


def served(name: str = "tiny", seed: int = 0, rows: int = 16) -> ServedModel:
    return ServedModel(name, assistant(seed, rows), "sha256:" + str(seed).ljust(64, "0"))


def parrot(text: str = "", pause: float = 0.0, rows: int = 16, name: str = "tiny") -> ServedModel:
    """Says `text` and ends its turn; without a text it never ends."""
    model = served(name)
    ids = toys.chat().encode_answer(text) if text else [65]
    model.assistant.engine = Parrot(ids, pause, rows)
    return model


def service(*models: ServedModel, recorded: list[Served] | None = None, **settings) -> Service:
    """Without a list to record in, it records in its store."""

    async def record(finished: Served) -> None:
        if recorded is not None and finished.over:
            recorded.append(finished)

    limits = {"rows": models[0].assistant.engine.rows if models else 16, **settings}
    return Service(Models(list(models)), ServeSettings(**limits), Metrics(), forget if recorded is None else record)


@contextmanager
def serving(
    engine: Service | Remote, api_key: str = "", *, db: Database | None = None, accounts: bool = False
) -> Iterator[Address]:
    """A running service; without a `db`, over an empty one that goes with it. Passwords are hashed at little cost."""
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    with TemporaryDirectory() as folder:
        opened = db or store.open(Path(folder) / "mynah.db")
        with running(build_app(engine, opened, accounts=accounts, api_key=api_key, passwords=cheap)) as address:
            yield address
        if not db:
            opened.close()


@contextmanager
def running(app: FastAPI) -> Iterator[Address]:
    listener = listen(port=0)
    running = server(app)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield Address("http://{}:{}".format(*listener.getsockname()))
    finally:
        running.should_exit = True
        thread.join(60)
        if thread.is_alive():  # it gives streams ten seconds
            faulthandler.dump_traceback()
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def recorded() -> list[Served]:
    return []


@pytest.fixture(scope="session")
def tiny(recorded: list[Served]) -> Service:
    """Two models: tiny and other."""
    return service(served(), served("other", seed=1), recorded=recorded, price_prompt=0.5, price_completion=2.0)


@pytest.fixture(scope="session")
def address(tiny: Service) -> Iterator[Address]:
    with serving(tiny) as address:
        yield address


@pytest.fixture(scope="session")
def client(address: Address) -> openai.OpenAI:
    return address.openai()


@pytest.fixture
def http(address: Address) -> Iterator[httpx2.Client]:
    with address.http() as client:
        yield client


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one trained run, `demo`; copy it to change it."""
    home = tmp_path_factory.mktemp("small")
    small_run.train(home)
    return home
