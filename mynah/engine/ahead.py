"""Decode steps that draw their own next tokens, several in a row: on a GPU played back as one recorded graph.

A step of a small model is a few hundred kernels, each of a few microseconds: launched one by one, and Python asked for
each row after each step, a GPU would mostly wait. Recorded, they follow each other without Python, and it sees the
tokens of several steps at once. What a row drew beyond its end is not looked at.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mynah.engine.flight import Flight
from mynah.engine.runner import Runner
from mynah.engine.sampler import plain_draw, row_keys
from mynah.model.packed import row_size

Drawn = tuple[list[list[int]], list[list[float]]]
"""Of each step the rows' tokens and their log p."""


class _Graph:
    """Recorded steps for a number of rows and a reach of attention, with the places they read and write."""

    def __init__(self, ahead: Ahead, numbers: Tensor, temperature: Tensor, steps: int) -> None:
        self.numbers, self.temperature = numbers.clone(), temperature.clone()
        self.graph = torch.cuda.CUDAGraph()
        # Another thread may ask the GPU for memory meanwhile, to load a model: that is no part of the recording.
        with torch.cuda.graph(self.graph, pool=ahead.pool, capture_error_mode="thread_local"):
            self.drawn = ahead.steps(self.numbers, self.temperature, steps)

    def play(self, numbers: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor]:
        self.numbers.copy_(numbers)
        self.temperature.copy_(temperature)
        self.graph.replay()
        return self.drawn


class Ahead:
    """Draws ahead over a runner's model and cache. `record` on a GPU; else step by step, which is the tests' oracle."""

    def __init__(self, runner: Runner, record: bool) -> None:
        self.runner, self.record = runner, record
        self.pool: Any = None
        self._met: set[tuple[int, int, int]] = set()
        self._graphs: dict[tuple[int, int, int], _Graph] = {}
        self._slabs = -1  # the slabs that the graphs point into

    def draw(self, flight: Flight, steps: int) -> Drawn:
        """The next `steps` tokens of each row in flight, all of them plain."""
        cache, rows = self.runner.cache, flight.count
        reach = int(flight.newest[1].max()) + steps
        # Few shapes, since each is recorded; rows that are not in use draw into places that the next prompt overwrites.
        cache.fit(min(row_size(reach), cache.most) if self.record else reach, rows)
        count = min(row_size(rows) if rows > 16 else 1 << (rows - 1).bit_length(), cache.rows)
        numbers, temperature = self._inputs(flight, count)
        key = (count, cache.length, steps)
        if self._slabs != cache.allocations:
            self._forget()
        if not self.record or key not in self._met:  # the first time also finds every kernel and its scratch memory
            self._met.add(key)
            tokens, logprobs = self.steps(numbers, temperature, steps)
        else:
            if key not in self._graphs:
                self._graphs[key] = self._recorded(numbers, temperature, steps)
            tokens, logprobs = self._graphs[key].play(numbers, temperature)
        return tokens[:, :rows].tolist(), logprobs[:, :rows].tolist()

    def _recorded(self, numbers: Tensor, temperature: Tensor, steps: int) -> _Graph:
        try:
            return _Graph(self, numbers, temperature, steps)
        except Exception:  # out of memory, say: these requests end, and the next ones begin with a sound pool
            self._forget()
            raise

    def _forget(self) -> None:
        """Drop the graphs, and their memory with them: PyTorch gives a pool back with the last graph in it."""
        self._graphs, self._met, self._slabs = {}, set(), self.runner.cache.allocations
        self.pool = torch.cuda.graph_pool_handle() if self.record else None

    def steps(self, numbers: Tensor, temperature: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """Tokens [steps, R] and their log p, from tokens, positions, seeds, sequences [4, R] and temperatures [R].

        Nothing here waits for the device or asks it anything, so that it can be recorded.
        """
        tokens, positions, seeds, sequences = numbers.unbind()
        drawn = []
        for step in range(steps):
            logits = self.runner.step(tokens, positions + step)
            tokens, logprobs = plain_draw(logits, row_keys(seeds, sequences, positions + (step + 1)), temperature)
            drawn.append((tokens, logprobs))
        all_tokens, all_logprobs = zip(*drawn, strict=True)
        return torch.stack(all_tokens), torch.stack(all_logprobs)

    def _inputs(self, flight: Flight, count: int) -> tuple[Tensor, Tensor]:
        """What `steps` takes, for `count` rows: behind those in flight some that nobody looks at."""
        device, missing = self.runner.model.device, count - flight.count
        numbers, temperature = flight.inputs
        return F.pad(numbers, (0, missing)).to(device), F.pad(temperature, (0, missing), value=1.0).to(device)
