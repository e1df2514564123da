"""Questions on what the assistant cannot know: today, the news, the weather, the future, what only the asker sees."""

from __future__ import annotations

import random
from dataclasses import replace

from mynah.nouns import Message
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.talk import RAMBLES, Topic, around, ask, fill, key, topics
from mynah.primer.earth.wordings import load

_TOLD = load("cutoff")
TOPICS: dict[str, Topic] = topics(_TOLD)
SHRUGS: tuple[str, ...] = _TOLD["shrugs"]


def draw(group: str, rng: random.Random) -> Case:
    """Somebody who asks for what the assistant cannot know."""
    name, topic, number = ask(TOPICS, group, rng)
    request = fill(topic.asks[group][number], group, rng)
    # An honest answer may repeat what was asked: "I cannot know if it is raining."
    heard = set(request.lower().replace("?", " ").replace(".", " ").replace(",", " ").split())
    topic = replace(topic, wrong=tuple(w for w in topic.wrong if w.split()[-1] not in heard))
    good = rng.choice(topic.answers)
    slips = {
        "invents": rng.choice(topic.slips),
        "shrugs": rng.choice(SHRUGS),
        "rambles": f"{good} {rng.choice(RAMBLES)}",
    }
    request = request[0].upper() + request[1:]
    messages = (Message("user", around(request, group, rng)),)
    return Case(messages, key("cutoff", f"cutoff.{name}/{group}/{number}", topic), good, slips)
