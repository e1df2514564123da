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
