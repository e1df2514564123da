"""Tables: the names and values of all kinds of things, and the topics, as the judge looks them up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from mynah.primer.earth.behaviours import cutoff, identity, outside, small_talk
from mynah.primer.earth.judge.words import Phrase, Table, bare, phrase_of
from mynah.primer.earth.kinds import KINDS, Entity

_PLURAL = frozenset(("country.currency", "animal.group", "animal.young", "animal.home", "element.family"))
_WORKS = frozenset(("novel", "book", "play", "opera", "picture"))


@cache
def entities(kind: str) -> Mapping[str, Entity]:
    return {entity.name: entity for entity in next(k for k in KINDS if k.key == kind).entities}


@cache
def world(kind: str) -> Table:
    """The names of a kind's entities and the values of its relations: ("name", entity) and (relation, value)."""
    table = Table()
    for entity in entities(kind).values():
        deed = entity.forms.get("deed", "").partition(" ")[2]  # "the four largest moons of Jupiter", discovered
        for form in {entity.name, *(entity.forms[f] for f in ("x", "xs") if f in entity.forms), deed} - {""}:
            words = phrase_of(form) if form == "the Moon" else bare(phrase_of(form))
            if kind == "invention" and len(words) > 1 and words[0] in _WORKS:
                table.add(words[1:], ("name", entity.name))
            if kind != "unit":
                table.add(words, ("name", entity.name))
        for relation, values in entity.values.items():
            for words in map(phrase_of, values):
                table.add(words, (relation, words))
                plural = (*words[:-1], words[-1] + "s")
                if f"{kind}.{relation}" in _PLURAL and plural not in table.meanings:
                    table.add(plural, (relation, words))
    return table


@cache
def table_words() -> frozenset[str]:
    """The words of all names and values."""
    return frozenset(word for kind in KINDS for phrase in world(kind.key).meanings for word in phrase)


@cache
def unit_parts(name: str) -> tuple[Phrase, Phrase]:
    """The small unit and the big one."""
    forms = entities("unit")[name].forms
    return phrase_of(forms["small"]), phrase_of(forms["big"])


@cache
def units() -> Table:
    """The same as `world`, where either unit alone names the pair."""
    table = Table()
    for entity in entities("unit").values():
        for phrase in unit_parts(entity.name):
            table.add(phrase, ("name", entity.name))
            table.add(bare(phrase), ("name", entity.name))
        for value in entity.values["amount"]:
            table.add(phrase_of(value), ("amount", phrase_of(value)))
    return table


@cache
def topics() -> Mapping[str, small_talk.Topic]:
    """By the start of the id of a request's wording."""
    families = {
        "small_talk": small_talk.TOPICS,
        "identity": identity.TOPICS,
        "cutoff": cutoff.TOPICS,
        "outside": {**outside.LANGUAGES, **outside.TASKS},
    }
    return {f"{family}.{name}": topic for family, topics in families.items() for name, topic in topics.items()}
