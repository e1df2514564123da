"""The report page: a run's figures, curves and conversations as one HTML file that asks nothing of any other host.

`render` takes what a run has so far; a part that is missing is left out. All text from models, prompts and settings is
untrusted: the template escapes it, and the page's own policy (CSP) forbids scripts and requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from mynah.evals import charts
from mynah.evals import report_claims as claims
from mynah.evals import report_sections as sections
from mynah.evals.report_words import (
    MODELS,
    STEPS,
    duration,
    evidence,
    figure_text,
    finite,
    in_order,
    memory,
    model_words,
    parameters,
    part,
    percent,
    score_text,
    stage_name,
)

SHOWN_SAMPLES = 4
SMALL_MODEL = 100_000_000


def render(report: Mapping[str, Any], curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The whole page. `report` is report.json; `curves` holds each stage's metric rows."""
    stages = [(stage_name(stage), *sections.panels(rows)) for stage, rows in in_order(curves, STEPS)]
    page = {
        "name": report.get("name") or "run",
        "dateline": _dateline(report),
        "headline": headline(report),
        "hero": _hero(report),
        "notes": notes(report),
        "key_figures": key_figures(report),
        "steps": _steps(report, curves),
        "samples": [sections.sample(entry) for entry in report.get("samples") or []],
        "shown_samples": SHOWN_SAMPLES,
        "exam": sections.exam_table(part(report, "exam")),
        "gold": sections.gold_rows(part(report, "gold")),
        "win_rates": sections.win_rows(part(report, "win_rate")),
        "lights": claims.lights(part(report, "win_rate_by")),
        "items": claims.items(part(report, "win_items")),
        "changes": claims.changes(part(report, "paired")),
        "founding": claims.founding(part(report, "founding")),
        "visitor": claims.visitor(part(report, "visitor")),
        "reward": sections.reward(part(report, "reward")),
        "ppo": sections.ppo_facts(part(report, "ppo")),
        "frontier": sections.frontier(report.get("frontier") or []),
        "curves": [stage for stage in stages if stage[1] or stage[2]],
        "times": sections.time_rows(part(report, "seconds"), part(report, "ppo_seconds")),
        "machine": _machine(report),
        "settings": [(stage, sections.flatten(value)) for stage, value in part(report, "settings").items()],
    }
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("report.html").render(page)


def headline(report: Mapping[str, Any]) -> str:
    """What a reader should take away, never more than the interval allows."""
    win = part(report, "win_rate", "ppo_vs_sft")
    rate, low, high = (finite(win.get(key)) for key in ("rate", "low", "high"))
    where = "simulated comparisons" if report.get("simulated") else "blind comparisons"
    if rate is None:
        if report.get("ppo"):
            return "PPO has run; it has not been compared with SFT yet"
        if report.get("reward"):
            return "The reward model is trained; PPO has not run yet"
        return "No policy from feedback yet: rankings and PPO are still to come"
    if low is not None and low > 0.5:
        return f"PPO beats SFT in {percent(rate)} of {where}"
    if high is not None and high < 0.5:
        return f"PPO loses to SFT: it wins only {percent(rate)} of {where}"
    return f"PPO and SFT cannot be told apart: PPO wins {percent(rate)} of {where}"


