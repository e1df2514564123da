"""Runs as the pages show them: stages and whether they are at work, lineage, figures, samples. Reads files, no more.

What lies in a run folder was written by somebody else, and maybe while we read: what is missing is left out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from mynah import jsonl
from mynah.errors import UserError
from mynah.files import read_json
from mynah.runs import Run, Stage
from mynah.server.errors import APIError
from mynah.server.metrics_file import last_rows

PATIENCE, STEPS_LATE = 90.0, 5
"""A stage without news for 90 s, and for five of its own steps, is taken for stopped: nothing tells us of a kill."""
SHOWN_MODELS = ("base", "sft", "feedme", "best_of_n", "ppo")


def all_runs(home: Path) -> list[dict[str, Any]]:
    """Every run, the one that changed last first."""
    found = [_listed(Run(home, path.parent.name)) for path in (home / "runs").glob("[!.]*/run.json")]
    return sorted(found, key=lambda run: str(run["changed"]), reverse=True)


def find_run(home: Path, name: str) -> Run:
    """The run; 404 for a name that is none, without a word about folders."""
    if name in {path.parent.name for path in (home / "runs").glob("[!.]*/run.json")}:
        return Run(home, name)
    raise APIError(404, f"There is no run '{name}'.", param="name", code="run_not_found")


def find_stage(run: Run, key: str) -> Stage:
    """A stage that `run.json` names; 404 for any other."""
    if key in run.record["stages"]:
        return run.stage(key)
    raise APIError(404, f"The run '{run.name}' has no stage '{key}'.", param="stage", code="stage_not_found")


def whole_run(run: Run) -> dict[str, Any]:
    """All of `run.json` that a page needs, with the state of each stage and what the report measured."""
    record = run.record
    stages = [_stage(run.stage(key)) for key in record["stages"]]
    return _summary(run) | {
        "recipe": record.get("recipe", ""),
        "hardware": record.get("hardware", {}),
        "newest": record["newest"],
        "stages": sorted(stages, key=lambda stage: str(stage["started"])),
        "report": (run.root / "report.html").is_file(),
        "measured": measured(run),
    }


def state(stage: Stage) -> str:
    """`done`, `running`, or `stopped`: begun, not done, and silent."""
    if stage.record.get("status") == "done":
        return "done" if stage.folder.is_dir() else "missing"
    if stage.rest.exists():  # it said so itself
        return "stopped"
    rows = last_rows(stage.state / "metrics.jsonl", STEPS_LATE + 1)
    seconds = [row["seconds"] for row in rows if isinstance(row.get("seconds"), int | float)]
    steps = [after - before for before, after in pairwise(seconds)]
    patience = max(PATIENCE, STEPS_LATE * statistics.median(steps)) if steps else PATIENCE
    return "running" if time.time() - _news(stage) < patience else "stopped"


def measured(run: Run) -> dict[str, Any]:
    """The report's figures in short: exam mean of each model, win rates with intervals, reward accuracy."""
    try:
        report = read_json(run.root / "report.json")
    except UserError:
        return {}
    if not isinstance(report, dict):
        return {}
    exam = {model: mean for model, rates in _part(report, "exam").items() if (mean := _mean(rates)) is not None}
    reward = _part(report, "reward")
    kept = ("accuracy", "low", "high", "n", "accuracy_gold", "labeller_agreement")
    return {
        "round": report.get("round"),
        "simulated": bool(report.get("simulated")),
        "exam": exam,
        "win_rate": {
            name: {key: win[key] for key in ("rate", "low", "high", "n") if key in win}
            for name, win in _part(report, "win_rate").items()
            if isinstance(win, dict)
        },
        "reward": {key: reward[key] for key in kept if key in reward},
    }


def figures_of(stage: Stage) -> dict[str, Any]:
    """What is known of one checkpoint: its stage's own figures; exam and win rate, if the report is about it."""
    found: dict[str, Any] = {"stage": stage.record.get("figures", {})}
    report, name = measured(stage.run), {"pretrain": "base"}.get(stage.kind, stage.kind)
    newest = stage.run.record["newest"].get(stage.kind) == stage.key
    if not newest or (stage.kind != "pretrain" and report.get("round") != stage.record.get("round")):
        return found
    if name in report["exam"]:
        found["exam"] = report["exam"][name]
    if win := report["win_rate"].get(f"{name}_vs_sft"):
        found["win_rate"] = win | {
            "against": stage.run.record["newest"].get("sft", ""),
            "simulated": report["simulated"],
        }
    return found


def side_by_side(run: Run) -> list[dict[str, Any]]:
    """The report's examples: one prompt, every model's answer."""
    try:
        samples = read_json(run.root / "report.json").get("samples") or []
    except (UserError, AttributeError):
        return []
    return [
        {
            "prompt": sample["prompt"],
            "behaviour": sample.get("behaviour", ""),
            "answers": [
                {"label": model, "text": sample["answers"][model]}
                for model in SHOWN_MODELS
                if model in sample["answers"]
            ],
        }
        for sample in samples
    ]


