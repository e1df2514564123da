"""What is peculiar to a kind: symbols that look like words, numbers, homes, pairs of units, the order of months."""

from __future__ import annotations

from functools import cache

from mynah.primer.earth.judge.claims import Claim
from mynah.primer.earth.judge.manners import denying
from mynah.primer.earth.judge.question import Question
from mynah.primer.earth.judge.tables import entities, unit_parts, world
from mynah.primer.earth.judge.words import GENERIC, NUMBERS, Phrase, Span, phrase_of

_WORDLIKE = frozenset("i in as at be he no am os la pa ho".split())


def is_symbol(span: Span, claim: Claim, small: bool) -> bool:
    """Whether what looks like a chemical symbol is one, and not "I", "in" or "no"."""
    start, end, phrase = span
    if len(phrase) > 1 or len(claim.words) == 1 or not world("element").means(phrase, "symbol"):
        return True
    if not small and not claim.raw[start][0].isupper():
        return False
    if phrase[0] not in _WORDLIKE:
        return True
    before = claim.words[start - 1] if start else ""
    after = claim.words[end : end + 2]
    if small and after and after[0] not in ("is", "for", "stands"):
        return False
    return before in ("is", "symbol", "write", "not", "isn't") or " ".join(after) in (
        "is the", "is not", "isn't the", "stands for",
    )  # fmt: skip


def digits(words: Phrase, question: Question) -> Phrase:
    """Number words as digits, where a number is asked for; those in a name stay."""
    if not question.numeric:
        return words
    own = {word for entity in question.entities for word in phrase_of(entity.forms["x"])}
    return tuple(word if word in own else NUMBERS.get(word, word) for word in words)


def stray_numbers(words: Phrase, values: list[Span], question: Question) -> list[Span]:
    """Numbers that no table knows, where a number is asked for."""
    if not question.numeric:
        return []
    taken = {i for start, end, _ in values for i in range(start, end)}
    known = {phrase_of(text)[0] for entity in question.entities for v in entity.values.values() for text in v}
    strays = ((i, word) for i, word in enumerate(words) if word[0].isdigit() and i not in taken)
    return [(i, i + 1, (word,)) for i, word in strays if word not in known]


def is_dwelling(words: Phrase, start: int) -> bool:
    """Whether "home" is a value, not the noun of the relation."""
    before, after = words[:start][-1:], words[start + 1 : start + 2]
    return len(words) == 1 or (before in (("the",), ("a",), ("at",)) and after not in (("of",), ("is",), ("for",)))


def unit_names(claim: Claim, words: Phrase, question: Question) -> dict[int, set[str]]:
    """Of which of the units asked for each clause speaks; "?" is another one."""
    names: dict[int, set[str]] = {}
    for clause in claim.parts:
        here = {word for word, c in zip(words, claim.clauses, strict=True) if c == clause} & _unit_words()
        if here:
            fits = {e.name for e in question.entities if here <= {w for p in unit_parts(e.name) for w in p}}
            names[clause] = fits or {"?"}
    return names


@cache
def _unit_words() -> frozenset[str]:
    words = {word for name in entities("unit") for phrase in unit_parts(name) for word in phrase}
    return frozenset(words - GENERIC | {"day", "days", "year", "years", "hour", "hours"})


@cache
def month_names() -> tuple[str, ...]:
    return tuple(name.lower() for name in entities("month"))


def in_order(claim: Claim) -> bool:
    """Whether what a sentence says of two months' order is so, in every clause that names two."""
    return all(_clause_in_order(part) for part in claim.parts.values())


def _clause_in_order(clause: str) -> bool:
    words, order = clause.split(), month_names()
    months = [i for i, word in enumerate(words) if word in order]
    if len(months) < 2:
        return True
    i, j = months[:2]
    before, between = words[:i], words[i + 1 : j]
    if "after" in before or "before" in between or ("followed" in between and "by" in between):
        earlier, later = words[i], words[j]
    elif "before" in before or "after" in between or "follows" in between:
        earlier, later = words[j], words[i]
    else:
        return True
    return ((order.index(earlier) + 1) % 12 == order.index(later)) != denying(clause)
