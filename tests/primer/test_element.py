"""Elements, moons, months and units: tables of the right form, and wordings that fill and stay in their groups."""

import re
import string
from importlib.resources import files
from itertools import pairwise

import pytest

from mynah.primer.earth.kinds import GROUPS, Grouped, Relation, load_kind

KINDS = ELEMENT, MOON, MONTH, UNIT = tuple(map(load_kind, ("element", "moon", "month", "unit")))
ENTITIES = {"element": 118, "moon": 47, "month": 12, "unit": 61}
INVENTED = {"element": 50, "moon": 30, "month": 15, "unit": 15}
TELLINGS = {"element": 40, "moon": 40, "month": 25, "unit": 25}
LEAST = {
    "questions": (12, 4, 4, 3, 4),
    "follow_ups": (6, 2, 2, 2, 3),
    "whys": (4, 2, 2, 1, 2),
}
"""Of wordings, by group."""
RELATIONS = [pytest.param(kind, r, id=f"{kind.key}.{r.key}") for kind in KINDS for r in kind.relations]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
each_relation = pytest.mark.parametrize(("kind", "relation"), RELATIONS)


def _grouped(relation: Relation) -> tuple[Grouped, ...]:
    return relation.questions, relation.follow_ups, relation.whys


def _asked(relation: Relation, group: str) -> list[str]:
    return [wording for grouped in _grouped(relation) for wording in grouped[group]]


def _stated(relation: Relation) -> list[str]:
    return [*relation.answers, relation.brief, *relation.tellings, *relation.pronoun_tellings, *relation.claims]


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[a-z{}']+", text.lower()))


def _words(texts: list[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[a-z']+", re.sub(r"\{\w+\}", "", text.lower()))}


def _steps(a: str, b: str) -> int:
    """Letters to add, drop or change to get from one name to the other."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


@each_kind
def test_every_line_of_the_table_is_an_entity_with_every_relation(kind):
    text = (files("mynah.primer.earth") / "tables" / kind.table).read_text(encoding="utf-8")
    assert text.isascii()
    assert text.endswith("\n")
    rows = [line.split("\t") for line in text.splitlines()]
    assert set(rows[0]) == {"name", *kind.forms, *(relation.key for relation in kind.relations)}
    assert all(len(row) == len(rows[0]) and all(cell == cell.strip() != "" for cell in row) for row in rows)
    assert len(kind.entities) == len({entity.name.lower() for entity in kind.entities}) == ENTITIES[kind.key]
    for entity in kind.entities:
        assert set(entity.values) == {relation.key for relation in kind.relations}
        assert all(len(set(value)) == len(value) and all(value) for value in entity.values.values())
    assert {entity.split for entity in kind.entities} == {"train", "prompts", "exam"}


def test_elements_are_numbered_in_order_and_no_symbol_is_taken_twice():
    entities = ELEMENT.entities
    assert [entity.values["number"] for entity in entities] == [(str(n),) for n in range(1, 119)]
    symbols = [entity.values["symbol"][0] for entity in entities]
    assert len(set(symbols)) == 118
    assert all(re.fullmatch("[A-Z][a-z]?", symbol) for symbol in symbols)
    families = {entity.values["family"][0] for entity in entities}
    assert families == {"metal", "metalloid", "nonmetal", "halogen", "noble gas"}  # "a" stands before each


def test_months_go_round_in_a_ring():
    entities = MONTH.entities
    for this, following in pairwise((*entities, entities[0])):
        assert this.values["next"] == (following.name,)
        assert following.values["before"] == (this.name,)
    assert sum(int(entity.values["days"][0]) for entity in entities) == 365
    assert [entity.values["place"][2] for entity in entities] == [str(n) for n in range(1, 13)]


def test_a_conversion_is_named_for_its_two_units():
    for entity in UNIT.entities:
        assert entity.name == "{small} in {big}".format(**entity.forms)
        assert len({float(amount.replace(",", "")) for amount in entity.values["amount"]}) == 1 or "year" in entity.name
    assert all(re.fullmatch(r"[\w ]+ in an? [\w ]+", name) for name in UNIT.invented)
    for group in GROUPS:  # what can be asked about an invented one, of which there is no more than the name
        assert sum("{small}" not in q and "{big}" not in q for q in UNIT.relation("amount").questions[group]) >= 2


@each_relation
def test_there_are_enough_wordings(kind, relation):
    for name, least in LEAST.items():
        grouped = getattr(relation, name)
        assert tuple(grouped) == GROUPS
        if kind is not UNIT or name != "follow_ups":
            assert all(len(grouped[group]) >= n for group, n in zip(GROUPS, least, strict=True)), name
    assert len(relation.answers) >= 5
    assert len(relation.tellings) >= TELLINGS[kind.key]
    assert len(relation.pronoun_tellings) >= 8 or kind is UNIT
    assert len(relation.claims) >= 4
    assert len(relation.denials) >= 3


@each_relation
def test_every_template_fills_and_has_the_slots_it_needs(kind, relation):
    asked = [
        (wording, {"v"} if grouped is relation.whys else set())
        for grouped in _grouped(relation)
        for group in GROUPS
        for wording in grouped[group]
    ]
    stated = [(wording, {"v"}) for wording in _stated(relation)]
    denied = [(wording, {"w"}) for wording in relation.denials]
    for wording, needed in asked + stated + denied:
        slots = {slot for _, slot, _, _ in string.Formatter().parse(wording) if slot}
        assert needed == slots - {"x", *kind.forms}, wording
        named = wording not in (*relation.pronoun_tellings, *relation.answers, relation.brief)
        if named and not any(wording in group for group in relation.follow_ups.values()):
            assert "x" in slots or {"small", "big"} <= slots, wording
        assert wording.isascii()
        for entity in kind.entities:
            filled = wording.format(v=entity.values[relation.key][0], w="W", **entity.forms)
            assert "  " not in filled
            assert "{" not in filled
    for wording in kind.asides:
        assert all(wording.format(**entity.forms) for entity in kind.entities)


@each_relation
def test_no_wording_is_in_two_groups_or_twice_in_one(kind, relation):
    asked = [_bare(wording) for group in GROUPS for wording in _asked(relation, group)]
    assert len(set(asked)) == len(asked), {wording for wording in asked if asked.count(wording) > 1}
    for texts in (relation.answers, relation.tellings, relation.pronoun_tellings, relation.claims, relation.denials):
        assert len({_bare(text) for text in texts}) == len(texts), [_bare(text) for text in texts]


@each_relation
def test_who_knows_the_demo_wordings_and_the_prose_has_met_every_word(kind, relation):
    relations = [relation for kind in KINDS for relation in kind.relations]
    known = _words([text for r in relations for text in (*_asked(r, "demo"), *_stated(r), *r.denials)])
    unknown = {group: sorted(_words(_asked(relation, group)) - known) for group in GROUPS[1:]}
    assert not any(unknown.values()), unknown


@each_relation
def test_prose_asks_nothing(kind, relation):
    assert not [text for text in (*_stated(relation), *relation.denials, *kind.asides) if "?" in text]
    assert not [claim for claim in relation.claims if claim.endswith(".") or claim[0].isupper()]


@each_kind
def test_what_is_invented_is_near_nothing_real(kind):
    assert len(kind.invented) == len({name.lower() for name in kind.invented}) >= INVENTED[kind.key]
    assert len(kind.asides) == len(set(kind.asides)) >= 15
    for name in kind.invented:
        assert name.isascii()
        assert all(_steps(name.lower(), entity.name.lower()) >= 3 for entity in kind.entities), name
