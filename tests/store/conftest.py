"""A fresh store for each test, on SQLite and on PostgreSQL, and a small story to put into it."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection

from mynah import store
from mynah.nouns import Message, SamplingParams
from mynah.store import Database
from mynah.store.schema import metadata
from tests.store.postgres import Server

NAMES = (f"test_{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server, with a migrated database `mynah` that the tests share one after the other."""
    server = Server()
    server.sql("CREATE DATABASE mynah")
    store.open(server.url("mynah")).close()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    file = tmp_path_factory.mktemp("store") / "mynah.db"
    store.open(file).close()
    return file


@pytest.fixture
def sqlite(tmp_path: Path, migrated: Path) -> Iterator[Database]:
    shutil.copy(migrated, tmp_path / "mynah.db")
    db = store.open(tmp_path / "mynah.db")
    yield db
    db.close()


@pytest.fixture
def postgresql(postgres: Server) -> Iterator[Database]:
    db = store.open(postgres.url("mynah"))
    yield db
    db.close()
    tables = ", ".join(f'"{name}"' for name in metadata.tables)
    postgres.sql(f"SET session_replication_role = replica; TRUNCATE {tables} CASCADE", "mynah")  # past the triggers


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Database:
    return request.getfixturevalue(request.param)


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str | Path]]:
    """`empty("sqlite")`: the place of a database that has no tables yet."""
    made = []

    def place(kind: str) -> str | Path:
        name = next(NAMES)
        if kind == "sqlite":
            return tmp_path / f"{name}.db"
        server = request.getfixturevalue("postgres")
        server.sql(f"CREATE DATABASE {name}")
        made.append((server, name))
        return server.url(name)

    yield place
    for server, name in made:
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass(frozen=True)
class Told:
    """Ids of a question and its answer."""

    owner: str
    conversation: str
    question: str
    prompt: str
    completion: str
    answer: str


MODEL = store.Model("tiny", "ppo", "sha256:w", "sha256:t", "sha256:c", "0.1", "demo")


@pytest.fixture
def tell(db: Database) -> Callable[..., Told]:
    """`told` in a transaction of its own."""

    def tell(question: str, answer: str, owner: str = "") -> Told:
        with db.writing() as tx:
            return told(tx, question, answer, owner)

    return tell


def told(tx: Connection, question: str, answer: str, owner: str = "") -> Told:
    """A question with its answer in a new conversation, of a new person unless one is given."""
    owner = owner or store.add_user(tx)
    conversation = store.start_conversation(tx, owner)
    asked = store.add_message(tx, conversation, Message("user", question), author=owner)
    prompt = store.add_prompt(tx, asked)
    completion = answered(tx, prompt, answer)
    said = store.add_message(tx, conversation, Message("assistant", answer), parent=asked, completion=completion)
    return Told(owner, conversation, asked, prompt, completion, said)


def answered(tx: Connection, prompt: str, text: str) -> str:
    """One more answer to a prompt."""
    stream = store.begin_answer(tx, prompt, store.know_model(tx, MODEL), SamplingParams(seed=7), 5)
    return store.finish_answer(tx, stream, text, finish_reason="stop", tokens=3, logprob_sum=-1.5)
