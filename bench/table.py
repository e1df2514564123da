"""A table: its cells and who takes part; and how one is measured, model by model, finished cells left alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.cells import OURS, Cell, Finished, row_of
from bench.contender import Contender, Entry
from bench.environments import Unavailable
from bench.machine import other_load
from bench.places import REQUIREMENTS, ROOT
from bench.turns import Measure, search, take_turns
from mynah.progress import console


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    quick: bool
    turns: int
    threads: int
    machine: Mapping[str, Any]
    """As `bench.machine.describe` tells it."""
    data: str
    """What the dialogues are called."""
    device: str = "cpu"
    """cpu or cuda."""


@dataclass(frozen=True)
class Table:
    """What one `make bench-NAME` measures."""

    name: str
    title: str
    cells: Callable[[Options], list[Cell]]
    entries: Callable[[Options], list[Entry]]


def measure(
    table: Table, options: Options, finished: Finished, job: Callable[[str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The table's rows, as they stand in results.json.

    Args:
        job: What all contenders are told of a model.
    """
    cells, entries = table.cells(options), table.entries(options)
    keys = {cell.key: _key(cell, entries, options) for cell in cells}
    for model in dict.fromkeys(cell.model for cell in cells):
        missing = [cell for cell in cells if cell.model == model and not finished.get(keys[cell.key])]
        if missing:
            _measure_model(missing, entries, options, finished, job(model), keys)
    return [row | {"table": table.name} for cell in cells if (row := finished.get(keys[cell.key]))]


def _measure_model(
    cells: Sequence[Cell],
    entries: Sequence[Entry],
    options: Options,
    finished: Finished,
    job: dict[str, Any],
    keys: Mapping[str, str],
) -> None:
    with ExitStack() as running:
        contenders, absent = _start([e for e in entries if any(_takes_part(e, cell) for cell in cells)], job, running)
        for cell in cells:
            start, load = time.monotonic(), other_load(0.5 if options.device == "cuda" else 2.0)
            part = {name: contender for name, contender in contenders.items() if _takes_part(contender.entry, cell)}
            left_out = {e.name: absent[e.name] for e in entries if e.name in absent and _takes_part(e, cell)}
            requests: dict[str, dict[str, Any]] = {}
            measures: dict[str, Measure] = {}
            for name, contender in part.items():
                try:
                    chosen = _settle(contender, cell, finished)
                except Unavailable as why:
                    left_out[name] = str(why)
                    continue
                requests[name], measures[name] = {**cell.request, **chosen}, contender.measure
            figures, fell, last = take_turns(measures, requests, options.turns)
            left_out |= fell
            if OURS not in figures:
                raise SystemExit(f"{cell.key}: ours gave no figure. {left_out.get(OURS, '')}")
            settings = {
                name: {choice: requests[name][choice] for choice in part[name].entry.choices}
                for name in figures
                if part[name].entry.choices
            }
            details = {**last[OURS].get("details", {}), "other_load": round(load, 2)}
            if cell.limit is None and (flops := details.get("flops_per_unit")):
                cell = replace(cell, limit=options.machine[f"{details['dtype']}_gflops"] * 1e9 / flops)
            row = asdict(row_of(cell, figures, settings, left_out, details))
            row |= {"code": code_version(), "day": datetime.now(UTC).date().isoformat()}
            finished.put(keys[cell.key], row)
            console.print(f"  {line(row)}  [{time.monotonic() - start:.0f} s]", soft_wrap=True, markup=False)


def line(row: Mapping[str, Any]) -> str:
    """One row in words."""
    ranges = {name: f" ({least:g}–{most:g})" for name, (least, most) in row["ranges"].items()}
    rivals = "".join(f"; {name} {value:g}{ranges[name]}" for name, value in row["rivals"].items())
    ratio = f"; {row['ratio_to_best']:g} × the best" if row["ratio_to_best"] else ""
    goal = f" (goal {aim(row)}: {'met' if row['met'] else 'missed'})" if row["met"] is not None else ""
    limit = f"; {row['fraction_of_limit']:.0%} of the limit" if row["limit"] else ""
    what = f"{row['work']}, {row['model']}, batch {row['batch']}"
    return f"{what}: {row['ours']:g} {row['unit']}{ranges[OURS]}{rivals}{ratio}{goal}{limit}"


def aim(row: Mapping[str, Any]) -> str:
    """The goal, or those by rival with what came of each."""
    if not row["goals"]:
        return f"{row['goal']:g}"
    reached = {name: row["ours"] / row["rivals"][name] for name in row["goals"]}
    return ", ".join(f"{goal:g} × {name} ({reached[name]:.2f})" for name, goal in row["goals"].items())


def code_version(folder: Path = ROOT) -> str:
    """A hash of every source file that a figure depends on."""
    paths = [
        path
        for part in ("mynah", "bench")
        for path in sorted((folder / part).rglob("*"))
        if path.suffix in (".py", ".c", ".h") and ".work" not in path.parts
    ]
    return Finished.key([(str(path.relative_to(folder)), path.read_text(encoding="utf-8")) for path in paths])


def _start(
    entries: Sequence[Entry], job: dict[str, Any], running: ExitStack
) -> tuple[dict[str, Contender], dict[str, str]]:
    """Those who run, and why the others do not."""
    contenders: dict[str, Contender] = {}
    absent: dict[str, str] = {}
    for entry in entries:
        try:
            contenders[entry.name] = running.enter_context(Contender(entry, job))
        except Unavailable as why:
            absent[entry.name] = str(why)
            console.print(f"  {entry.name} is left out: {why}", soft_wrap=True, markup=False)
    return contenders, absent


def _settle(contender: Contender, cell: Cell, finished: Finished) -> dict[str, Any]:
    """The settings that suit the contender best here, searched for once."""
    entry = contender.entry
    if not any(len(values) > 1 for values in entry.choices.values()):
        return {name: values[0] for name, values in entry.choices.items()}
    key = Finished.key("settings", asdict(cell), asdict(entry), _requirements(entry))
    if finished.get(key) is None:
        best = search(contender.measure, cell.request, entry.choices, cell.less_is_better)
        finished.put(key, best)
    return finished.get(key)


def _takes_part(entry: Entry, cell: Cell) -> bool:
    return not cell.only or entry.name in cell.only


def _key(cell: Cell, entries: Sequence[Entry], options: Options) -> str:
    part = [(asdict(entry), _requirements(entry)) for entry in entries if _takes_part(entry, cell)]
    asked = {name: value for name, value in asdict(cell).items() if name != "limit"}
    return Finished.key(
        asked,
        part,
        options.turns,
        options.threads,
        options.data,
        options.machine["processor"],
        options.device,
        code_version(),
    )


def _requirements(entry: Entry) -> str:
    return (REQUIREMENTS / f"{entry.environment}.txt").read_text() if entry.environment else ""
