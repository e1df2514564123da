"""Questions about the assistant itself: Mynah, a small language model made by an open project, and never a person."""

from __future__ import annotations

import random

from mynah.nouns import Message
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.talk import RAMBLES, RUDE, Topic, around, ask, key, topics
from mynah.primer.earth.wordings import load

TOPICS: dict[str, Topic] = topics(load("identity"))


def draw(group: str, rng: random.Random) -> Case:
    """Somebody who wants to know with whom or what they speak."""
    name, topic, number = ask(TOPICS, group, rng)
    request, good = topic.asks[group][number], rng.choice(topic.answers)
    if " or " in request and good.startswith("No, "):  # "Are you a man or a woman?"
        good = good[4].upper() + good[5:]
    slips = {"claims": rng.choice(topic.slips), "rude": rng.choice(RUDE), "rambles": f"{good} {rng.choice(RAMBLES)}"}
    messages = (Message("user", around(request, group, rng)),)
    return Case(messages, key("identity", f"identity.{name}/{group}/{number}", topic), good, slips)
