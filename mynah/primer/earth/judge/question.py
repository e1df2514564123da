"""The question: which facts are asked for, and the words by which a clause is told to be on one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from mynah.primer.earth.judge.tables import entities, world
from mynah.primer.earth.judge.words import Phrase, phrase_of, said_of
from mynah.primer.earth.kinds import Entity

_NUMERIC = frozenset(("element.number", "invention.year", "month.days", "unit.amount"))
CUES: Mapping[str, frozenset[str]] = {
    key: frozenset(words.split())
    for key, words in {
        "country.capital": "capital city government",
        "country.continent": "continent in lies belongs part",
        "country.currency": "currency pay pays paid money use uses prices",
        "country.language": "language speak speaks spoken languages",
        "element.symbol": "symbol write letters stands letter formula",
        "element.number": "number proton protons",
        "element.family": "is call called classed class family kind type belongs group",
        "animal.group": "kind group type class counts is are belongs sort scientists",
        "animal.diet": "eat eats diet food feed feeds live lives menu",
        "animal.young": "young baby babies called little one call",
        "animal.home": "home live lives look animals find found place around",
        "invention.maker": "by made make who work owe behind invented built wrote painted name named",
        "invention.year": "in from year back dates until",
        "moon.planet": "circles orbits moon planet around orbit circle travels goes",
        "month.days": "days day",
        "month.next": "after next follows followed follow comes",
        "month.before": "before follows follow",
        "month.place": "month place",
        "unit.amount": "in has is number make makes are",
    }.items()
}
NOUNS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "country": {r: frozenset((r,)) for r in ("capital", "currency", "language", "continent")},
    "element": {"symbol": frozenset(("symbol",)), "number": frozenset(("number", "proton"))},
    "animal": {
        "diet": frozenset("eat eats diet food feed feeds".split()),
        "young": frozenset("young baby".split()),
        "group": frozenset("group kind type".split()),
        "home": frozenset(("home",)),
    },
    "month": {"next": frozenset(("next", "after")), "before": frozenset(("before",))},
}
"""Words that tell which relation a clause is on, where that may be mistaken."""
OF_THE_NAME = frozenset(("country.capital", "element.symbol", "element.number"))
"""Relations whose nouns stand before "of" and the name, never before "of" and the value."""


@dataclass(frozen=True)
class Asked:
    """One fact that is asked for."""

    kind: str
    relation: str
    entity: Entity | None
    accepted: frozenset[Phrase]

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.relation}"

    @cached_property
    def name(self) -> Phrase:
        return phrase_of(self.entity.name) if self.entity else ()


@dataclass(frozen=True)
class Question:
    """All that an answer is held against."""

    facts: tuple[Asked, ...]
    premise: Phrase
    """The wrong value that was taken for granted, or claimed."""
    small: bool
    """Whether the answer is to be in small letters."""

    @property
    def kind(self) -> str:
        return self.facts[0].kind

    @cached_property
    def entities(self) -> tuple[Entity, ...]:
        return tuple(fact.entity for fact in self.facts if fact.entity)

    @cached_property
    def own(self) -> frozenset[str]:
        """The names of what is asked about."""
        return frozenset(entity.name for entity in self.entities)

    @cached_property
    def numeric(self) -> bool:
        return any(numeric(fact.key) for fact in self.facts)


def numeric(key: str) -> bool:
    return key in _NUMERIC


@cache
def cues(key: str) -> frozenset[str]:
    """Words of which a sentence on the relation has one, where it names the thing; `word` needs none."""
    kind, _, relation = key.partition(".")
    forms = [e.forms for e in entities(kind).values()] if relation in ("maker", "year") else []
    return CUES[key] | {w for f in forms for verb in ("verb", "done", "dated") for w in f.get(verb, "").split()}


@lru_cache(maxsize=8192)
def asked_facts(
    behaviour: str, name: str, key: str, parts: tuple[tuple[str, ...], ...], asked: str
) -> tuple[tuple[Asked, ...], Asked]:
    """The facts that are asked for, and the one that a premise is about."""
    kind, _, relation = key.partition(".")
    entity = entities(kind)[name.partition("/")[2]]
    main = Asked(kind, relation, entity, _accepted(entity.values[relation]))
    if behaviour == "completeness":
        return (main, _second(main, entity, parts[1], asked)), main
    if behaviour == "true_twin" and parts[0] != entity.values[relation]:
        other = next((r for r, v in entity.values.items() if v == parts[0] and r != relation), relation)
        return (Asked(kind, other, entity, _accepted(parts[0])),), main
    return (main,), main


def _accepted(values: tuple[str, ...]) -> frozenset[Phrase]:
    return frozenset(map(phrase_of, values))


def _second(main: Asked, entity: Entity, part: tuple[str, ...], asked: str) -> Asked:
    """The other fact of a question of two parts: of another thing that the question names, or of the same."""
    words, kind, accepted = phrase_of(asked), main.kind, _accepted(part)
    for other in entities(kind).values():
        if other is not entity and other.values.get(main.relation) == part and _named(other, words):
            return Asked(kind, main.relation, other, accepted)
    for relation, values in entity.values.items():
        if values == part and relation != main.relation:
            return Asked(kind, relation, entity, accepted)
    return Asked(kind, main.relation, None, accepted)


def _named(entity: Entity, words: Phrase) -> bool:
    """Whether a question names the thing; of a pair of units, both."""
    if entity.kind == "unit":
        return bool(said_of(words, (entity.name,))) or all(
            said_of(words, (entity.forms[form],)) for form in ("small", "big")
        )
    table = world(entity.kind)
    return any(entity.name in table.named(phrase) for _, _, phrase in table.spans(words))
