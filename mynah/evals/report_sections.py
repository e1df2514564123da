"""Each section of the report: a part of report.json turned into what the template lays out, or nothing if not run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from mynah.evals import charts
from mynah.evals.report_words import (
    MODELS,
    duration,
    evidence,
    figure_text,
    finite,
    in_order,
    model_words,
    part,
    percent,
    score_text,
    stage_name,
    words,
)

Row = dict[str, Any]
"""One line of figures: name, css class, value, track (a small drawing), small print."""

PANELS = {
    "loss": ("Loss", ""),
    "bits_per_byte": ("Bits per byte", ""),
    "accuracy": ("Accuracy", "pairs ranked alike"),
    "objective": ("Objective", "score − kl_coef · ref_kl"),
    "score": ("Score", "reward model"),
    "gold": ("Gold score", ""),
    "ref_kl": ("ref_kl", "nats per answer"),
    "length": ("Length", "tokens per answer"),
    "entropy": ("Entropy", "nats per token"),
    "mismatch_kl": ("mismatch_kl", "engine‖learner"),
    "approx_kl": ("approx_kl", "new‖old"),
    "kl_coef": ("kl_coef", ""),
    "clip_fraction": ("Clip fraction", "share of tokens"),
    "policy_loss": ("Policy loss", ""),
    "value_loss": ("Value loss", ""),
    "grad_norm": ("Gradient norm", ""),
}
"""Curves shown at once, in this order; every other numeric key goes under 'more'."""
X_NAMES = ("step", "iteration", "epoch")
HELD_OUT = ("val_", "validation_", "held_out_", "heldout_", "eval_", "train_")


def sample(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One conversation and what each model answers; an answer equal to SFT's is said to be so."""
    answers = part(entry, "answers")
    shown = []
    for model, text in in_order(answers, MODELS):
        same = model not in ("base", "sft") and "sft" in answers and text == answers["sft"]
        shown.append(model_words(model) | {"text": str(text if text is not None else ""), "same": same})
    prompt = [
        {"role": str(message.get("role") or "user"), "content": str(message.get("content") or "")}
        for message in entry.get("prompt") or []
    ]
    return {"behaviour": words(entry.get("behaviour") or ""), "prompt": prompt, "answers": shown}


def exam_table(exam: Mapping[str, Any]) -> dict[str, Any] | None:
    """Behaviours down, models across, and the plain mean of the behaviours for each model that sat them all."""
    models = [model for model, _ in in_order(exam, MODELS) if part(exam, model)]
    behaviours = list(dict.fromkeys(behaviour for model in models for behaviour in part(exam, model)))
    if not behaviours:
        return None
    rows = []
    for behaviour in behaviours:
        results = {model: part(exam, model, behaviour) for model in models}
        asked = sorted({int(n) for result in results.values() if (n := finite(result.get("n"))) is not None})
        cells = [share_row(model, result, fill_from=0.0) for model, result in results.items()]
        rows.append({"name": words(behaviour), "asked": "–".join(map(str, asked[:1] + asked[1:][-1:])), "cells": cells})
    means = {}
    for model in models:
        found = [finite(part(exam, model, behaviour).get("rate")) for behaviour in behaviours]
        rates = [rate for rate in found if rate is not None]
        if len(rates) == len(behaviours):
            means[model] = math.fsum(rates) / len(rates)
    mean_cells = [share_row(model, {"rate": means.get(model)}, fill_from=0.0) for model in models]
    return {"models": [model_words(model) for model in models], "rows": rows, "mean_cells": mean_cells, "means": means}


def share_row(model: str, result: Mapping[str, Any], name: str = "", fill_from: float = 0.5) -> Row:
    """A share on a track from nothing to all. Filled from the half, where a coin would end, the half is marked too."""
    row = model_words(model) | {"value": percent(result.get("rate")), "small": evidence(result), "track": Markup("")}
    row["name"] = name or row["name"]
    rate = finite(result.get("rate"))
    if rate is not None:
        low, high = finite(result.get("low")), finite(result.get("high"))
        said = ", ".join(filter(None, [f"{row['name']} {row['value']}", row["small"]]))
        mark = fill_from or None
        row["track"] = charts.interval_track(rate, low, high, fill_from=fill_from, mark=mark, label=said)
    return row


