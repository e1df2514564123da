"""Short texts on demand: notes, invitations, thanks, complaints, advertisements and the like."""

from __future__ import annotations

import random
from dataclasses import dataclass

from mynah.nouns import Message
from mynah.primer.earth import endless
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.talk import NAMES, Topic, key, typed
from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load


@dataclass(frozen=True)
class Text:
    """A kind of text. Slots: {to} who gets it, {what} what it is about, {day} when."""

    asks: Grouped
    topics: Grouped
    """`what` and, after a bar, words of which one must stand in the text: "I am ill|ill,sick"."""
    bodies: tuple[str, ...]
    """{What} begins a sentence. Without " on {day}" they still read well, so that a slip may forget it."""
    greeted: bool = True


_TOLD = load("writing")
ROLES: Grouped = _TOLD["roles"]
ENDLESS = 0.8
"""How many of those who want a demonstration are people of whom nobody has heard."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TIMES = ("", "", "", " morning", " afternoon", " evening")
GREETINGS: tuple[str, ...] = _TOLD["greetings"]
CLOSINGS: tuple[str, ...] = _TOLD["closings"]
SIGNED: Grouped = _TOLD["signed"]
"""What may follow the request; with a name, the text is signed."""
CHATTY: tuple[str, ...] = _TOLD["chatty"]
TEXTS = {name: Text(**words) for name, words in _TOLD["texts"].items()}


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _recipient(group: str, rng: random.Random) -> str:
    """As the writer speaks of them: by name, or as "my boss"."""
    return rng.choice(NAMES[group] if rng.random() < 0.5 else ROLES[group])


def compose(text: Text, to: str, what: str, day: str, me: str, rng: random.Random) -> str:
    """A text of this kind as a careful person writes it."""
    body = rng.choice(text.bodies)
    body = _upper(body.format(to=to, what=what, What=_upper(what), day=day))
    if not text.greeted:
        return f"{body}\n{me}" if me else body
    name = to.removeprefix("my ").removeprefix("the ").removeprefix("our ")
    closing = rng.choice(CLOSINGS)
    return f"{rng.choice(GREETINGS).format(to=name)}\n{body}\n{closing}{f', {me}' if me else ''}"


def draw(group: str, rng: random.Random) -> Case:
    """Somebody who wants a short text to somebody, about something, on some day."""
    name = rng.choice(list(TEXTS))
    text = TEXTS[name]
    number = rng.randrange(len(text.asks[group]))
    to, entry = _recipient(group, rng), rng.choice(text.topics[group])
    if group == "demo" and rng.random() < ENDLESS:  # a few names could be learnt by heart; these must be copied
        to, entry = endless.person(rng), "|".join((endless.reason if name == "leave" else endless.thing)(rng))
    what, _, words = entry.partition("|")
    weekday, time, other = rng.choice(DAYS), rng.choice(TIMES), rng.choice(DAYS)
    while other == weekday:
        other = rng.choice(DAYS)
    day = weekday + time
    signed = rng.choice(SIGNED[group])
    me = rng.choice([n for n in NAMES[group] if n != to]) if signed else ""
    if me and group == "demo" and rng.random() < ENDLESS:
        me = endless.name(rng)

    request = text.asks[group][number].format(to=to, what=what, day=day) + signed.format(me=me)
    # The writer speaks of "my boss"; the text is written in the writer's name, so {what} may stay as it is.
    good = compose(text, to, what, day, me, rng)
    parts: list[tuple[str, ...]] = [tuple(words.split(",")), (weekday,)]
    if time:
        parts.append((time.strip(),))
    if text.greeted:
        salutation = to.removeprefix("my ").removeprefix("the ").removeprefix("our ")
        parts = [("dear", "hello", "hi"), (salutation,), *parts]
    if me:
        parts.append((me,))
    wrong = tuple(d for d in DAYS if d != weekday)
    slips = {
        "partial": compose(text, to, what, "{day}", me, rng).replace(" on {day}", "").replace("On {day} we", "We"),
        "chatty": rng.choice(CHATTY),
        "wrong": compose(text, to, what, other + time, me, rng),
    }
    entity = f"writing.{name}/{group}/{what}"
    meta = key("writing", f"writing.{name}/{group}/{number}", Topic(name, {}, (), tuple(parts), wrong))
    return Case((Message("user", typed(_upper(request), rng)),), meta | {"entity": entity}, good, slips)
