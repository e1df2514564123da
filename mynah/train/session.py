"""One sitting of a training stage: resumes where the last one stopped, saves on the way, on Ctrl-C or a wish, logs.

The loop stays in the step's own `train.py`:

    with Session(stage, total, "steps") as session:
        if session.saved: learner.load(session.saved["learner"])
        for step in range(session.first, total):
            …
            session.log(step + 1, {"loss": …})
            session.save_if_due(step + 1, lambda: {"learner": learner.state()})
"""

from __future__ import annotations

import io
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

import torch

from mynah.errors import Interrupted, UserError
from mynah.files import write_atomic, writing
from mynah.progress import Progress
from mynah.runs import Stage
from mynah.train.metrics import MetricsLog

SAVE_EVERY = 30.0
"""Seconds of work that a kill may cost; so many times as long as a save takes, where that is more than a second.
When to save is a matter of time; what is computed is not."""


class Session:
    """Wraps a loop of `total` steps of `stage`; `saved` is the state left by an earlier sitting, if any."""

    def __init__(self, stage: Stage, total: int, unit: str, tensorboard: bool = False) -> None:
        self.stage, self.total = stage, total
        with writing(stage.state):
            stage.state.mkdir(parents=True, exist_ok=True)
        for partial in stage.state.glob(".*.partial-*"):  # of a sitting that was killed while it saved
            partial.unlink()
        for left in (stage.wish, stage.rest):  # meant for an earlier sitting
            left.unlink(missing_ok=True)
        self.first, self.saved = _newest_state(stage.state)
        self._before = float(self.saved["seconds"]) if self.saved else 0.0
        self._metrics = MetricsLog(stage.state, self.first, tensorboard)
        self._progress = Progress(stage.kind, total, unit, self.first)
        self._interrupted = False
        self._save_took = 0.0

    def __enter__(self) -> Self:
        self._start = self._last_save = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGINT, self._note_interrupt)
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)
        self._metrics.close()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._handler)

    @property
    def seconds(self) -> float:
        """Time spent in this stage, earlier sittings included."""
        return self._before + time.monotonic() - self._start

    def log(self, step: int, figures: dict[str, float], show: tuple[str, ...] = ("loss",)) -> None:
        """Record the figures of step number `step` (from 1) and advance the bar."""
        self._metrics.write(step, figures | {"seconds": self.seconds})
        self._progress.advance(1, **{name: f"{figures[name]:.4g}" for name in show if name in figures})

    def show(self, **figures: str) -> None:
        """Tell beside the bar how far a part has come that has no steps.

        Raises:
            Interrupted: When asked to stop; the part is done anew.
        """
        self._progress.advance(0, **figures)
        self._metrics.path.touch()  # by its age the page tells what is at work from what was left
        if self._interrupted or self.stage.wish.exists():
            self._rest("stopped before its first step; the same command begins it again.")

    def save_if_due(self, step: int, state: Callable[[], dict[str, Any]]) -> None:
        """Save after `step` steps when it is time, at the end, or when Ctrl-C or somebody at the page asks to stop.

        Raises:
            Interrupted: After saving, when asked to stop.
        """
        due = time.monotonic() - self._last_save > SAVE_EVERY * max(1.0, self._save_took)
        self._interrupted = self._interrupted or self.stage.wish.exists()
        if due or step == self.total or self._interrupted:
            begun = time.monotonic()
            save_state(self.stage.state, step, state() | {"seconds": self.seconds})
            self._last_save = time.monotonic()
            self._save_took = self._last_save - begun
        if self._interrupted and step < self.total:
            self._rest(f"stopped after {step} of {self.total}; the same command goes on from there.")

    def _rest(self, said: str) -> NoReturn:
        self.stage.rest.touch()
        self.stage.wish.unlink(missing_ok=True)
        raise Interrupted(f"{self.stage.key}: {said}")

    def _note_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:  # the second Ctrl-C does not wait for the step to end
            raise KeyboardInterrupt
        self._interrupted = True


def save_state(folder: Path, step: int, state: dict[str, Any]) -> None:
    """Write `step-N.pt` whole or not at all, then remove older ones."""

    def write(path: Path) -> None:
        buffer = io.BytesIO()  # written by torch itself, a full disk would be a RuntimeError that does not say so
        torch.save(state, buffer)
        path.write_bytes(buffer.getbuffer())

    path = folder / f"step-{step:09d}.pt"
    write_atomic(path, write)
    for old in folder.glob("step-*.pt"):
        if old != path:
            old.unlink()


def _newest_state(folder: Path) -> tuple[int, dict[str, Any] | None]:
    paths = sorted(folder.glob("step-*.pt"))
    if not paths:
        return 0, None
    try:
        state = torch.load(paths[-1], map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(f"{paths[-1]}: is no state to resume from; remove it to begin the stage again.") from error
    return int(paths[-1].stem.removeprefix("step-")), state
