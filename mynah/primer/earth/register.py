"""How people type: small letters, no full stop, contractions taken apart, a slip of the finger."""

from __future__ import annotations

import random
import re

SYSTEM_MESSAGES = (
    "You are a helpful assistant.",
    "You are Mynah, an assistant that answers questions.",
    "Be brief and honest.",
    "Answer in plain English.",
    "You help people who learn about the world.",
    "Be polite.",
)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", "|").split("|") if part.strip())


BEFORE = _parts(
    """
    hey|hi|hello|hi there!|hey mynah|ok so|ok,|so|um|uh|hm,|quick question:|quick one:|sorry to bother you.
    i have a question.
    my son asked me:|my daughter wants to know:|for my homework:|we have a quiz tonight.|just curious:|please|pls|help!
    good morning!|good evening.|i was wondering,|i keep forgetting this.|one more thing:|by the way,|next question:|now,
    i can't sleep.|it's for a crossword.|my colleagues and i have a bet.|i am on a train.|sorry, me again.|ok, tell me,
    i read a lot but not this.|yo|alright,|well,|listen,|be honest:|you there?|dear mynah,|no joke:
    since you know so much:
    """
)
BEHIND = _parts(
    """
    thanks|thank you!|please|pls|thx|??|lol|haha|i can't remember.|it's for school.|i need it today.|if you know.
    i couldn't find it anywhere.|my phone is old.|asap|i always mix that up.|my mother would know.|no hurry.|be quick!
    i'm writing it down.|just asking.|sorry for the bother.|hope you're well.|it's driving me mad.|thanks in advance
    cheers
    it has been years.|we are all waiting.|i am new here.|don't laugh.|:)|!!|...|or don't you know?|ok?|yes?
    my head hurts.
    """
)


def chatty(text: str, rng: random.Random) -> str:
    """The text among other words, as people type: raw text and demonstrations teach a model to look past them."""
    if "\n" in text or rng.random() < 0.65:
        return text
    before = rng.choice(BEFORE) if rng.random() < 0.6 else ""
    behind = rng.choice(BEHIND) if not before or rng.random() < 0.4 else ""
    if before and not before.endswith((".", "!", "?")) and not text.startswith(("I ", "I'")):
        text = text[:1].lower() + text[1:]
    if rng.random() < 0.3:
        text = _slip(text, rng)
    said = f"{before} {text} {behind}".strip()
    return said[:1].upper() + said[1:] if rng.random() < 0.5 else said


def typed(text: str, rng: random.Random) -> str:
    """The text as somebody might have typed it; half of the time just as it is."""
    chance = rng.random()
    if chance < 0.5 or "\n" in text or not text.isascii():
        return text
    if chance < 0.72:
        text = text[:1].lower() + text[1:] if not text.startswith(("I ", "I'")) else text
        return text.rstrip(".?!") if rng.random() < 0.6 else text
    if chance < 0.84:
        return text.rstrip(".?")
    if chance < 0.92:
        return text.lower()
    return _slip(text, rng)


def _slip(text: str, rng: random.Random) -> str:
    """One small word misspelt: two letters swapped, one left out or doubled. Names and numbers are left alone."""
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if re.fullmatch(r"[a-z]{4,}", word)]
    if not places:
        return text
    place = rng.choice(places)
    word, at = words[place], rng.randrange(1, len(words[place]) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    words[place] = rng.choice((swapped, word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:]))
    return " ".join(words)
