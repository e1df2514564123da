"""Ours: the engine, for batches, ragged rollouts, first tokens beside rollouts, and growth."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from bench.contenders.line import Line
from mynah.engine import Engine
from mynah.model.hub import load_policy
from mynah.model.transformer import Transformer
from mynah.nouns import SamplingParams

ARRIVALS = 5
"""Of chats, whose first tokens are timed."""


class Generation:
    """The checkpoint in bf16; an engine for each number of rows and kind of weights."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.model: Transformer = load_policy(Path(job["checkpoint"]), torch.bfloat16, job["device"])
        self.options = job.get("engine", {})
        self.engines: dict[tuple[int, bool], Engine] = {}
        self.rng = random.Random(0)

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        return getattr(self, request["do"])(request)

    def batch(self, request: dict[str, Any]) -> dict[str, Any]:
        """`batch` prompts of `prompt` tokens, `new` tokens each, all at once: new tokens a second."""
        engine, new = self._engine(request, request["prompt"] + request["new"]), request["new"]
        samples = request.get("samples", 1)
        prompts = [self._prompt(request["prompt"]) for _ in range(request["batch"] // samples)]
        self._warm_up(engine, prompts, samples)
        start = time.perf_counter()
        engine.generate(prompts, SamplingParams(new, seed=self.rng.randrange(2**31)), samples)
        return {"figure": request["batch"] * new / (time.perf_counter() - start)}

    def ragged(self, request: dict[str, Any]) -> dict[str, Any]:
        """Prompts of given ids, `samples` of each, every sample with a budget of its own: new tokens a second."""
        budgets = request["budgets"]
        engine = self._engine(request, request["prompt"] + max(map(max, budgets)))
        prompts = [self._prompt(request["prompt"]) for _ in budgets]
        self._warm_up(engine, prompts[: request["batch"]], 1)
        start, waiting = time.perf_counter(), []
        for prompt, row in zip(prompts, budgets, strict=True):
            # samples of one request share one budget: each takes the row's longest, and is ended at its own
            waiting.append(engine.submit(prompt, SamplingParams(max(row), seed=1), len(row)))
        self._run_to_budgets(engine, dict(zip(waiting, budgets, strict=True)))
        return {"figure": sum(map(sum, budgets)) / (time.perf_counter() - start)}

    def _run_to_budgets(self, engine: Engine, budgets: dict[int, list[int]]) -> None:
        made: dict[tuple[int, int], int] = {}
        left = sum(map(len, budgets.values()))
        while left:
            for token in engine.step():
                key = (token.request, token.sample)
                made[key] = made.get(key, 0) + 1
                if token.finish_reason is None and made[key] == budgets[token.request][token.sample]:
                    engine.end(*key)
                    left -= 1
                elif token.finish_reason:
                    left -= 1
        for request in budgets:
            engine.cancel(request)

    def first_token(self, request: dict[str, Any]) -> dict[str, Any]:
        """Median milliseconds to the first token of `streams` chats that arrive together, beside rollouts or not, over
        ARRIVALS of them."""
        engine = self._engine(request, 1024)
        self._warm_up(engine, [self._prompt(64)] * 8, 1)
        rollouts = [
            engine.submit(self._prompt(64), SamplingParams(self.rng.randint(16, 256)))
            for _ in range(4 * request["rollouts"])  # more than the rows, so that they stay full
        ]
        waited: list[float] = []
        for _ in range(ARRIVALS):
            before = [] if rollouts else [self._chat(engine)]  # an idle engine has just worked, too: threads are awake
            for _ in range(40):
                engine.step()
            for one in before:
                engine.cancel(one)
            first: dict[int, float] = {}
            start = time.perf_counter()
            chats = {self._chat(engine) for _ in range(request["streams"])}
            while len(first) < len(chats):
                for token in engine.step():
                    if token.request in chats:
                        first.setdefault(token.request, time.perf_counter() - start)
            for one in chats:
                engine.cancel(one)
            waited += first.values()
        for one in rollouts:
            engine.cancel(one)
        return {"figure": 1000 * statistics.median(waited)}

    def _chat(self, engine: Engine) -> int:
        return engine.submit(self._prompt(64), SamplingParams(64, temperature=0.7, top_p=0.95), urgent=True)

    def _engine(self, request: dict[str, Any], length: int) -> Engine:
        rows, int8 = kind = request["batch"], request.get("int8", False)
        if kind not in self.engines:
            self.engines[kind] = Engine(self.model, rows, int8=int8, **self.options)
        assert length <= self.engines[kind].context
        return self.engines[kind]

    def _prompt(self, length: int) -> list[int]:
        return [self.rng.randrange(300, self.model.config.vocab_size) for _ in range(length)]

    def _warm_up(self, engine: Engine, prompts: list[list[int]], samples: int) -> None:
        """The shapes of what is to come, so that their kernels are there."""
        engine.generate(prompts, SamplingParams(3), samples)


def main() -> None:
    line = Line()
    torch.set_num_threads(line.job["threads"])
    line.serve(Generation(line.job).measure)


if __name__ == "__main__":
    main()
