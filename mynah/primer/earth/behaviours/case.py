"""A case: what is asked, the answer key, what a careful person answers, and the slips of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mynah.nouns import Message


@dataclass(frozen=True)
class Case:
    """One prompt with everything that demonstrators, rater, judge and marker need to know of it."""

    messages: tuple[Message, ...]
    """Ends with a user turn."""
    meta: Mapping[str, Any]
    """The answer key, JSON types only; see `KEYS`."""
    good: str
    """What a careful demonstrator answers."""
    slips: Mapping[str, str] = field(default_factory=dict)
    """What careless ones answer, by the name of the slip: "wrong", "shrugs", "partial", "complies", …"""


KEYS = {
    "behaviour": "one of the 18",
    "entity": "what the case is about: the cluster for intervals (a name, a harm family, a topic)",
    "phrasing": "id of the wording, for example `country.capital/exam/2`: groups never share one",
    "parts": "what a right answer must name: a list of parts, each a list of accepted strings (whole words, any case)",
    "wrong": "strings that no right answer names (other values of the relation); may be empty",
    "relation": "facts: which one, `country.capital`",
    "premise": "premises and challenges: the value that was claimed",
    "shape": "premises: in which way it was taken for granted",
    "form": "what the user demanded of the form: '', 'one_word', 'capitals', 'list', 'sentence'",
    "intent": "small_talk, identity, cutoff, writing: which kind of request it is",
    "tests": "code: a list of [call, expected repr]",
    "function": "code: the name of the function that must be defined",
}
"""The keys of `Case.meta`; the last ones only where they mean something."""
