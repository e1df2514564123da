"""Claims: the sentences of an answer, each with its words, its clauses and how little it is like a sentence."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from mynah.primer.earth.judge.salad import BE, faults, strange
from mynah.primer.earth.judge.tables import world
from mynah.primer.earth.judge.words import END, Phrase, content, split_clauses, undotted


@dataclass(frozen=True)
class Claim:
    """A sentence."""

    text: str
    raw: Phrase
    """Its words as they are written."""
    clauses: tuple[int, ...]
    """By word the clause it is in."""
    faults: int = 0
    """How often it stammers, loops, breaks off or puts words together that cannot stand so."""
    strange: float = 0.0
    """How little it is like a sentence of the primer, from 0 to 1."""

    @cached_property
    def words(self) -> Phrase:
        """In small letters."""
        return tuple(word.lower() for word in self.raw)

    @cached_property
    def line(self) -> str:
        """The words with single blanks between and around."""
        return f" {' '.join(self.words)} "

    @property
    def asks(self) -> bool:
        return self.text.endswith("?")

    @property
    def salad(self) -> bool:
        return self.faults >= 2 or self.strange > 0.36

    @cached_property
    def parts(self) -> dict[int, str]:
        """By number the clauses, each like `line`."""
        words: dict[int, list[str]] = {}
        for word, number in zip(self.words, self.clauses, strict=True):
            words.setdefault(number, []).append(word)
        return {number: f" {' '.join(clause)} " for number, clause in words.items()}

    def on(self, matter: Set[str], share: float = 0.2) -> bool:
        """Whether it shares its substance with the matter."""
        substance = content(self.words)
        return bool(substance) and len(substance & matter) >= max(1, share * len(substance))


@lru_cache(maxsize=8192)
def read(answer: str) -> tuple[Claim, ...]:
    """The sentences of an answer that hold a word."""
    text = undotted(answer.strip().replace("’", "'").replace("`", "'"))
    claims = []
    for piece in END.split(text):
        raw, clauses = split_clauses(piece)
        if raw:
            words = tuple(word.lower() for word in raw)
            claims.append(Claim(piece.strip(), raw, clauses, faults(words, clauses, piece), strange(words, clauses)))
    return tuple(claims)


def unquoted(claim: Claim, kind: str) -> Claim:
    """The sentence where words such as "in" may be names: they are no faults of it."""
    if not (claim.faults or claim.salad):
        return claim
    words = list(claim.words)
    for start, _, phrase in world(kind).spans(claim.words):
        if len(phrase) == 1 and (kind == "word" or claim.raw[start][0].isupper()) and words[start] not in BE:
            words[start] = f"<{words[start]}>"
    return replace(claim, faults=faults(words, claim.clauses, claim.text), strange=strange(words, claim.clauses))
