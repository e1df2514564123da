"""Sixty-four people at once, for a minute: nothing fails, memory stays flat. `pytest -m stress -s` shows figures."""

import os
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mynah.agent.assistant import Assistant
from mynah.server.models import Models, ServedModel
from tests import toys
from tests.server.conftest import served, service, serving

STREAMS = 64


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.mark.stress
def test_sixty_four_streams_for_a_minute():
    seconds = float(os.environ.get("MYNAH_LOAD_SECONDS", 60))
    model = served(rows=STREAMS)
    firsts: list[float] = []
    counts: list[int] = []
    errors: list[Exception] = []

    def talk(number: int, until: float) -> None:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            ask = [{"role": "user", "content": f"what is in the wood {number}, 你好 {turn}"}]
            start, tokens = time.monotonic(), 0
            try:
                stream = client.chat.completions.create(
                    model="tiny",
                    messages=ask,
                    seed=turn,
                    max_tokens=64,
                    stream=True,
                    stream_options={"include_usage": True},
                )
                for chunk in stream:
                    if chunk.usage:
                        counts.append(chunk.usage.completion_tokens)
                    elif not tokens and chunk.choices[0].delta.content:
                        firsts.append(time.monotonic() - start)
                        tokens += 1
            except Exception as error:
                errors.append(error)
                return

    def run(duration: float) -> None:
        until = time.monotonic() + duration
        threads = [threading.Thread(target=talk, args=(i, until)) for i in range(STREAMS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with serving(service(model)) as address:
        client = address.openai()
        run(min(10.0, seconds / 4))  # kernels, caches, connections
        firsts.clear()
        counts.clear()
        before, start = resident_mb(), time.monotonic()
        run(seconds)
        took, after = time.monotonic() - start, resident_mb()
    assert not errors, errors[0]
    assert model.in_flight == 0
    p50, p95 = statistics.median(firsts), statistics.quantiles(firsts, n=20)[-1]
    print(
        f"\n{STREAMS} streams, {took:.0f} s: {len(counts)} answers, {sum(counts) / took:.0f} tokens/s, first token "
        f"p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms; memory {before:.0f} → {after:.0f} MB (clients included)"
    )
    assert after < before + 50


class Willing(Models):
    """Answers under any name, so that made-up requests come past the first hurdle."""

    def find(self, name: str) -> ServedModel:
        return next(iter(self))


def schemathesis(tmp_path: Path, options: str) -> None:
    """Requests made from the OpenAPI file, right and wrong ones: none is answered with 5xx. Answers are short."""
    tiny = ServedModel("demo", Assistant(toys.model(context=64), toys.tokenizer(), "demo", 16), "sha256:" + "0" * 64)
    behind = service(tiny)
    behind.models = Willing([tiny])
    with serving(behind) as address, address.http() as http:
        command = f"run {address}/openapi.json --checks not_a_server_error --request-timeout 60 {options}"
        found = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", *command.split()], capture_output=True, text=True, cwd=tmp_path
        )
        assert http.get("/healthz").json() == {"status": "ok"}
    print(found.stdout[-600:])
    assert found.returncode == 0, found.stdout
    [(generated, passed)] = re.findall(r"(\d+) generated, (\d+) passed", found.stdout)
    assert generated == passed
    assert int(generated) > 40


def test_schemathesis_finds_no_fault_of_the_servers(tmp_path: Path) -> None:
    schemathesis(tmp_path, "--phases examples,fuzzing --max-examples 3 --generation-deterministic")


@pytest.mark.stress
def test_schemathesis_finds_no_fault_in_minutes(tmp_path: Path) -> None:
    schemathesis(tmp_path, "--max-examples 100")
