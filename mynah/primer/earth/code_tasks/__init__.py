"""The small Python functions that can be asked for: what each does in several wordings, its code, tests and bugs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from mynah.primer.earth.code_tasks import decisions, letters, lists, number_lists, numbers, pairs, parts, texts
from mynah.primer.earth.code_tasks.task import Names, Task, do, does

__all__ = ["SHAPES", "Names", "Task", "do", "does", "tasks"]

SHAPES: dict[str, Callable[[], Iterator[Task]]] = {
    make.__name__: make
    for subject in (numbers, decisions, pairs, number_lists, lists, letters, texts, parts)
    for make in subject.SHAPES
}
"""By name what makes the tasks of a shape."""


@cache
def tasks() -> tuple[Task, ...]:
    """All of them, in a fixed order."""
    return tuple(replace(task, shape=shape) for shape, make in SHAPES.items() for task in make())