def over_time(run: Run, first: int, count: int) -> tuple[list[dict[str, Any]], bool]:
    """How the policy's answers to the same prompts changed along PPO: `count` prompts from `first`, and if more follow.

    They are those that the exam's frontier was measured with; where there is none, or PPO is at work, the few that it
    answers itself on its way.
    """
    columns = []
    for path in _answers_on_the_way(run):
        name = path.stem.rpartition("-")[2]
        label = "start" if name == "start" else name.lstrip("0") or "start"
        columns.append((int(label) if label.isdecimal() else 0, label, _samples(path)))
    columns.sort(key=lambda column: column[0])
    if not columns:
        return [], False
    prompts = columns[0][2]
    found = [
        {
            "prompt": [message.to_json() for message in asked.prompt.messages],
            "behaviour": str(asked.prompt.meta.get("behaviour", "")),
            "answers": [
                {"label": label, "text": rows[i].completions[0]} for _, label, rows in columns if i < len(rows)
            ],
        }
        for i, asked in enumerate(prompts[first : first + count], first)
    ]
    return found, len(prompts) > first + count


def _answers_on_the_way(run: Run) -> list[Path]:
    frontier = sorted((run.root / "exam").glob("*-frontier-*.jsonl"))
    of_ppo = [run.stage(key) for key, record in run.record["stages"].items() if record["stage"] == "ppo"]
    if not of_ppo or (frontier and all(stage.done for stage in of_ppo)):
        return frontier
    newest = max(of_ppo, key=lambda stage: str(stage.record.get("started", "")))
    return sorted((newest.state / "samples").glob("*.jsonl"))


def _samples(path: Path) -> list[Any]:
    try:
        return jsonl.read_samples(path)
    except UserError:  # being written, or of another version
        return []


def _listed(run: Run) -> dict[str, Any]:
    """One broken run does not hide the others."""
    try:
        return _summary(run)
    except (UserError, KeyError, TypeError, AttributeError):
        shape = {"created": "", "changed": "", "rounds": 0, "stage": "", "stages": [], "seconds": 0.0}
        return {"name": run.name, "state": "unreadable"} | shape


def _summary(run: Run) -> dict[str, Any]:
    record = run.record
    states = {key: state(run.stage(key)) for key in record["stages"]}
    at_work = [key for key, found in states.items() if found == "running"]
    [last] = sorted(record["stages"], key=lambda key: str(record["stages"][key].get("started", "")))[-1:] or [""]
    return {
        "name": run.name,
        "created": record.get("created", ""),
        "stages": [{"key": key, "kind": stage["stage"]} for key, stage in record["stages"].items()],
        "changed": max(
            [
                str(record.get("created", "")),
                *(str(s.get("finished") or s["started"]) for s in record["stages"].values()),
            ]
        ),
        "rounds": record.get("rounds", 1),
        "state": "running" if at_work else states.get(last, "empty"),
        "stage": at_work[0] if at_work else last,
        "seconds": round(sum(stage.get("seconds", 0.0) for stage in record["stages"].values()), 1),
    }


def _stage(stage: Stage) -> dict[str, Any]:
    record = stage.record
    [newest] = last_rows(stage.state / "metrics.jsonl", 1) or [{}]
    return {
        "key": stage.key,
        "kind": stage.kind,
        "round": record.get("round", 1),
        "state": state(stage),
        "stopping": stage.wish.exists(),
        "step": newest.get("step"),
        "started": record.get("started"),
        "finished": record.get("finished"),
        "seconds": record.get("seconds", newest.get("seconds")),
        "seed": record.get("seed"),
        "code_version": record.get("code_version", ""),
        "weights": record.get("weights"),
        "settings": record.get("settings", {}),
        "parents": record.get("parents", {}),
        "data": record.get("data", {}),
        "figures": record.get("figures", {}),
        "servable": stage.kind != "reward" and (stage.folder / "config.json").is_file(),
    }


def _news(stage: Stage) -> float:
    """When a stage last wrote anything, as seconds since 1970."""
    written = [path for path in stage.state.glob("*") if path != stage.wish]  # that one is ours
    paths = [*written, stage.run.root / "run.json"]
    return max((when for path in paths for when in _changed(path)), default=0.0)


def _changed(path: Path) -> Iterator[float]:
    try:
        yield path.stat().st_mtime
    except OSError:  # gone since it was listed
        return


def _part(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = report.get(name)
    return part if isinstance(part, dict) else {}


def _mean(rates: Any) -> float | None:
    """The mean over behaviours of the share of right answers."""
    found = [rate["rate"] for rate in rates.values() if isinstance(rate, dict) and "rate" in rate]
    return round(sum(found) / len(found), 4) if found else None
