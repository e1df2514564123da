"""What the shapes of tasks share: the numbers and nouns that they differ by, and names for their variables."""

from __future__ import annotations

from mynah.primer.earth.code_tasks.task import Names

NUMBER_WORDS = dict(
    enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
) | {25: "twenty_five", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 75: "seventy_five", 100: "hundred"}
SMALL = (2, 3, 4, 5, 6, 7, 8, 9)
MIDDLE = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 20, 50, 100)
BOUNDS = (3, 5, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)
MEASURES = ("price", "age", "score", "weight", "height", "mark", "cost", "size", "speed", "number", "distance", "bill")

NUM: tuple[Names, ...] = tuple({"num": n} for n in ("x", "n", "number", "value", "num", "amount", "a", "given"))
WORD: tuple[Names, ...] = tuple({"word": n} for n in ("word", "text", "s", "string", "w", "line", "t"))
LIST: tuple[Names, ...] = tuple(
    {"list": many, "item": one}
    for many, one in (
        ("numbers", "n"), ("values", "value"), ("items", "item"), ("nums", "num"), ("xs", "x"), ("data", "entry"),
        ("row", "k"), ("series", "i"),
    )
)  # fmt: skip
WORDS: tuple[Names, ...] = tuple(
    {"list": many, "item": one}
    for many, one in (("words", "word"), ("texts", "text"), ("parts", "part"), ("items", "item"), ("strings", "s"))
)


def named(first: Names, others: tuple[Names, ...]) -> tuple[Names, ...]:
    """Names of its own first; the others without those that would say the same."""
    return (first, *(names for names in others if not set(names.values()) & set(first.values())))


def a(noun: str) -> str:
    """ "price" → "a price"."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def plural(noun: str) -> str:
    """ "price" → "prices"."""
    return noun + ("es" if noun.endswith("sh") else "s")
