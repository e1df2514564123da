"""Numbers, shares, times and keys as a reader of the report sees them; a dash for what is missing or not finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MODELS = {
    "base_zero_shot": ("Base, zero-shot", "continues text"),
    "base": ("Base", "few-shot, in plain text"),
    "sft": ("SFT", "imitates demonstrations"),
    "feedme": ("FeedME", "SFT again on the best-ranked samples"),
    "best_of_n": ("Best of n", "SFT, the reward model picks one of n"),
    "ppo": ("PPO", "trained against the reward model"),
}
STEPS = {
    "pretrain": ("Pretrain", "reads text"),
    "sft": ("SFT", "imitates demonstrations"),
    "reward": ("Reward model", "learns from rankings"),
    "ppo": ("PPO", "learns to please the reward model"),
}

WORK = {"sample": "Answers, rankings", "eval": "Evaluation"}
"""What is no stage, and takes its time."""


def finite(value: Any) -> float | None:
    """The number, or None for what cannot be shown: missing, not a number, true or false, beyond any scale."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
        return None
    return float(value)


def figure_text(value: Any) -> str:
    """Three figures that count, no more."""
    number = finite(value)
    if number is None:
        return "–"
    if number != 0 and abs(number) < 0.001:
        mantissa, exponent = f"{number:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def score_text(value: Any) -> str:
    """A score to two decimals, so that a column of them compares at a glance."""
    number = finite(value)
    return "–" if number is None else f"{number:.2f}"


def percent(share: Any) -> str:
    """Whole percent. Never rounds what is not all to 100 %, nor what is not nothing to 0 %."""
    number = finite(share)
    if number is None:
        return "–"
    if 0 < number < 0.005:
        return "<1\u00a0%"
    if 0.995 <= number < 1:
        return ">99\u00a0%"
    return f"{100 * number:.0f}\u00a0%"


def duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 and whole < 600 else "")
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def memory(megabytes: float) -> str:
    return f"{megabytes:,.0f} MB" if megabytes < 2048 else f"{megabytes / 1024:.1f} GB"


def parameters(count: float) -> str:
    for size, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if count >= size:
            return f"{count / size:.3g} {word} parameters"
    return f"{count:.0f} parameters"


def evidence(result: Mapping[str, Any], form: Callable[[Any], str] = percent) -> str:
    """How far a figure can be trusted: its 95 % interval and how many cases stand behind it, if known."""
    low, high, n = (finite(result.get(key)) for key in ("low", "high", "n"))
    interval = f"{form(low)} to {form(high)}" if low is not None and high is not None else ""
    return " · ".join(filter(None, [interval, f"n = {figure_text(n)}" if n is not None else ""]))


def words(key: Any) -> str:
    """`false_premise` → `False premise`."""
    text = str(key).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def model_words(model: str) -> dict[str, str]:
    """A model's name, what it is in a few words, and the CSS class that carries its colour."""
    name, hint = MODELS.get(model, (words(model), ""))
    return {"name": name, "hint": hint, "css": f"m-{model}" if model in MODELS or model in STEPS else "m-other"}


def stage_name(stage: str) -> str:
    return STEPS[stage][0] if stage in STEPS else WORK.get(stage) or model_words(stage)["name"]


def part(parent: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The mapping at a path of keys; an empty one where there is none."""
    for key in keys:
        child = parent.get(key)
        parent = child if isinstance(child, Mapping) else {}
    return parent


def in_order(found: Mapping[str, Any], order: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Known names first, in their order; then the others as they come."""
    known = list(order)
    return sorted(found.items(), key=lambda item: known.index(item[0]) if item[0] in order else len(known))
