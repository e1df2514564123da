"""kill -9 of `mynah serve` at random moments: the next start has all that was acknowledged, and ends what was cut."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE

import httpx2
import pytest
from sqlalchemy import func, select

from mynah import store
from mynah.runs import Run
from mynah.store import new_id
from mynah.store.schema import completion, stream, usage
from tests import toys
from tests.server.test_conversations import said
from tests.server.test_serving import events

# A process that has imported everything forks a server for every line it is sent: the verb itself, on the run's files.
SERVERS = """
import os, sys
from pathlib import Path
import torch
from mynah.server.models import ServedModel
from mynah.verbs.serve import serve
from mynah.verbs.where import Where, checkpoint

torch.set_num_threads(1)
where, quick = Where("team", Path(sys.argv[1])), ("serve.rows=8", "hardware.dtype=float32")
loop = where.loop(quick)  # imports what a start imports late
ServedModel.load("team", checkpoint(loop.run, "0-pretrain"), loop.recipe.hardware, loop.recipe.serve)
for line in sys.stdin:
    if child := os.fork():
        os.waitpid(child, 0)
        print("killed", flush=True)
    else:
        print(os.getpid(), flush=True)
        serve(*quick, accounts=False, where=where)
"""
CLIENTS = 3


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[subprocess.Popen]:
    stage = Run(tmp_path, "team").begin("pretrain", 1, settings={}, seed=0)
    stage.finish(lambda folder: toys.save(toys.model(context=256), folder) and None, 0.0, {})
    command = [sys.executable, "-c", SERVERS, tmp_path]
    quiet = {"stdin": PIPE, "stdout": PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **quiet, start_new_session=True) as process:
        yield process
        os.killpg(process.pid, signal.SIGKILL)  # with a server that a failed test left


class Running:
    """One server until it is killed."""

    def __init__(self, servers: subprocess.Popen) -> None:
        self._servers = servers
        print("go", file=servers.stdin, flush=True)
        self.process = int(servers.stdout.readline())
        while not (address := re.match(r"Programs  (http://127\.0\.0\.1:\d+)/v1", servers.stdout.readline())):
            pass
        self.client = httpx2.Client(base_url=address[1], timeout=20, trust_env=False, headers={"Origin": address[1]})
        self.client.get("/healthz").raise_for_status()

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        while self._servers.stdout.readline() != "killed\n":
            pass


class Acknowledged:
    """What clients were told, until their server was gone."""

    def __init__(self) -> None:
        self.begun = threading.Event()  # an answer, so that slow machines are not killed before they say a word
        self.questions: dict[str, str] = {}  # message: conversation
        self.shown: dict[str, str] = {}  # answer: text, whole or not
        self.whole: set[str] = set()
        self.rated: dict[str, int] = {}
        self.over_v1: set[str] = set()

    def talk(self, client: httpx2.Client, number: int) -> None:
        """One question, its answer, a thumb, and a request over /v1."""
        talk = client.post("/api/conversations", json={}).raise_for_status().json()["id"]
        asked = new_id()
        body = {"message": {"id": asked, "content": f"question {number} <|end|><|system|>"}}
        with client.stream("POST", f"/api/conversations/{talk}/answers", json=body) as reply:
            told = []
            for line in reply.iter_lines():
                for _, event in events([line]):
                    told.append(event)
                    if event.get("type") == "started":
                        self.questions[asked] = talk
                        self.begun.set()
                    elif event.get("type") == "delta":
                        self.shown[event["answer"]] = said(told)
                    elif event.get("type") == "finished":
                        self.whole.add(event["answer"])
                        self.shown.setdefault(event["answer"], "")
        answer = told[0]["answers"][0]
        client.post("/api/feedback", json={"completion": answer, "rating": 1}).raise_for_status()
        self.rated[answer] = 1
        ask = {"model": "team", "messages": [{"role": "user", "content": f"hi {number}"}], "max_tokens": 4}
        made = client.post("/v1/chat/completions", json=ask).raise_for_status().json()["id"]
        self.over_v1.add(made.removeprefix("chatcmpl-"))

    def talk_until_killed(self, running: Running, moments: random.Random) -> None:
        self.begun.clear()

        def loop() -> None:
            with suppress(httpx2.HTTPError):
                for number in range(10_000):
                    self.talk(running.client, number)

        clients = [threading.Thread(target=loop) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        if moments.random() < 0.8:
            self.begun.wait(20)
        time.sleep(moments.uniform(0, 0.3))
        running.kill()
        for client in clients:
            client.join()

    def check(self, client: httpx2.Client) -> int:
        """All of it is there; how many answers were cut."""
        messages = {}
        for talk in set(self.questions.values()):
            read = client.get(f"/api/conversations/{talk}").raise_for_status().json()
            assert read["streams"] == []
            messages |= {one["id"]: one for one in read["messages"]}
        assert self.questions.keys() <= messages.keys()
        answers = {id: one for id, one in messages.items() if one["role"] == "assistant"}
        assert {one["parent"] for one in answers.values()} >= self.questions.keys(), "no spinner for ever"
        for id in self.whole:
            kept = "".join(part["text"] for part in answers[id]["parts"])
            assert kept == self.shown[id].replace("\0", "\ufffd")  # PostgreSQL keeps no NUL
            assert answers[id]["finish_reason"] in ("stop", "length")
        for id, rating in self.rated.items():
            assert answers[id]["reaction"]["thumb"] == rating
        cut = [one for one in answers.values() if one["finish_reason"] == "interrupted"]
        assert not {one["id"] for one in cut} & self.whole
        return len(cut)


def kill_many_times(servers: subprocess.Popen, home: Path, times: int) -> None:
    moments, told, cut = random.Random(7), Acknowledged(), 0
    running = Running(servers)
    for _ in range(times):
        told.talk_until_killed(running, moments)
        running = Running(servers)
        cut += told.check(running.client)
        told.questions.clear()
        told.whole.clear()
        told.rated.clear()
    running.kill()
    db = store.open(home / "mynah.db")
    assert db.run_alone("PRAGMA integrity_check") == ["ok"]
    with db.reading() as tx:
        kept = set(tx.scalars(select(completion.c.id)))
        assert tx.scalar(select(func.count()).select_from(stream)) == 0
        assert tx.scalar(select(func.count(usage.c.completion.distinct()))) == len(kept), "each was charged once"
        assert tx.scalar(select(func.count()).select_from(usage)) == len(kept)
    db.close()
    assert told.over_v1 <= kept
    assert len(kept) > times / 2
    assert cut > times / 4, "it was killed in mid-stream often enough"


def test_a_few_kills(servers, tmp_path):
    kill_many_times(servers, tmp_path, 10)


@pytest.mark.stress
def test_a_hundred_kills(servers, tmp_path):
    kill_many_times(servers, tmp_path, 100)
