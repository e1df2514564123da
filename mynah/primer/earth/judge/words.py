"""Words: how text falls into sentences, clauses and words, which phrases are in it, and which words have substance."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Phrase = tuple[str, ...]
Span = tuple[int, int, Phrase]

END = re.compile(r"(?<=[.!?;。！？])[\"')]*\s+|\n+")
"""Of a sentence."""
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*[^\W_]*|[^\W_]+(?:'[^\W_]+)*|[,:;()=]")
_PAUSES = ",:;()="
_TURNS = frozenset("but so because while although yet and since".split())
_INITIALS = re.compile(
    r"\b(?:J\. J\. (?=Thomson)|H\. G\. (?=Wells)|L\. (?=Frank)|F\. (?=Scott)|A\. A\. (?=Milne)|J\. R\. R\. (?=Tolkien)|"
    r"(?:St|Mr|Mrs|Dr)\. )",
    re.IGNORECASE,
)
ARTICLES = frozenset(("a", "an", "the"))
NUMBERS = {
    word: str(n)
    for n, word in enumerate(
        "zero _ two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split()
    )
} | {"thirty": "30", "sixty": "60", "hundred": "100", "thousand": "1000", "thirty-one": "31"}
GRAMMAR = frozenset(
    """
    a an the and or but so if of in on at to for with from by into about as than that this these those it its is are was
    were be been am i me my you your he she they them their we our his her who what which when where why how do does
    did not no nor can could will would might must shall should have has had there here then now just only also too
    very much many more most some any all every each other another such before after because while up down out off over
    under between don't can't won't isn't i'm it's that's you're let know say one two please sorry yes
    """.split()
)
GENERIC = GRAMMAR | frozenset(
    """
    again always answer answers anyone anything ask asked asks bad being best better big book books case come comes
    day days done early end ends even ever everybody everyone everything fact find first free full get gets give
    gives go goes going good got great high hope hour hours i'd keep kind known knows last late learning less life
    like likes long longer look lot lots low made make makes man matter may name need needs never new nice nobody
    nothing often old own part people person point put question questions quite really said same says see short side
    small someone something sometimes sort speak still stop stops story take takes talk talks tell tells thank
    thanks thing things think thinks through time times told topic us use used want wants way ways well word words
    world year yet
    """.split()
)
"""Words without substance: two sentences that share only these are not on the same matter."""


def undotted(text: str) -> str:
    """Without the stops of titles and of the initials that stand in our tables."""
    return _INITIALS.sub(lambda found: found[0].replace(". ", "") + " ", text) if ". " in text else text


def split_clauses(sentence: str) -> tuple[Phrase, tuple[int, ...]]:
    """The words of a sentence, and by word the clause it is in."""
    raw: list[str] = []
    clauses: list[int] = []
    place = 0
    for token in _TOKEN.findall(sentence):
        if token in _PAUSES:
            place += 1
            continue
        place += bool(raw) and token.lower() in _TURNS
        raw.append(token)
        clauses.append(place)
    return tuple(raw), tuple(clauses)


def phrase_of(text: str) -> Phrase:
    return tuple(token.lower() for token in _TOKEN.findall(undotted(text)) if token not in _PAUSES)


def bare(words: Phrase) -> Phrase:
    """Without its article."""
    return words[1:] if words[0] in ARTICLES else words


@dataclass
class Table:
    """Phrases to find in a sentence, the longest first; what each may mean."""

    meanings: dict[Phrase, set[Any]] = field(default_factory=dict)
    lengths: dict[str, set[int]] = field(default_factory=dict)
    """By first word."""

    def add(self, phrase: Phrase, meaning: Any) -> None:
        if phrase:
            self.meanings.setdefault(phrase, set()).add(meaning)
            self.lengths.setdefault(phrase[0], set()).add(len(phrase))

    def means(self, phrase: Phrase, what: str) -> bool:
        """Whether a phrase may be a "name", or the value of a relation."""
        return any(meaning[0] == what for meaning in self.meanings.get(phrase, ()))

    def named(self, phrase: Phrase) -> set[str]:
        """The entities that a phrase may name."""
        return {meaning[1] for meaning in self.meanings.get(phrase, ()) if meaning[0] == "name"}

    def spans(self, words: Phrase) -> list[Span]:
        """Where phrases stand; they never overlap."""
        found, i = [], 0
        while i < len(words):
            for length in sorted(self.lengths.get(words[i], ()), reverse=True):
                phrase = words[i : i + length]
                if phrase in self.meanings:
                    found.append((i, i + length, phrase))
                    i += length - 1
                    break
            i += 1
        return found


@lru_cache(maxsize=4096)
def lookup(phrases: tuple[str, ...]) -> Table:
    table = Table()
    for text in phrases:
        table.add(phrase_of(text), True)
    return table


def said_of(words: Phrase, phrases: Iterable[str]) -> set[Phrase]:
    """Which of the phrases are said."""
    return {phrase for _, _, phrase in lookup(tuple(phrases)).spans(words)}


@lru_cache(maxsize=16384)
def content(words: Phrase) -> frozenset[str]:
    """The words of substance, cut to their stems."""
    return frozenset(_stem(word) for word in words if word not in GENERIC and not word.isdigit())


def content_of(*texts: str) -> frozenset[str]:
    return content(phrase_of(" ".join(texts)))


@lru_cache(maxsize=32768)
def _stem(word: str) -> str:
    endings = ("'s", "ing", "ies", "es", "ed", "s", "e", "y")
    return next((word[: -len(end)] for end in endings if word.endswith(end) and len(word) - len(end) >= 3), word)
