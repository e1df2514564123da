"""One contender as a process that is asked for one repetition at a time, and stopped while it is not its turn."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from bench.environments import Unavailable, python_of
from bench.places import ROOT, WORK


@dataclass(frozen=True)
class Entry:
    """Who takes part, and how it is started."""

    name: str
    """As in the table."""
    module: str
    """The program, as bench.contenders.MODULE."""
    environment: str = ""
    """Requirements file of the environment that it runs in; empty for ours."""
    job: dict[str, Any] = field(default_factory=dict)
    """What it is told at its start, besides the checkpoint and the number of threads."""
    choices: dict[str, list[Any]] = field(default_factory=dict)
    """Settings to try before the turns, the first of each is where the search begins."""


class Contender:
    """A running entry. `with Contender(entry, job) as contender: contender.measure({"batch": 64})`"""

    def __init__(self, entry: Entry, job: dict[str, Any]) -> None:
        self.entry, self.job = entry, job
        self.seconds_to_start = 0.0

    def __enter__(self) -> Self:
        self._start()
        return self

    def _start(self) -> None:
        python = python_of(self.entry.environment)
        threads = str(self.job["threads"])
        environment = os.environ | {
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(ROOT),
        }
        log = WORK / "logs" / f"{self.entry.name}-{self.job['model']}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        start = time.monotonic()
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [str(python), "-m", f"bench.contenders.{self.entry.module}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=environment,
                start_new_session=True,  # so that its own children are stopped with it
            )
        try:
            self._ask(self.entry.job | self.job)
        except BaseException:
            self.__exit__()
            raise
        self.seconds_to_start = time.monotonic() - start

    def __exit__(self, *_: object) -> None:
        self._signal(signal.SIGCONT)
        if self._process.stdin:
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=20)
        self._signal(signal.SIGKILL)  # what it left behind, if anything
        self._process.wait()

    def measure(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One repetition. Raises Unavailable when the contender answers with an error, or ends instead."""
        if self._process.poll() is not None:  # the request before ended it
            self._start()
        self._signal(signal.SIGCONT)
        return self._ask(request)

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        text = ""
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(dict(request)) + "\n")
            self._process.stdin.flush()
            text = self._process.stdout.readline()
        if not text:
            self._signal(signal.SIGKILL)
            self._process.wait()  # so that the next request finds it ended
            raise Unavailable(f"{self.entry.name} ended without an answer: {self._last_words()}")
        self._signal(signal.SIGSTOP)
        answer = json.loads(text)
        if "error" in answer:
            raise Unavailable(f"{self.entry.name}: {answer['error']}")
        return answer

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _last_words(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[:200] if lines else "it said nothing."
