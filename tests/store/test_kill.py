"""kill -9 at random moments: the database opens, what was acknowledged is there, half an answer says that it is one."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from subprocess import PIPE

import pytest
from sqlalchemy import select

from mynah import store
from mynah.store.schema import completion

# A process that has imported everything forks a writer for every line it is sent. The writer tells its process id, then
# acknowledges each message, and each part of an answer, once it is committed.
WRITERS = """
import os, sys
from mynah import store
from mynah.nouns import Message, SamplingParams

def write(url, ann):
    db, number = store.open(url), 0
    with db.writing() as tx:
        model = store.know_model(tx, store.Model("tiny", "ppo", "w", "t", "c"))
    while True:
        number += 1
        with db.writing() as tx:
            talk = store.start_conversation(tx, ann)
            asked = store.add_message(tx, talk, Message("user", f"question {number}"), author=ann)
            stream = store.begin_answer(tx, store.add_prompt(tx, asked), model, SamplingParams(), 3)
        print(asked, f"question {number}", flush=True)
        for part in range(1, 4):
            with db.writing() as tx:
                store.keep_partial(tx, stream, "word " * part, part)
            print(stream, "word " * part, flush=True)
        with db.writing() as tx:
            store.finish_answer(tx, stream, "word word word.", finish_reason="stop", tokens=4)
            said = store.add_message(tx, talk, Message("assistant", "word word word."), parent=asked, completion=stream)
            store.react(tx, ann, stream, 1)
        print(said, "word word word.", flush=True)

for line in sys.stdin:
    if child := os.fork():
        os.waitpid(child, 0)
        print("\\nkilled", flush=True)  # the writer may have been killed in the middle of a line
    else:
        print(os.getpid(), flush=True)
        write(*line.split())
"""


@pytest.fixture
def writers() -> Iterator[subprocess.Popen]:
    with subprocess.Popen([sys.executable, "-c", WRITERS], stdin=PIPE, stdout=PIPE, text=True) as process:
        yield process
        process.stdin.close()


def killed_after(writers: subprocess.Popen, db, ann: str, seconds: float) -> dict[str, str]:
    """{id: text} of what a writer acknowledged before it was killed."""
    print(db.url.render_as_string(hide_password=False), ann, file=writers.stdin, flush=True)
    writer = int(writers.stdout.readline())
    lines = [writers.stdout.readline()]
    time.sleep(seconds)
    os.kill(writer, signal.SIGKILL)
    lines += iter(writers.stdout.readline, "killed\n")
    *whole, _ = lines  # the last is empty, or half of what was about to be acknowledged
    return dict(line.rstrip("\n").split(" ", 1) for line in whole)


def check(db, acknowledged: dict[str, str]) -> None:
    """Open it anew, as the next start does, and look for all that was acknowledged."""
    again = store.open(db.file or db.url.render_as_string(hide_password=False))
    with again.writing() as tx:
        interrupted = store.finish_interrupted(tx)
        assert len(interrupted) <= 1
        answers = set(tx.scalars(select(completion.c.id).where(completion.c.id.in_(acknowledged))))
        for id, text in acknowledged.items():
            if id in answers:
                row = store.provenance(tx, id)
                kept = store.content.read(tx, [row.content])[row.content]
                assert kept.startswith(text.rstrip()), "what was shown of an answer is there"
                assert (row.finish_reason == "interrupted") == (id in interrupted)
            else:
                assert store.branch(tx, id)[-1].message.content == text
    if again.file:
        assert again.run_alone("PRAGMA integrity_check") == ["ok"]
    again.close()


def kill_many_times(writers: subprocess.Popen, db, times: int) -> None:
    moments, said = random.Random(5), 0
    with db.writing() as tx:
        ann = store.add_user(tx)
    for _ in range(times):
        acknowledged = killed_after(writers, db, ann, moments.uniform(0, 0.15))
        said += len(acknowledged)
        check(db, acknowledged)
    assert said > times


def test_ten_kills(writers, sqlite):
    kill_many_times(writers, sqlite, 10)


@pytest.mark.stress
def test_a_hundred_kills(writers, db):
    kill_many_times(writers, db, 100)