def gold_rows(gold: Mapping[str, Any]) -> list[Row]:
    """Mean gold score of each model on one common scale: 0 to 1, or wider where they do not fit."""
    found = [(model, part(gold, model)) for model, _ in in_order(gold, MODELS)]
    found = [(model, result) for model, result in found if finite(result.get("mean")) is not None]
    ends = [finite(result.get(key)) for _, result in found for key in ("mean", "low", "high")]
    known = [end for end in ends if end is not None] or [0.0]
    start, end = min(0.0, *known), max(1.0, *known)
    rows = []
    for model, result in found:
        row = model_words(model) | {"value": score_text(result["mean"]), "small": evidence(result, score_text)}
        low, high = finite(result.get("low")), finite(result.get("high"))
        said = ", ".join(filter(None, [f"{row['name']} {row['value']}", row["small"]]))
        row["track"] = charts.interval_track(result["mean"], low, high, start=start, end=end, fill_from=0.0, label=said)
        rows.append(row)
    return rows


def win_rows(win_rates: Mapping[str, Any]) -> list[Row]:
    """`ppo_vs_sft` → 'PPO over SFT', strongest method first."""
    rows = []
    for pair, result in win_rates.items():
        ours, _, theirs = pair.partition("_vs_")
        if finite(part(win_rates, pair).get("rate")) is None:
            continue
        row = share_row(ours, result, name=f"{model_words(ours)['name']} over {model_words(theirs)['name']}")
        if finite(result.get("identical")) is not None:
            row["small"] += f" · {percent(result['identical'])} identical"
        rows.append((list(MODELS).index(ours) if ours in MODELS else -1, row))
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def reward(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Agreement with people and gold, taste for length, calibration, and how far the ensemble's members differ."""
    if not found:
        return None
    interval = {key: found.get(key) for key in ("low", "high", "n")}
    agreement = [
        share_row(
            "reward", {"rate": found.get("accuracy")} | interval, "Reward model with labellers, held-out prompts"
        ),
        share_row("people", {"rate": found.get("labeller_agreement")}, "Two labellers with each other"),
        share_row("reward", {"rate": found.get("accuracy_gold")}, "Reward model with gold preference"),
    ]
    length = part(found, "length_bias")
    lengths = [
        share_row("people", {"rate": length.get("data")}, "In the rankings"),
        share_row("reward", {"rate": length.get("model")}, "By the reward model"),
    ]
    pairs = [
        (finite(p.get("predicted")), finite(p.get("observed")), p.get("n")) for p in found.get("calibration") or []
    ]
    points = [(x, y, int(finite(n) or 0)) for x, y, n in pairs if x is not None and y is not None]
    spread = finite(found.get("ensemble_spread"))
    return {
        "agreement": [row for row in agreement if row["track"]],
        "lengths": [row for row in lengths if row["track"]],
        "calibration": charts.calibration_chart(points),
        "spread": figure_text(spread) if spread is not None else None,
    }


def ppo_facts(ppo: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = {
        "iterations": "Iterations",
        "ref_kl": "ref_kl, nats per answer",
        "weights_changed": "Weights that moved",
        "start": "Started from",
    }
    facts = []
    for key, value in in_order(ppo, names):
        text = figure_text(value) if finite(value) is not None else str(value)
        facts.append((names.get(key, words(key)), percent(value) if key == "weights_changed" else text))
    return facts


def frontier(points: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Gold and proxy score over √KL, and a sentence on whether gold turned while the proxy rose."""

    def path(key: str) -> list[tuple[float, float, str]]:
        found = [(finite(p.get("sqrt_kl")), finite(p.get(key)), str(p.get("label") or "")) for p in points]
        return [(x, y, label) for x, y, label in found if x is not None and y is not None]

    gold, score = path("gold"), path("score")
    if not gold and not score:
        return None
    drawings = [
        charts.frontier_chart(gold, "Gold score", hue=2, mark_highest=True),
        charts.frontier_chart(score, "Reward model's score"),
    ]
    measured = [p for p in points if finite(p.get("sqrt_kl")) is not None and finite(p.get("gold")) is not None]
    return {"charts": drawings, "verdict": _verdict(gold, score, measured) if len(gold) > 2 else ""}


def _apart(best: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """Whether the intervals of the highest gold and the last one do not meet."""
    low, high = finite(best.get("gold_low")), finite(last.get("gold_high"))
    return low is not None and high is not None and high < low


def _verdict(
    gold: list[tuple[float, float, str]], score: list[tuple[float, float, str]], measured: Sequence[Mapping[str, Any]]
) -> str:
    best = max(gold, key=lambda point: point[1])
    if best[1] == gold[-1][1]:
        return "Gold is still at its highest at the end: no sign of over-optimisation."
    turned = (
        f"Gold is highest at √KL {figure_text(best[0])} ({figure_text(best[1])}) and ends at {figure_text(gold[-1][1])}"
    )
    before = [y for x, y, _ in score if x <= best[0]]
    if before and score[-1][1] > max(before):
        clear = _apart(max(measured, key=lambda point: point["gold"]), measured[-1])
        found = "over-optimisation" if clear else "over-optimisation, if the fall is not noise"
        return f"{turned}, while the reward model's score keeps rising: {found}."
    return f"{turned}."


def panels(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Markup], list[Markup]]:
    """A stage's metric rows as charts: the known curves, then all others. A held-out curve shares its twin's chart."""
    x_name = next((name for name in X_NAMES if any(name in row for row in rows)), "row")
    families: dict[str, dict[str, list[charts.Point]]] = {}
    lost: dict[str, int] = {}
    for index, row in enumerate(rows, 1):
        x = finite(row.get(x_name, index))
        for key, value in row.items():
            if key in (*X_NAMES, "seconds") or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if x is None or finite(value) is None:
                lost[_family(key)] = lost.get(_family(key), 0) + 1
            else:
                families.setdefault(_family(key), {}).setdefault(key, []).append((x, float(value)))

    def chart(family: str) -> Markup:
        title, unit = PANELS.get(family, (words(family), ""))
        missing = f"{lost[family]} not finite" if family in lost else ""
        members = {_short(key, family): families[family][key] for key in sorted(families[family], key=len)}
        return charts.line_chart(members, title, ", ".join(filter(None, [unit, missing])), x_name)

    main = [chart(family) for family in PANELS if family in families]
    return main, [chart(family) for family in families if family not in PANELS]


def _family(key: str) -> str:
    if "grad_norm" in key:
        return "grad_norm"
    return next((key.removeprefix(prefix) for prefix in HELD_OUT if key.startswith(prefix)), key)


def _short(key: str, family: str) -> str:
    """What tells a curve from the others in its chart."""
    rest = key.replace(family, "").strip("_")
    return rest.replace("_", " ") if rest else "all" if family == "grad_norm" else "train"


def time_rows(seconds: Mapping[str, Any], ppo: Mapping[str, Any]) -> list[Row]:
    """A bar for each stage; PPO's says what its phases took."""
    spent = [(stage, found) for stage, value in seconds.items() if (found := finite(value)) is not None]
    longest = max((found for _, found in spent), default=0.0) or 1.0
    phases = [f"{phase} {duration(took)}" for phase, value in ppo.items() if (took := finite(value)) is not None]
    rows = []
    for stage, found in spent:
        name, small = stage_name(stage), ", ".join(phases) if stage == "ppo" else ""
        track = charts.interval_track(found, end=longest, fill_from=0.0, label=f"{name} {duration(found)}")
        rows.append({"name": name, "css": "m-time", "value": duration(found), "track": track, "small": small})
    return rows


def flatten(settings: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names and text."""
    if not isinstance(settings, Mapping):
        return [(prefix or "value", str(settings))]
    named = [(f"{prefix}.{key}" if prefix else str(key), value) for key, value in settings.items()]
    return [pair for name, value in named for pair in flatten(value, name)]
