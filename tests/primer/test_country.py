"""Countries: the table has its form, every template can be filled, and no wording is in two groups."""

import re
import string
from difflib import SequenceMatcher
from importlib.resources import files

import pytest

from mynah.primer.earth.kinds import GROUPS, load_kind

KIND = load_kind("country")

CONTINENTS = {"Africa", "Asia", "Europe", "North America", "South America", "Oceania"}
MINIMA = {
    "questions": (14, 5, 5, 3, 5),
    "follow_ups": (8, 3, 3, 2, 3),
    "whys": (4, 2, 2, 1, 2),
}
STATED = {"answers": 5, "tellings": 45, "pronoun_tellings": 12, "claims": 4, "denials": 4}
SLOTS = {
    "questions": ({"x"},),
    "follow_ups": (set(),),
    "whys": ({"x", "v"},),
    "answers": ({"x", "v"}, {"v"}),
    "tellings": ({"x", "v"},),
    "pronoun_tellings": ({"v"},),
    "claims": ({"x", "v"},),
    "denials": ({"x", "w"},),
}
RELATIONS = pytest.mark.parametrize("relation", KIND.relations, ids=lambda relation: relation.key)


def _slots(template: str) -> set[str]:
    return {slot for _, slot, _, _ in string.Formatter().parse(template) if slot is not None}


def _bare(wording: str) -> str:
    return " ".join(re.findall(r"[a-z']+|\{\w\}", wording.lower()))


def _wordings(relation, field: str) -> list[str]:
    value = getattr(relation, field)
    return [wording for group in GROUPS for wording in value[group]] if field in MINIMA else list(value)


def test_the_table_has_its_form():
    lines = (files("mynah.primer.earth") / "tables" / KIND.table).read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert lines[0].split("\t") == ["name", "x", "capital", "continent", "currency", "language"]
    for line in lines:
        assert line.isascii()
        cells = line.split("\t")
        assert len(cells) == 6
        assert all(cells)
        for cell in cells:
            said = cell.split("|")
            assert len(set(said)) == len(said)
            assert all(part and part == part.strip() and "  " not in part for part in said), line


def test_every_entity_has_every_relation():
    assert len(KIND.entities) >= 185
    assert len({entity.name for entity in KIND.entities}) == len(KIND.entities)
    for entity in KIND.entities:
        assert set(entity.values) == {"capital", "continent", "currency", "language"}
        assert entity.forms["x"] in (entity.name, f"the {entity.name}")
        assert entity.values["continent"][0] in CONTINENTS
        for key in ("capital", "language"):
            assert all(value[0].isupper() or value == "siSwati" for value in entity.values[key])
    for split in ("train", "prompts", "exam"):
        assert {e.values["continent"][0] for e in KIND.entities if e.split == split} == CONTINENTS


@RELATIONS
def test_there_are_enough_wordings(relation):
    for field, minima in MINIMA.items():
        grouped = getattr(relation, field)
        assert tuple(grouped) == GROUPS
        assert all(len(grouped[group]) >= least for group, least in zip(GROUPS, minima, strict=True)), field
    assert all(len(getattr(relation, field)) >= least for field, least in STATED.items())


@RELATIONS
def test_every_template_can_be_filled(relation):
    assert relation.brief == "{v}"
    for field, allowed in SLOTS.items():
        for template in _wordings(relation, field):
            assert template.isascii()
            assert _slots(template) in allowed, template
            assert "}'s" not in template, "no possessive of the Netherlands"
            assert not re.search(r"\ban? \{", template), template
            for entity in KIND.entities:
                filled = template.format(**entity.forms, v=entity.values[relation.key][0], w="W")
                assert "{" not in filled
                assert "the the " not in filled.lower(), filled


@RELATIONS
def test_prose_states_and_never_asks(relation):
    for field in ("answers", "tellings", "pronoun_tellings", "denials"):
        for template in _wordings(relation, field):
            assert "?" not in template
            assert template.endswith(".")
            assert template[0].isupper() or template[0] == "{"
    for claim in relation.claims:
        assert claim[0].islower() or claim[0] == "{"
        assert claim[-1] not in ".!?"


def test_no_wording_is_in_two_places():
    for relation in KIND.relations:
        for field in STATED:
            bare = [_bare(wording) for wording in _wordings(relation, field)]
            assert len(set(bare)) == len(bare), field
    asked = {}
    for relation in KIND.relations:
        for field in MINIMA:
            for group in GROUPS:
                for wording in getattr(relation, field)[group]:
                    assert _bare(wording) not in asked, wording
                    asked[_bare(wording)] = group
    others = [f" {wording} " for wording, group in asked.items() if group != "exam"]
    for wording, group in asked.items():
        assert group != "exam" or not any(f" {wording} " in other for other in others), wording


def test_invented_countries_are_no_countries():
    assert len(KIND.invented) >= 90
    assert len(set(KIND.invented)) == len(KIND.invented)
    for invented in KIND.invented:
        core = invented.removeprefix("the ").lower()
        for entity in KIND.entities:
            assert SequenceMatcher(None, core, entity.name.lower()).ratio() < 0.8, (invented, entity.name)


def test_asides_name_the_country_and_no_fact():
    assert len(KIND.asides) >= 25
    values = {value for entity in KIND.entities for key in entity.values for value in entity.values[key]}
    for aside in KIND.asides:
        assert _slots(aside) == {"x"}
        assert "?" not in aside
        assert not values & set(re.findall(r"[A-Za-z]+", aside))
