"""Contenders take turns: each once a round, in an order that rotates, so that a slow minute falls on all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.environments import Unavailable

Measure = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""One repetition of one contender: a request to {"figure": …, and whatever else it tells}."""


def order(names: Sequence[str], turn: int) -> list[str]:
    """Who goes when in round number `turn`."""
    first = turn % len(names)
    return [*names[first:], *names[:first]]


def take_turns(
    contenders: Mapping[str, Measure], requests: Mapping[str, Mapping[str, Any]], turns: int
) -> tuple[dict[str, list[float]], dict[str, str], dict[str, Mapping[str, Any]]]:
    """Each contender's figures, why some fell out, and each one's last answer. One that fails once is out."""
    figures: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    last: dict[str, Mapping[str, Any]] = {}
    for turn in range(turns):
        for name in order(list(contenders), turn):
            if name in left_out:
                continue
            try:
                last[name] = contenders[name](requests[name])
            except Unavailable as why:
                left_out[name] = str(why)
                figures.pop(name, None)
            else:
                figures.setdefault(name, []).append(last[name]["figure"])
    return figures, left_out, last


def search(
    measure: Measure, request: Mapping[str, Any], choices: Mapping[str, Sequence[Any]], less_is_better: bool = False
) -> dict[str, Any]:
    """The best of a rival's settings: the first of each to begin with, then each tried in turn, until none is better.

    A choice with which the rival fails is passed over; if all fail, the last failure is raised.
    """
    best = {name: values[0] for name, values in choices.items()}
    tried: dict[str, float | None] = {}
    failure: Unavailable | None = None

    def figure(settings: Mapping[str, Any]) -> float | None:
        nonlocal failure
        if str(settings) not in tried:
            try:
                tried[str(settings)] = measure({**request, **settings, "trial": True})["figure"]
            except Unavailable as why:
                failure, tried[str(settings)] = why, None
        return tried[str(settings)]

    before = None
    while best != before:
        before = best
        for name, values in choices.items():
            for value in values:
                known, found = figure(best), figure(best | {name: value})
                if found is not None and (known is None or (found < known if less_is_better else found > known)):
                    best = best | {name: value}
    if failure and not any(value is not None for value in tried.values()):
        raise failure
    return best
