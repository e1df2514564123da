"""A fact in hand: an entity, one of its relations, the right value, and the sentences made of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from string import Formatter

from mynah.nouns import Message
from mynah.primer.earth.kinds import KINDS, SPLITS, Entity, Kind, Relation

EVERYDAY = frozenset(
    """
    i in as at he no be am both will home right wrong yes not nothing never true false rest far more less up down out on
    off good well same other near always sure all none here there now then first last before after know with without
    """.split()
)
"""Values that are also common words (symbols of elements, opposites): naming them claims nothing."""
KEYWORDS = ("NOUN of {x}", "NOUN of {x}?", "{x} NOUN", "{x}: NOUN?", "{x}, NOUN", "NOUN {x}", "{x} - NOUN?")
"""How people search: the noun of what they want to know, and the thing."""
TERSE = 0.12
"""Share of the demonstrations' questions that are a few words."""
SHRUGS = ("I do not know.", "I'm not sure.", "Sorry, I don't know that one.", "No idea.")
"""What a tired demonstrator says although the answer is known."""


_guided = ContextVar("guided", default=False)


@contextmanager
def guidelines() -> Iterator[None]:
    """Within, answers are worded as the guidelines for demonstrators ask: first the thing, then what is said of it.

    "The capital of Chad is …" lets a small model read on where its own prose would; "It is …" asks it to know at once.
    Guidelines also ask not to repeat a name that means nothing to one. Raw text knows no guidelines.
    """
    before = _guided.set(True)
    try:
        yield
    finally:
        _guided.reset(before)


def guided() -> bool:
    """Whether the guidelines hold."""
    return _guided.get()


@dataclass(frozen=True)
class Fact:
    """One cell of a table, with the words around it."""

    kind: Kind
    entity: Entity
    relation: Relation

    @property
    def accepted(self) -> tuple[str, ...]:
        return self.entity.values[self.relation.key]

    @property
    def value(self) -> str:
        return self.accepted[0]

    @property
    def wrong(self) -> list[str]:
        """All other values of the relation, but none that is part of an accepted one, or an everyday word."""
        found = self._contradictions
        return [value for value in all_values(self.kind.key, self.relation.key) if value in found]

    @property
    def _contradictions(self) -> frozenset[str]:
        forms = self.entity.forms  # of an animal its plural, too: mice are what owls eat
        names = (forms["x"], forms.get("xs", forms["x"]), self.entity.name)
        return contradictions(self.kind.key, self.relation.key, self.accepted, names, self.relation.exclusive)

    def say(self, template: str, **more: str) -> str:
        """A template filled, as a sentence: with a capital letter."""
        return sentence(self.fill(template, **more))

    def go_on(self, template: str, **more: str) -> str:
        """A template filled, as it stands behind a comma: with a small letter, unless a name comes first."""
        if template.startswith("{") or re.match(r"I\b", template):
            return self.fill(template, **more)
        return self.fill(template[0].lower() + template[1:], **more)

    def fill(self, template: str, **more: str) -> str:
        return template.format(**{**self.entity.forms, "v": self.value, **more})

    def answer(self, rng: random.Random, value: str | None = None) -> str:
        """A whole sentence that gives the value, or the wrong one given."""
        return self.say(rng.choice(self._answers), v=value or self.value)

    @property
    def _answers(self) -> tuple[str, ...]:
        return names_first(self.relation.answers) if guided() else self.relation.answers

    def frame(self, frame: str, rng: random.Random, value: str | None = None, **more: str) -> str:
        """A frame with an answer in it, as a sentence: `{answer}`, or `{small}` behind a comma or colon."""
        template = rng.choice(self._answers)
        told = {
            "answer": self.say(template, v=value or self.value),
            "small": self.go_on(template, v=value or self.value),
        }
        return sentence(frame.format(**told, **more))

    def mistake(self, rng: random.Random) -> str:
        """Another value, such as somebody might confuse it with."""
        mine, found = {value.lower() for value in self.accepted}, self._contradictions
        others = [
            w
            for w in first_values(self.kind.key, self.relation.key)
            if w.lower() not in mine and (w in found or w.lower() in EVERYDAY)
        ]
        return rng.choice(others)

    def key(self, group: str, wording: int) -> str:
        return f"{self.kind.key}.{self.relation.key}/{group}/{wording}"


@cache
def _keywords(kind_key: str, relation_key: str) -> tuple[str, ...]:
    """Questions of a few words: "capital of Chad?"; none that another group asks."""
    kind = next(kind for kind in KINDS if kind.key == kind_key)
    relation = kind.relation(relation_key)
    made = [shape.replace("NOUN", relation.noun.removeprefix("the ")) for shape in KEYWORDS]
    if kind.key == "unit":
        made = ["{small} per {big}", "{small} in {big}", "{big}, {small}?", "{small} {big}"]
    others = {_bare(q) for group, asked in relation.questions.items() if group != "demo" for q in asked}
    return tuple(shape for shape in made if _bare(shape) not in others)


def _bare(wording: str) -> str:
    return re.sub(r"[^\w{} ]", "", wording).lower().removeprefix("the ").strip()


@cache
def names_first(answers: tuple[str, ...]) -> tuple[str, ...]:
    """Those that name the thing before the value."""
    return tuple(a for a in answers if re.search(r"\{(?!v\b)\w+\}", a.partition("{v}")[0]))