def notes(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What limits the evidence, said before any figure."""
    found = []
    if report.get("simulated"):
        text = (
            "Rankings, gold score and win rates come from programs that stand in for labellers and judges. "
            "They show that the method works here, not what people prefer."
        )
        found.append(("Simulated evidence.", text))
    count = finite(report.get("parameters"))
    if count and count < SMALL_MODEL:
        text = f"With {parameters(count)}, these figures check the pipeline; they do not foretell larger models."
        found.append(("Small model.", text))
    if finite(part(report, "win_rate", "ppo_vs_sft").get("rate")) is not None:
        text = "The intervals cover the questions asked, not the luck of training. A claim needs three seeds."
        found.append(("One seed.", text))
    return found


def key_figures(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """The few numbers under the headline: label, value, and what to hold it against."""
    figures = []

    def add(label: str, value: str, hint: str) -> None:
        figures.append({"label": label, "value": value, "hint": hint})

    exam = sections.exam_table(part(report, "exam"))
    if exam and exam["means"]:
        best = "ppo" if "ppo" in exam["means"] else list(exam["means"])[-1]
        others = [
            f"{model_words(m)['name']} {percent(exam['means'][m])}"
            for m in ("base", "sft")
            if m in exam["means"] and m != best
        ]
        add(f"Exam passed by {model_words(best)['name']}", percent(exam["means"][best]), " · ".join(others))
    gold = {model: finite(part(report, "gold", model).get("mean")) for model in MODELS}
    if gold["ppo"] is not None:
        add("Gold score of PPO", score_text(gold["ppo"]), f"SFT {score_text(gold['sft'])}")
    reward = part(report, "reward")
    if finite(reward.get("accuracy")) is not None:
        add(
            "Reward model right",
            percent(reward["accuracy"]),
            f"two labellers agree {percent(reward.get('labeller_agreement'))}",
        )
    if finite(part(report, "ppo").get("ref_kl")) is not None:
        add("Distance from SFT", f"{figure_text(part(report, 'ppo')['ref_kl'])} nats", "ref_kl per answer")
    spent = [seconds for value in part(report, "seconds").values() if (seconds := finite(value))]
    if spent:
        peak = finite(report.get("peak_memory_mb"))
        add("Time", duration(sum(spent)), f"at most {memory(peak)} of memory" if peak else "all stages together")
    return figures


def _dateline(report: Mapping[str, Any]) -> list[str]:
    created = str(report.get("created") or "")
    try:
        moment = datetime.fromisoformat(created)
        created = f"{moment.day} {moment:%B %Y, %H:%M}"
    except ValueError:
        pass  # Shown as it was given.
    count = finite(report.get("parameters"))
    return [
        *([parameters(count)] if count else []),
        *(f"{key} {report[key]}" for key in ("round", "seed") if report.get(key) is not None),
        *([created] if created else []),
    ]


def _hero(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The win rate of PPO over SFT as one bar cut in two."""
    win = part(report, "win_rate", "ppo_vs_sft")
    rate, low, high = (finite(win.get(key)) for key in ("rate", "low", "high"))
    if rate is None:
        return None
    known = low is not None and high is not None
    facts = [f"{'95 % interval ' if known else ''}{evidence(win)}"] if evidence(win) else []
    if finite(win.get("identical")) is not None:
        facts.append(f"{percent(win['identical'])} of the answers are identical and count half for each side")
    ours, theirs = percent(rate), percent(1 - rate)
    bar = charts.split_bar(rate, low, high, f"PPO preferred {ours}, SFT preferred {theirs}")
    return {"ours": ours, "theirs": theirs, "bar": bar, "facts": facts}


def _steps(report: Mapping[str, Any], curves: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The four steps of the method: which ran, and for how long."""
    steps = []
    for number, (stage, (name, hint)) in enumerate(STEPS.items()):
        spent = finite(part(report, "seconds").get(stage))
        ran = spent is not None or bool(curves.get(stage)) or bool(report.get(stage))
        state = duration(spent) if spent is not None else "done" if ran else "not run"
        steps.append({"number": number, "name": name, "hint": hint, "ran": ran, "state": state})
    return steps


def _machine(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What another person needs to get the same figures."""
    facts = [("Seed", str(report["seed"]))] if report.get("seed") is not None else []
    if (count := finite(report.get("parameters"))) is not None:
        facts.append(("Parameters", f"{count:,.0f}"))
    if (peak := finite(report.get("peak_memory_mb"))) is not None:
        facts.append(("Peak memory", memory(peak)))
    return facts + [(str(name), str(version)) for name, version in part(report, "versions").items()]
