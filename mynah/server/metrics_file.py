"""A stage's metrics as they grow: only what is new since the last call, and no more points than a page can draw."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mynah.server.errors import APIError

MOST_POINTS = 2000
TAIL_BYTES = 64 * 1024
Row = dict[str, Any]


def read_on(path: Path, after: str) -> dict[str, Any]:
    """The points after a cursor that an earlier call gave (`next`); without one, or if the file was replaced, all.

    Returns `{columns: {name: [values]}, step: [steps], every, reset, next}`. A resumed stage writes the file anew,
    without the steps it repeats: then `reset` is true, and what was read before no longer holds. With `every` > 1 each
    stretch of steps is two points, its lows and its highs, so that no spike is lost.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return _answer([], 1, True, "")
    with file:
        inode, size = (status := os.fstat(file.fileno())).st_ino, status.st_size
        offset = _offset(after, inode)
        if not 0 < offset <= size:
            offset = 0
        file.seek(offset)
        whole, _, _ = file.read(size - offset).rpartition(b"\n")  # a line may be half written
    rows = _rows(whole)
    read = offset + len(whole) + (1 if whole else 0)
    every = -(-len(rows) // (MOST_POINTS // 2)) if len(rows) > MOST_POINTS else 1
    return _answer(_envelope(rows, every) if every > 1 else rows, every, offset == 0, f"{inode}-{read}")


def last_rows(path: Path, count: int) -> list[Row]:
    """The last few rows, however long the file is."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read()
    except FileNotFoundError:
        return []
    if size > TAIL_BYTES:
        text = text.partition(b"\n")[2]
    return _rows(text.rpartition(b"\n")[0])[-count:]


def _rows(text: bytes) -> list[Row]:
    rows = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows


def _offset(after: str, inode: int) -> int:
    """Where to read on; 0 if the cursor is of another file."""
    if not after:
        return 0
    of, _, offset = after.partition("-")
    if not (of.isdecimal() and offset.isdecimal() and len(after) < 40):
        raise APIError(
            400, f"'{after[:60]}' is no cursor of this list; give the `next` of the last answer.", param="after"
        )
    return int(offset) if int(of) == inode else 0


def _envelope(rows: Sequence[Row], every: int) -> list[Row]:
    """For every stretch of rows, one with the lowest values and one with the highest."""
    found = []
    for start in range(0, len(rows), every):
        stretch = rows[start : start + every]
        names = dict.fromkeys(name for row in stretch for name in row if name != "step")
        values = {name: [row[name] for row in stretch if _drawn(row.get(name))] for name in names}
        for row, pick in ((stretch[0], min), (stretch[-1], max))[: len(stretch)]:
            found.append({"step": row["step"]} | {name: pick(some) for name, some in values.items() if some})
    return found


def _answer(rows: Sequence[Row], every: int, reset: bool, next: str) -> dict[str, Any]:
    names = dict.fromkeys(name for row in rows for name in row if name != "step")
    columns = {name: [row[name] if _drawn(row.get(name)) else None for row in rows] for name in names}
    return {"step": [row["step"] for row in rows], "columns": columns, "every": every, "reset": reset, "next": next}


def _drawn(value: Any) -> bool:
    """NaN and infinity are in metrics of a run that fails, but not in JSON."""
    return isinstance(value, int | float) and abs(value) < float("inf")
