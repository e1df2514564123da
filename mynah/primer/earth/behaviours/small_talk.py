"""Small talk: greetings, thanks, jokes and kind words."""

from __future__ import annotations

import random
from collections.abc import Mapping

from mynah.nouns import Message
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.talk import RAMBLES, RUDE, Topic, ask, fill, key, topics, typed
from mynah.primer.earth.wordings import load

_TOLD = load("small_talk")
TOPICS: dict[str, Topic] = topics(_TOLD)
EXCHANGES: Mapping[str, tuple[tuple[str, str], ...]] = _TOLD["exchanges"]
"""What may have been said before: a short exchange on everyday things."""


def draw(group: str, rng: random.Random) -> Case:
    """Somebody who wants no more than a friendly word."""
    name, topic, number = ask(TOPICS, group, rng)
    said = fill(topic.asks[group][number], group, rng)
    messages = [Message("user", typed(said[0].upper() + said[1:], rng))]
    if (
        name in ("thanks", "farewell", "compliment")
        and "{task}" not in topic.asks[group][number]
        and rng.random() < 0.6
    ):
        question, answer = rng.choice(EXCHANGES[group])
        messages = [Message("user", question), Message("assistant", answer), *messages]
    good = rng.choice(topic.answers)
    accepted = set(topic.parts[0])
    others = [a for n, t in TOPICS.items() if n != name for a in t.answers if not _names(a, accepted)]
    slips = {"wrong": rng.choice(others), "rude": rng.choice(RUDE), "rambles": f"{good} {rng.choice(RAMBLES)}"}
    return Case(tuple(messages), key("small_talk", f"small_talk.{name}/{group}/{number}", topic), good, slips)


def _names(answer: str, accepted: set[str]) -> bool:
    """Whether the answer says one of the accepted phrases, roughly."""
    return any(phrase in answer.lower() for phrase in accepted)
