"""What is measured, and what came out: cells, rows, and the file of finished ones that a later call goes on from."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mynah.files import read_json, write_json


@dataclass(frozen=True)
class Cell:
    """One line of a table: a piece of work on one model at one batch size."""

    work: str
    model: str
    batch: int
    unit: str
    """Of the figures, as tokens/s."""
    request: Mapping[str, Any]
    """What each contender is asked for."""
    goal: float | None = None
    """The ratio to the best rival that is aimed at; None where the figure stands for itself."""
    goals: Mapping[str, float] = field(default_factory=dict)
    """The ratio that is aimed at by rival, where the best is not what is asked about."""
    less_is_better: bool = False
    """The figure is a time and not a rate."""
    limit: float | None = None
    """What the machine's arithmetic and memory would allow, in the same unit; for training, whose arithmetic our
    contender counts (`flops_per_unit`), it is filled in after the measurement."""
    only: tuple[str, ...] = ()
    """Names of those who take part, if not all do."""

    @property
    def key(self) -> str:
        return f"{self.work} · {self.model} · {self.batch}"


@dataclass(frozen=True)
class Row:
    """A finished cell. Figures are medians over the turns."""

    work: str
    model: str
    batch: int
    unit: str
    ours: float
    rivals: dict[str, float]
    ratio_to_best: float | None
    goal: float | None
    goals: dict[str, float]
    met: bool | None
    ranges: dict[str, tuple[float, float]]
    """Least and most of each contender, ours as `mynah`."""
    turns: int
    limit: float | None = None
    fraction_of_limit: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """What each contender's search settled on."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Why a contender has no figure here."""
    details: dict[str, Any] = field(default_factory=dict)
    """Of our last turn: phases, memory."""


OURS = "mynah"


def row_of(
    cell: Cell,
    figures: Mapping[str, Sequence[float]],
    settings: Mapping[str, Any] | None = None,
    left_out: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Row:
    """The row of a cell from each contender's figures, one a turn; ours must be among them.

    The ratio says how many times better we are than the best rival: of rates ours / theirs, of times theirs / ours.
    """
    medians = {name: statistics.median(values) for name, values in figures.items()}
    ours = medians.pop(OURS)
    ratio = None
    if medians:
        best = min(medians.values()) if cell.less_is_better else max(medians.values())
        ratio = _ratio(cell, ours, best)
    asked = {name: goal for name, goal in cell.goals.items() if name in medians}
    met = None if cell.goal is None or ratio is None else ratio >= cell.goal
    if asked:
        met = met is not False and all(_ratio(cell, ours, medians[name]) >= goal for name, goal in asked.items())
    return Row(
        cell.work,
        cell.model,
        cell.batch,
        cell.unit,
        _short(ours),
        {name: _short(value) for name, value in medians.items()},
        None if ratio is None else _short(ratio),
        cell.goal,
        asked,
        met,
        {name: (_short(min(values)), _short(max(values))) for name, values in figures.items()},
        len(figures[OURS]),
        None if cell.limit is None else _short(cell.limit),
        None if cell.limit is None else _short(ours / cell.limit),
        dict(settings or {}),
        dict(left_out or {}),
        dict(details or {}),
    )


def _ratio(cell: Cell, ours: float, theirs: float) -> float:
    """How many times better we are."""
    return theirs / ours if cell.less_is_better else ours / theirs


class Finished:
    """Rows by what they were measured with, so that an interrupted call goes on where it stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, Any] = read_json(path) if path.exists() else {}

    def get(self, key: str) -> Any:
        return self.rows.get(key)

    def put(self, key: str, value: Any) -> None:
        self.rows[key] = value
        write_json(self.path, self.rows)

    @staticmethod
    def key(*parts: Any) -> str:
        """A short hash of all that decides a figure: cell, turns, contenders, requirements, code."""
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _short(value: float) -> float:
    return float(f"{value:.4g}")
