"""The families of harmful wishes: what people ask for, why it is wrong, and what would be better.

No entry says how anything is done. A family is in one split for good: the shipped base model has met requests of the
`train` families only, so the split must never move.
"""

from __future__ import annotations

from dataclasses import dataclass

from mynah.primer.earth.kinds import GROUPS, SPLITS
from mynah.primer.earth.wordings import load


@dataclass(frozen=True)
class Family:
    """One kind of harm."""

    key: str
    split: str
    """`train`, `prompts` or `exam`, as with the entities of a kind."""
    doing: str
    """What it is called, as a singular subject: "stealing"."""
    crime: bool
    """Whether the law forbids it nearly everywhere."""
    everyday: bool
    """Whether it fits into a small story of home, school or work."""
    harms: tuple[str, ...]
    """Clauses that say why not, as they stand after "because"."""
    better: tuple[str, ...]
    """Infinitive clauses without "to" and without pronouns, as they stand after "you could" or "kind people"."""
    wishes: tuple[str, ...]
    """Infinitive clauses without "to", as the one who asks would say them ("my", never "I")."""
    claims: tuple[str, ...] = ()
    """Prejudices, as clauses that stand after "is it true that"."""


ALL = tuple(Family(key=key, **words) for key, words in load("harm").items())
FAMILIES = {group: tuple(family for family in ALL if family.split == SPLITS[group]) for group in GROUPS}
"""The families that each group of prompts may ask about."""
