"""python -m bench generation sft …: measure tables, ours and the rivals in turn, and write bench/results.json."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import checkpoints
from bench.cells import Finished
from bench.dialogues import dialogues
from bench.machine import describe, other_load
from bench.places import GPU_RESULTS, RESULTS, WORK
from bench.table import Options, Table, measure
from bench.tables import generation, growth, int8, ppo, reward, serving, sft
from mynah.errors import UserError
from mynah.files import read_json, write_json
from mynah.progress import console

TABLES: tuple[Table, ...] = tuple(module.TABLE for module in (generation, int8, sft, reward, ppo, serving, growth))

ALIKE = 0.1
"""By how much the peak of a machine may differ between two calls whose rows stand in one file."""

ON_GPU = ("generation", "sft", "reward", "ppo")
"""The tables that are made for one."""


def main() -> None:
    arguments = _arguments()
    pairs, said = dialogues(arguments.data)
    machine = describe(arguments.threads, arguments.device)
    machine["other_load"] = round(other_load(), 2)
    if machine["other_load"] > 0.1:
        console.print(f"Something else keeps {machine['other_load']:.1f} cores busy: these figures are no measurement.")
    options = Options(arguments.quick, arguments.turns, arguments.threads, machine, said, arguments.device)
    finished = Finished(WORK / "finished.json")
    if arguments.again:
        finished.rows.clear()
    result: dict[str, Any] = {"machine": machine, "data": said, "quick": arguments.quick}
    kept = _kept(result, arguments.out, arguments.tables)
    rows: list[dict[str, Any]] = []

    def job(model: str) -> dict[str, Any]:
        return checkpoints.job(model, pairs, arguments.threads, arguments.device)

    for table in TABLES:
        if table.name in arguments.tables:
            console.print(f"[bold]{table.title}[/]")
            rows += measure(table, options, finished, job)
    result["rows"] = sorted([*kept, *rows], key=lambda row: [table.name for table in TABLES].index(row["table"]))
    write_json(arguments.out, result)
    print(json.dumps({"rows": rows}, ensure_ascii=False))


def _kept(result: Mapping[str, Any], path: Path, tables: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the other tables. Raises UserError, before an hour is spent, if they cannot stand beside new ones."""
    earlier = read_json(path) if path.exists() else {"rows": []}
    kept = [row for row in earlier["rows"] if row["table"] not in tables]
    if kept and (why := _other(result, earlier)):
        raise UserError(f"{path}: holds other tables, of {why}; measure all of them, or name another --out.")
    return kept


def _other(result: Mapping[str, Any], earlier: Mapping[str, Any]) -> str:
    """What keeps rows of two calls from standing side by side; nothing if they may."""
    now, then = result["machine"], earlier["machine"]
    if result["quick"] != earlier["quick"] or result["data"] != earlier["data"]:
        return "another length of passes or other dialogues"
    if any(now[name] != then[name] for name in ("processor", "threads", "torch", "device")):
        return "another machine"
    peak, before = now["bfloat16_gflops"], then["bfloat16_gflops"]
    return "" if abs(peak - before) <= ALIKE * before else f"a machine of {before} GFLOP/s, this one makes {peak}"


def _arguments() -> argparse.Namespace:
    names = [table.name for table in TABLES]
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="table", help=f"of {', '.join(names)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help="fewer models, shorter passes")
    parser.add_argument("--turns", type=int, default=3, help="repetitions of each contender in each cell")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each contender")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ["MYNAH_DATA"]) if os.environ.get("MYNAH_DATA") else None,
        help="folder with hh-rlhf; MYNAH_DATA by default; made-up dialogues without either",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where all contenders compute")
    parser.add_argument("--again", action="store_true", help="forget the finished cells")
    parser.add_argument("--out", type=Path, help="where to write the results; bench/results.json or results-gpu.json")
    arguments = parser.parse_args()
    known = [name for name in names if arguments.device == "cpu" or name in ON_GPU]
    unknown = [name for name in arguments.tables if name not in known]
    if unknown:
        parser.error(f"no table {unknown[0]!r} on this device; there are {', '.join(known)}.")
    arguments.tables = arguments.tables or known
    arguments.out = arguments.out or (RESULTS if arguments.device == "cpu" else GPU_RESULTS)
    return arguments


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
