"""Progress of long work: a bar with rate and time left in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

console = Console(stderr=True, highlight=False)
LINE_EVERY = 10.0
"""Seconds between lines where there is no terminal."""


class Progress:
    """`with Progress("PPO", total, "episodes") as progress: … progress.advance(8, score="1.20")`"""

    def __init__(self, title: str, total: int, unit: str, done: int = 0) -> None:
        self.title, self.total, self.unit, self.done = title, total, unit, done
        self._first, self._start, self._said = done, time.monotonic(), time.monotonic()
        self._figures = ""
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if console.is_terminal:
            # In a narrow window the figures are cut short; a bar of two lines would leave its first ones behind.
            last = Column(ratio=1, no_wrap=True, overflow="ellipsis")
            columns: tuple[ProgressColumn, ...] = (
                TextColumn("[bold]{task.description:<12}", table_column=Column(no_wrap=True)),
                BarColumn(bar_width=20),
                MofNCompleteColumn(table_column=Column(no_wrap=True)),
                _Rate(self.unit),
                TimeRemainingColumn(compact=True),
                TextColumn("[dim]{task.fields[figures]}", table_column=last),
            )
            self._bar = Bar(*columns, console=console, expand=True)
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=self.total, completed=self.done, figures="")
        return self

    def advance(self, amount: int = 1, **figures: str) -> None:
        """Count `amount` more units done; `figures` are shown beside the bar."""
        self.done += amount
        if figures:
            self._figures = "  ".join(f"{name} {value}" for name, value in figures.items())
        if self._bar:
            self._bar.update(self._task, completed=self.done, figures=self._figures)
        elif time.monotonic() - self._said > LINE_EVERY:
            self._say()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        else:
            self._say()

    def _say(self) -> None:
        self._said = time.monotonic()
        rate = (self.done - self._first) / max(self._said - self._start, 1e-9)
        left = f", {(self.total - self.done) / rate:.0f} s left" if 0 < self.done < self.total and rate else ""
        counted = f"{self.done}/{self.total} {self.unit}, {rate:.4g}/s{left}  " if self.total else ""
        console.print(
            f"{self.title}: {counted}{self._figures}".rstrip(),
            soft_wrap=True,
        )


class _Rate(ProgressColumn):
    """Units a second."""

    def __init__(self, unit: str) -> None:
        super().__init__(Column(no_wrap=True))
        self.unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.4g} {self.unit}/s" if speed else "", style="cyan")
