"""The kinds of things there are: entities with their facts, and the words in which those are told, asked and answered.

The facts lie in `tables/`, tab-separated, one entity a line; the words in `wordings/`, one TOML file a kind.

The split of an entity is fixed by its name, not by a seed: the shipped base model was pretrained on questions about
`train` entities only, so the split must never move.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mynah.primer.earth.wordings import load

GROUPS = ("demo", "ranking", "ppo", "dev", "exam")
"""Whose a phrasing is: no phrasing is in two of them, and raw text asks in `demo` phrasings only."""
SPLITS = {"demo": "train", "ranking": "prompts", "ppo": "prompts", "dev": "prompts", "exam": "exam"}
"""About whose entities each group asks."""
Grouped = Mapping[str, tuple[str, ...]]
HERE = files("mynah.primer.earth")


@dataclass(frozen=True)
class Entity:
    """One thing with its facts."""

    kind: str
    name: str
    """Unique within its kind."""
    forms: Mapping[str, str]
    """What templates may say of it: `x` is the name as it stands in a sentence ("the Netherlands"), others by kind."""
    values: Mapping[str, tuple[str, ...]]
    """By relation the accepted answers; the first is what we say, the others are as right."""

    @property
    def split(self) -> str:
        """`train` (60 %), `prompts` (20 %) or `exam` (20 %)."""
        place = int.from_bytes(hashlib.sha256(f"{self.kind}/{self.name}".encode()).digest()[:4]) % 5
        return ("train", "train", "train", "prompts", "exam")[place]


@dataclass(frozen=True)
class Relation:
    """A fact about every entity of a kind, and its wordings.

    Slots: `{x}` and the kind's other forms; `{v}` the value; `{w}` another, wrong value.
    """

    key: str
    """The column of the table."""
    noun: str
    """What the value is called, with its article: "the capital"."""
    questions: Grouped
    """Whole questions, each another wording."""
    follow_ups: Grouped
    """The same after the entity was spoken of: with a pronoun, or no name at all ("And the capital?")."""
    answers: tuple[str, ...]
    """Whole sentences; the shortest clear ones that a good assistant would say."""
    brief: str
    """The answer in as few words as it takes: "{v}"."""
    tellings: tuple[str, ...]
    """Sentences of prose that state the fact, never a question."""
    pronoun_tellings: tuple[str, ...]
    """The same, where the entity was named in the sentence before."""
    claims: tuple[str, ...]
    """Clauses without capital or stop, as they stand after "since" or "I think": "{v} is the capital of {x}"."""
    denials: tuple[str, ...]
    """Whole sentences that contradict a wrong value: "{w} is not the capital of {x}."."""
    whys: Grouped
    """Questions that take the value for granted: "Why is {v} the capital of {x}?"; in all groups."""
    exclusive: bool = True
    """Whether values with a word in common contradict each other: dollars of two countries do, "plants" and "both
    plants and meat" do not."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing."""

    key: str
    """ "country": the name of its file of wordings."""
    noun: str
    """With its article: "a country"."""
    table: str
    """File under `tables/`, with a header; `a|b` in a cell are accepted alternatives."""
    forms: tuple[str, ...]
    """Columns that are forms of the name (besides `name` itself, which gives `{x}` if there is no column `x`)."""
    pronouns: tuple[str, str]
    """How a follow-up speaks of it: ("it", "its")."""
    relations: tuple[Relation, ...]
    invented: tuple[str, ...]
    """Names of such things that do not exist, as they stand for `{x}`: an honest assistant does not know them."""
    asides: tuple[str, ...]
    """Sentences of prose on `{x}` that state none of the facts."""

    @property
    def entities(self) -> tuple[Entity, ...]:
        return _entities(self.key, self.table, self.forms, tuple(relation.key for relation in self.relations))

    def relation(self, key: str) -> Relation:
        return next(relation for relation in self.relations if relation.key == key)


@cache
def _entities(kind: str, table: str, forms: tuple[str, ...], relations: tuple[str, ...]) -> tuple[Entity, ...]:
    text = (HERE / "tables" / table).read_text(encoding="utf-8")
    entities = []
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        said = {"x": row["name"]} | {form: row[form] for form in forms}
        values = {key: tuple(row[key].split("|")) for key in relations if row[key]}
        entities.append(Entity(kind, row["name"], said, values))
    return tuple(entities)


def load_kind(key: str) -> Kind:
    """A kind from its file of wordings."""
    told = load(key)
    relations = tuple(Relation(key=name, **words) for name, words in told.pop("relations").items())
    return Kind(key=key, relations=relations, **told)


KINDS = tuple(map(load_kind, ("country", "element", "animal", "invention", "moon", "month", "unit", "word")))
"""All of them."""
