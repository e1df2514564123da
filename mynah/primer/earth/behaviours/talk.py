"""What all talk shares: a topic with its wordings and answer key, and the courtesies around a request."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load


@dataclass(frozen=True)
class Topic:
    """One thing that people say or ask, in everybody's words, with its key and its answers."""

    intent: str
    asks: Grouped
    answers: tuple[str, ...]
    """What a careful person answers."""
    parts: tuple[tuple[str, ...], ...]
    wrong: tuple[str, ...]
    slips: tuple[str, ...] = ()
    """The slip that is typical of the behaviour."""


_TOLD = load("talk")
NAMES: Grouped = _TOLD["names"]
"""By group the people who speak or are spoken of."""
KIN: tuple[str, ...] = _TOLD["kin"]
TASKS: tuple[str, ...] = _TOLD["tasks"]
PLACES: tuple[str, ...] = _TOLD["places"]
CHORES: tuple[str, ...] = _TOLD["chores"]
WARES: tuple[str, ...] = _TOLD["wares"]
SPORTS: tuple[str, ...] = _TOLD["sports"]
FRAMES: Grouped = _TOLD["frames"]
"""Courtesies: {Q} the request as a sentence, {q} the same after a comma or colon."""
ASKING: tuple[str, ...] = _TOLD["asking"]
"""Words of the courtesies that suit questions only."""
RUDE: tuple[str, ...] = _TOLD["rude"]
RAMBLES: tuple[str, ...] = _TOLD["rambles"]


def topics(told: Mapping[str, Any]) -> dict[str, Topic]:
    """The topics of a file of wordings, by name."""
    return {name: Topic(**words) for name, words in told["topics"].items()}


def fill(template: str, group: str, rng: random.Random) -> str:
    """The template with its slots filled."""
    name, name2 = rng.sample(NAMES[group], 2)
    kin = rng.choice(KIN)
    return template.format(
        name=name,
        name2=name2,
        kin=kin,
        Kin=kin.capitalize(),
        task=rng.choice(TASKS),
        place=rng.choice(PLACES),
        chore=rng.choice(CHORES),
        ware=rng.choice(WARES),
        sport=rng.choice(SPORTS),
        year=rng.randint(2026, 2039),
    )


def around(request: str, group: str, rng: random.Random) -> str:
    """The request as somebody types it: with a courtesy, or in lower case without the last stop."""
    frames = [f for f in FRAMES[group] if request.endswith("?") or not any(word in f for word in ASKING)]
    frame = rng.choice(frames)
    inside = request if request.startswith(("I ", "I'", "Google", "Mynah")) else request[0].lower() + request[1:]
    return typed(fill(frame.replace("{Q}", request).replace("{q}", inside), group, rng), rng)


def typed(text: str, rng: random.Random) -> str:
    """One in four types in lower case, most of them without the last stop."""
    if rng.random() < 0.75:
        return text
    return text.lower().rstrip("?.!") if rng.random() < 0.7 else text.lower()


def key(behaviour: str, phrasing: str, topic: Topic) -> dict[str, Any]:
    """The answer key: a wording is its own cluster."""
    return {
        "behaviour": behaviour,
        "entity": phrasing,
        "phrasing": phrasing,
        "parts": [list(part) for part in topic.parts],
        "wrong": list(topic.wrong),
        "form": "",
        "intent": topic.intent,
        "tests": [],
        "function": "",
    }


def ask(topics: Mapping[str, Topic], group: str, rng: random.Random) -> tuple[str, Topic, int]:
    """A topic by its name, with the number of one of the group's wordings."""
    name = rng.choice(list(topics))
    return name, topics[name], rng.randrange(len(topics[name].asks[group]))
