"""How long each phase of a training step took."""

from __future__ import annotations

import time

import torch


class Stopwatch:
    """`lap("rollout")` puts the seconds since the lap before, or since the start, into `seconds["rollout_seconds"]`."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = {}
        self._device = device
        self._last = self._now()

    def lap(self, phase: str) -> None:
        now = self._now()
        self.seconds[f"{phase}_seconds"] = now - self._last
        self._last = now

    def _now(self) -> float:
        if self._device.type == "cuda":  # what was asked of a GPU may not have been done yet
            torch.cuda.synchronize(self._device)
        return time.perf_counter()
