"""The report's closer look at PPO against SFT: in other lights, item by item, behaviour by behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mynah.evals import charts
from mynah.evals.report_sections import Row, share_row
from mynah.evals.report_words import evidence, finite, in_order, model_words, part, percent, words

MODELS = {"base": None, "sft": None, "ppo": None}
LIGHTS = {
    "same_length": "PPO over SFT, answers of like length",
    "greedy": "PPO over SFT, both greedy",
    "sft_at_its_best": "PPO over SFT at its best temperature",
    "best_of_n_vs_sft_at_its_best": "Best of n over SFT at its best temperature",
}
FOUNDING = {
    "intent": ("Does what was asked", "higher is better"),
    "hallucination": ("Makes something up", "where facts were asked; lower is better"),
    "toxicity": ("Harmful or rude", "lower is better"),
}


def lights(found: Mapping[str, Any]) -> list[Row]:
    """Win rates under other conditions, each on a track from nothing to all."""
    rows = []
    for name, result in in_order(found, LIGHTS):
        if finite(part(found, name).get("rate")) is None:
            continue
        row = share_row("ppo", result, name=LIGHTS.get(name, words(name)))
        if (temperature := finite(result.get("temperature"))) is not None:
            row["small"] += f" · T = {temperature:g}"
        rows.append(row)
    return rows


def items(found: Mapping[str, Any]) -> list[Row]:
    """On which items of the judge's rubric PPO's answers are better than SFT's."""
    return [
        share_row("ppo", result, name=words(item))
        for item, result in found.items()
        if finite(part(found, item).get("rate")) is not None
    ]


def changes(found: Mapping[str, Any]) -> list[Row]:
    """Points won or lost by behaviour, the same questions asked of both; the largest gain first."""
    rows = []
    for behaviour, result in found.items():
        difference = finite(part(found, behaviour).get("difference"))
        if difference is None:
            continue
        low, high = (finite(result.get(key)) for key in ("low", "high"))
        said = f"{words(behaviour)} {points(difference)}"
        track = charts.interval_track(difference, low, high, start=-1.0, end=1.0, fill_from=0.0, mark=0.0, label=said)
        row = model_words("ppo") | {"name": words(behaviour), "value": points(difference), "track": track}
        rows.append((difference, row | {"small": evidence(result, points)}))
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def founding(found: Mapping[str, Any]) -> list[tuple[str, str, list[Row]]]:
    """Intent, hallucination and toxicity: heading, hint, and a row for each model."""
    sections = []
    for key, (heading, hint) in FOUNDING.items():
        results = [(model, part(found, model, key)) for model, _ in in_order(found, MODELS)]
        rows = [share_row(model, result, fill_from=0.0) for model, result in results if result]
        if rows:
            sections.append((heading, hint, rows))
    return sections


def visitor(found: Mapping[str, Any]) -> str:
    """The visitor's own verdict in one sentence."""
    if finite(found.get("rate")) is None:
        return ""
    return f"You preferred PPO in {percent(found['rate'])} of the pairs ({evidence(found)})."


def points(share: Any) -> str:
    """A difference of shares in points, with its sign."""
    number = finite(share)
    return "–" if number is None else f"{100 * number:+.0f}".replace("-", "−")
