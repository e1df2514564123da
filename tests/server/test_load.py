"""Sixty-four people at once, for minutes: nothing fails, memory stays flat. `pytest -m stress -s` shows figures."""

import os
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from mynah.agent.assistant import Assistant
from mynah.config import load
from mynah.loop import Loop
from mynah.primer.worlds import PRIMER
from mynah.recipe import Recipe
from mynah.runs import Run
from mynah.server.models import Models, ServedModel
from tests import toys
from tests.server.conftest import service, serving

STREAMS = 64


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """`mynah serve` on the base model of the package (5 million parameters): its URL and its process id."""
    loop = Loop.on(Run(tmp_path, "base"), load(Recipe, "primer"))
    assert PRIMER.base
    loop.adopt(PRIMER.base)
    command = [sys.executable, "-m", "mynah", "serve", "--run", "base", "--no-accounts", "--home", tmp_path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        said = next(line for line in process.stdout if line.startswith("Programs"))
        yield said.split()[1].rstrip(","), process.pid
    finally:
        process.terminate()
        process.wait(30)


def resident_mb(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.mark.stress
def test_sixty_four_streams_for_five_minutes(address):
    """Every answer is recorded in the store, as in earnest. MYNAH_LOAD_SECONDS shortens it."""
    url, process = address
    seconds = float(os.environ.get("MYNAH_LOAD_SECONDS", 300))
    client = OpenAI(base_url=url, api_key="unused", max_retries=0, timeout=60)
    firsts: list[float] = []
    counts: list[int] = []
    errors: list[Exception] = []

    def talk(number: int, until: float) -> None:
        turn = 0
        while time.monotonic() < until and not errors:
            turn += 1
            ask = [{"role": "user", "content": f"What is the capital of Portugal? {number} 你好 {turn}"}]
            start, tokens = time.monotonic(), 0
            options = {"stream_options": {"include_usage": True}, "seed": turn, "max_tokens": 64}
            try:
                for chunk in client.chat.completions.create(model="base", messages=ask, stream=True, **options):
                    if chunk.usage:
                        counts.append(chunk.usage.completion_tokens)
                    elif not tokens and chunk.choices[0].delta.content:
                        firsts.append(time.monotonic() - start)
                        tokens += 1
            except Exception as error:
                errors.append(error)

    def run(duration: float) -> None:
        until = time.monotonic() + duration
        threads = [threading.Thread(target=talk, args=(i, until)) for i in range(STREAMS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run(seconds / 2)  # the processor's kernels are made for every new shape, and kept
    firsts.clear()
    counts.clear()
    before, start = resident_mb(process), time.monotonic()
    run(seconds / 2)
    took, after = time.monotonic() - start, resident_mb(process)
    assert not errors, errors[0]
    p50, p95 = statistics.median(firsts), statistics.quantiles(firsts, n=20)[-1]
    print(
        f"\n{STREAMS} streams, the second half of {seconds:.0f} s: {len(counts) / took:.1f} answers/s, "
        f"{sum(counts) / took:.0f} tokens/s, first token p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms; "
        f"memory of the service {before:.0f} → {after:.0f} MB"
    )
    assert after < before * 1.05


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
        own = f"--header Origin:{address}"  # else all that changes something is refused as another site's
        command = f"run {address}/openapi.json --checks not_a_server_error --request-timeout 60 {own} {options}"
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