@cache
def all_values(kind: str, relation: str) -> tuple[str, ...]:
    """Every accepted spelling of every value, each once."""
    entities = next(k for k in KINDS if k.key == kind).entities
    return tuple(dict.fromkeys(v for e in entities for v in e.values.get(relation, ())))


@cache
def first_values(kind: str, relation: str) -> tuple[str, ...]:
    """The usual spelling of every value, each once, in alphabetical order."""
    of_kind = next(k for k in KINDS if k.key == kind).entities
    return tuple(sorted({e.values[relation][0] for e in of_kind if relation in e.values}))


@cache
def contradictions(
    kind: str, relation: str, accepted: tuple[str, ...], names: tuple[str, ...], exclusive: bool
) -> frozenset[str]:
    """The values that cannot be said of a thing with these names whose accepted values are these."""
    words = [set(text.lower().split()) for text in accepted]
    return frozenset(
        value
        for value in all_values(kind, relation)
        if value.lower() not in EVERYDAY
        and not any(within(value, text) for text in (*accepted, *names))
        and (exclusive or not any(set(value.lower().split()) & each for each in words))
    )


@cache
def entities(kind: str, split: str) -> tuple[Entity, ...]:
    return tuple(e for e in next(k for k in KINDS if k.key == kind).entities if e.split == split)


def made_up(kind: Kind, relation: Relation, name: str) -> Fact:
    """A fact that nobody knows, on an invented thing, to fill templates with; its value must be given."""
    bare = name.removeprefix("an ").removeprefix("a ")
    amount, _, of = name.partition(" in ")  # "glims in a zorp"
    forms = dict(kind.entities[0].forms) | {"x": name, "xs": f"{bare}s", "small": amount, "big": of or name}
    return Fact(kind, Entity(kind.key, name, forms, {relation.key: ("",)}), relation)


def askable(fact: Fact, group: str) -> list[int]:
    """The numbers of the wordings that fit it: an invented thing has no other forms than those of its name."""
    forms = {"x", "xs", "small", "big"} if fact.kind.key in ("animal", "unit") else {"x"}
    wordings = fact.relation.questions[group]
    return [
        i
        for i, wording in enumerate(wordings)
        if {slot for _, slot, _, _ in Formatter().parse(wording) if slot} <= forms
    ]


def draw_fact(group: str, rng: random.Random, relations: int = 1, kind: Kind | None = None) -> Fact:
    """A fact on an entity of the group's split, of a kind with at least so many relations."""
    kinds = [k for k in KINDS if len(k.relations) >= relations]
    # By the root of its size: a kind of 190 entities and 4 relations must not drown one of 12.
    weights = [(len(k.entities) * len(k.relations)) ** 0.5 for k in kinds]
    kind = kind or rng.choices(kinds, weights)[0]
    while True:
        entity, relation = rng.choice(entities(kind.key, SPLITS[group])), rng.choice(kind.relations)
        if contrasts(kind.key, entity.name, relation.key):
            return Fact(kind, entity, relation)


@cache
def contrasts(kind: str, name: str, relation: str) -> tuple[Entity, ...]:
    """The entities of the same split that have no value of the relation in common with this one."""
    of_kind = next(k for k in KINDS if k.key == kind).entities
    entity = next(e for e in of_kind if e.name == name)
    mine = set(entity.values[relation])
    return tuple(e for e in entities(kind, entity.split) if not set(e.values[relation]) & mine)


def other_fact(fact: Fact, rng: random.Random) -> Fact:
    """Another relation of the same entity."""
    others = [
        r for r in fact.kind.relations if r is not fact.relation and contrasts(fact.kind.key, fact.entity.name, r.key)
    ]
    return Fact(fact.kind, fact.entity, rng.choice(others))


def other_entity(fact: Fact, rng: random.Random) -> Fact:
    """The same relation of another entity of the split, with another value."""
    found = contrasts(fact.kind.key, fact.entity.name, fact.relation.key)
    return Fact(fact.kind, rng.choice(found), fact.relation)


def question(fact: Fact, group: str, rng: random.Random) -> tuple[str, str]:
    """A wording of the group and its id; some who want a demonstration ask in keywords, as people search."""
    if group == "demo" and rng.random() < TERSE:
        number, wording = pick(_keywords(fact.kind.key, fact.relation.key), rng)
        return fact.fill(wording), f"{fact.kind.key}.{fact.relation.key}/{group}/keywords/{number}"
    wordings = fact.relation.questions[group]
    number = rng.randrange(len(wordings))
    return fact.say(wordings[number]), fact.key(group, number)


def sentence(text: str) -> str:
    """With a capital letter at its start."""
    return text[:1].upper() + text[1:]


def within(part: str, whole: str) -> bool:
    """Whether the words of `part` stand in `whole`, in this order and side by side."""
    return f" {part.lower()} " in f" {whole.lower()} "


def user(text: str) -> Message:
    return Message("user", text)


def assistant(text: str) -> Message:
    return Message("assistant", text)


def pick(wordings: Sequence[str], rng: random.Random) -> tuple[int, str]:
    """A wording and its number."""
    number = rng.randrange(len(wordings))
    return number, wordings[number]
