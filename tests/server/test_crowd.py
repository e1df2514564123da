"""A crowd at the door: people sign up, sign in, and read their history, with passwords hashed as in earnest.

A million people in five days are 2.3 sign-ups a second on average. `pytest -m stress -s` shows what one process does;
the time that its cores worked for each tells it also where other work runs beside.
"""

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Connection

from mynah import store
from mynah.nouns import Message
from mynah.server.app import build_app
from mynah.store.invites import invite_person
from mynah.store.schema import SERVICE
from tests.server.conftest import running, served, service

PASSWORD = "a long enough one"
HISTORY, MESSAGES = 30, 10
AT_ONCE = 8
NEEDED = 1_000_000 / (5 * 24 * 3600)
"""Sign-ups a second."""


@dataclass(frozen=True)
class Visitor:
    """Somebody with an invite; a thread of the clients' process."""

    address: str
    token: str

    @property
    def email(self) -> str:
        return f"{self.token[:20].lower()}@example.org"

    def open(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.address, timeout=60, trust_env=False, headers={"Origin": self.address})

    def sign_up(self, http: httpx2.Client) -> None:
        body = {"token": self.token, "name": "Ann", "email": self.email, "password": PASSWORD}
        http.post("/api/people", json=body).raise_for_status()

    def sign_in(self, http: httpx2.Client) -> None:
        http.post("/api/session", json={"email": self.email, "password": PASSWORD}).raise_for_status()


def sign_up(visitors: Sequence[Visitor], until: float) -> list[float]:
    http = visitors[0].open()
    return timed(until, [partial(one.sign_up, http) for one in visitors])


def sign_in(visitors: Sequence[Visitor], until: float) -> list[float]:
    http = visitors[0].open()
    return timed(until, [partial(visitors[0].sign_in, http)] * 10_000)


def list_history(visitors: Sequence[Visitor], until: float) -> list[float]:
    http = visitors[0].open()
    visitors[0].sign_in(http)
    return timed(until, [lambda: http.get("/api/conversations?limit=20").raise_for_status()] * 100_000)


def read_conversation(visitors: Sequence[Visitor], until: float) -> list[float]:
    http = visitors[0].open()
    visitors[0].sign_in(http)
    items = http.get("/api/conversations?limit=20").raise_for_status().json()["items"]
    return timed(until, [lambda: http.get(f"/api/conversations/{items[7]['id']}").raise_for_status()] * 100_000)


def timed(until: float, acts: Sequence[Callable[[], object]]) -> list[float]:
    """The seconds that each took, as many as there is time for."""
    taken = []
    for act in acts:
        begun = time.monotonic()
        if begun > until:
            break
        act()
        taken.append(time.monotonic() - begun)
    return taken


def crowd(act: Callable[[Sequence[Visitor], float], list[float]], visitors: Sequence[Visitor], seconds: float):
    """Some visitors at once, who do one thing again and again."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(AT_ONCE) as people:
        parts = people.map(lambda number: act(visitors[number::AT_ONCE], until), range(AT_ONCE))
        return [taken for part in parts for taken in part]


@pytest.mark.stress
def test_a_crowd_signs_up_signs_in_and_reads(tmp_path: Path) -> None:
    seconds = float(os.environ.get("MYNAH_LOAD_SECONDS", 20))
    db = store.open(tmp_path / "mynah.db")
    with db.writing() as tx:
        store.service_account(tx)
        tokens = [invite_person(tx, SERVICE, "user", "", timedelta(days=1))[1] for _ in range(int(60 * seconds))]
    work: dict[str, float] = {}
    # Clients in a process of their own: they take neither our GIL nor a part of the time that is measured.
    clients = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with running(build_app(service(served()), db, accounts=True)) as address, clients:
        visitors = [Visitor(str(address), token) for token in tokens]
        clients.submit(crowd, sign_up, visitors[:AT_ONCE], 60.0).result()  # these will have a history
        with db.writing() as tx:
            for visitor in visitors[:AT_ONCE]:
                tell(tx, visitor.email)
        print(f"\n{AT_ONCE} at once, {seconds:.0f} s each:")
        for act, who in (
            (sign_up, visitors[AT_ONCE:]),
            (sign_in, visitors[:AT_ONCE]),
            (list_history, visitors[:AT_ONCE]),
            (read_conversation, visitors[:AT_ONCE]),
        ):
            before = time.process_time()
            taken = clients.submit(crowd, act, who, seconds).result()
            work[act.__name__] = (time.process_time() - before) / len(taken)
            p50, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
            print(
                f"{act.__name__:>18}: {len(taken) / seconds:6.1f}/s, p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms; "
                f"{work[act.__name__] * 1000:.1f} ms of a core each"
            )
    db.close()
    assert NEEDED * (work["sign_up"] + 3 * work["sign_in"]) < 2  # cores, for a service that hashes passwords
    assert 1 / work["read_conversation"] > 10 * NEEDED


def tell(tx: Connection, email: str) -> None:
    """Conversations for this person, as `/api` would have made them."""
    found = store.find_user(tx, email=email)
    assert found
    for number in range(HISTORY):
        talk, parent = store.start_conversation(tx, found.id), None
        for turn in range(MESSAGES):
            said = Message("user", f"{number} {turn}: " + "what is in the wood? " * 10)
            parent = store.add_message(tx, talk, said, parent=parent, author=found.id)
