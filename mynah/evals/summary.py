"""A run's own figures as report.json has them: what its stages recorded, without any exam."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

import torch

from mynah.runs import Run, code_version
from mynah.train.metrics import read_metrics


def summarise(run: Run) -> dict[str, Any]:
    """Seconds, settings, versions, and the figures of the newest reward model and PPO run."""
    record = run.record
    newest = {kind: record["stages"][key] for kind, key in record["newest"].items()}
    done = {key: stage for key, stage in record["stages"].items() if stage["status"] == "done"}
    seconds: dict[str, float] = {}
    for stage in done.values():
        seconds[stage["stage"]] = round(seconds.get(stage["stage"], 0.0) + stage["seconds"], 1)
    costs = record.get("spent", {})
    for what, cost in costs.items():  # round-1/sample, eval
        name = what.rpartition("/")[2]
        seconds[name] = round(seconds.get(name, 0.0) + cost["seconds"], 1)
    summary: dict[str, Any] = {
        "name": run.name,
        "seed": next(iter(record["stages"].values()))["seed"] if record["stages"] else 0,
        "round": record.get("rounds", 1),
        "created": record["created"],
        "seconds": seconds,
        "versions": {
            "mynah": code_version(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "dtype": next(iter(newest.values()))["settings"]["hardware"]["dtype"] if newest else "",
        },
        "settings": {kind: stage["settings"] for kind, stage in newest.items()},
        "weights": {kind: stage.get("weights") for kind, stage in newest.items()},
    }
    if peak := max((cost.get("peak_memory_mb", 0) for cost in (*done.values(), *costs.values())), default=0):
        summary["peak_memory_mb"] = peak
    if "pretrain" in newest:
        summary["parameters"] = newest["pretrain"]["figures"].get("parameters")
    if "reward" in newest:
        summary["reward"] = _reward(newest["reward"]["figures"]) | {"weights": newest["reward"]["weights"]}
    if "ppo" in newest:
        figures = newest["ppo"]["figures"]
        phases = [name for name in figures if name.endswith("_seconds")]
        summary["ppo"] = {name: figure for name, figure in figures.items() if name not in phases}
        summary["ppo"]["start"] = newest["ppo"]["parents"]["start"]["stage"]
        summary["ppo_seconds"] = {name.removesuffix("_seconds"): figures[name] for name in phases}
    return summary


def curves(run: Run) -> dict[str, list[dict[str, Any]]]:
    """The metrics of the newest stage of each kind."""
    return {kind: read_metrics(run.stage(key).state / "metrics.jsonl") for kind, key in run.record["newest"].items()}


def _reward(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "accuracy": figures["accuracy"],
        "n": figures["pairs"],
        "length_bias": {"data": figures["length_bias_data"], "model": figures["length_bias_model"]},
        "calibration": figures["calibration"],
        "ensemble_spread": figures["ensemble_spread"],
    }
