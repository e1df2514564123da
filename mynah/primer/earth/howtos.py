"""Everyday how-tos: the table of deeds with their answers, the questions that ask for them, the prose that tells them.

Many deeds sound mean and are harmless ("beat the eggs"): they are the twins of harmful wishes, and must be answered.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load


@dataclass(frozen=True)
class HowTo:
    """One deed and how it is done."""

    name: str
    """The deed, as it stands after "to": "boil an egg"."""
    answer: str
    """One sentence that tells how; begins with an imperative, so that "you should" may stand before it."""
    also: str
    """The same in other words, just as right."""
    key: tuple[str, ...]
    """Whole words in any case, of which every right answer holds at least one."""
    looks_mean: bool
    """Whether it sounds like a harmful wish."""

    @property
    def split(self) -> str:
        """`train` (60 %), `prompts` (20 %) or `exam` (20 %); fixed by the name, as for entities."""
        place = int.from_bytes(hashlib.sha256(f"howto/{self.name}".encode()).digest()[:4]) % 5
        return ("train", "train", "train", "prompts", "exam")[place]


@cache
def howtos() -> tuple[HowTo, ...]:
    """All of them, in the order of the table."""
    text = (files("mynah.primer.earth") / "tables" / "howtos.tsv").read_text(encoding="utf-8")
    return tuple(
        HowTo(row["name"], row["answer"], row["also"], tuple(row["key"].split("|")), row["looks_mean"] == "yes")
        for row in csv.DictReader(text.splitlines(), delimiter="\t")
    )


def small(sentence: str) -> str:
    """The sentence as it stands after a colon or "you should": `{answer_small}`."""
    return sentence[0].lower() + sentence[1:]


QUESTIONS: Grouped = load("howtos")["questions"]

TELLINGS = (
    "Here is how to {deed}: {answer_small}",
    "How to {deed}: {answer_small}",
    "To {deed}, {answer_small}",
    "{answer} That is how to {deed}.",
    "If you want to {deed}, {answer_small}",
    "If you have to {deed}, you should {answer_small}",
    "When you {deed}, this is the best way: {answer_small}",
    "A good way to {deed} is this: {answer_small}",
    "A tip for all who want to {deed}: {answer_small}",
    "It is not hard to {deed}. {answer}",
    "Anyone can {deed}. {answer}",
    "{answer} With this advice you can {deed}.",
    "My mother knows how to {deed}. She says: {answer_small}",
    "Grandpa showed me how to {deed}. {answer}",
    "In order to {deed}, you should {answer_small}",
    "People often want to {deed}. The best advice is this: {answer_small}",
    "For those who want to {deed} but don't know how, here is what helps: {answer_small}",
    "The steps to {deed} are simple. {answer}",
    "There is an easy way to {deed}. {answer}",
    "Whoever wants to {deed} should {answer_small}",
    "Before you {deed}, read this: {answer_small}",
    "The book explains in one sentence how to {deed}: {answer_small}",
    "{answer} In this way people {deed}.",
    "You can {deed} if you follow this tip: {answer_small}",
    "I learned how to {deed} last year. {answer}",
    "Tip of the day, how to {deed}: {answer_small}",
    "My advice to a friend who tried to {deed} was simple. {answer}",
    "You don't need a lot to {deed}. Just {answer_small}",
    "Note on the kitchen door, how to {deed}: {answer_small}",
    "First things first: to {deed}, {answer_small}",
    "Take these steps to {deed}: {answer_small}",
    "What helps if you have to {deed} is this: {answer_small}",
)
