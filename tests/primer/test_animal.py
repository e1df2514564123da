"""Animals and opposites: the tables have their form, every wording fills, and no wording is in two groups."""

import re

import pytest

from mynah.primer.earth.kinds import GROUPS, Kind, Relation, load_kind

KINDS = ANIMAL, WORD = tuple(map(load_kind, ("animal", "word")))
RELATIONS = [pytest.param(kind, relation, id=relation.key) for kind in KINDS for relation in kind.relations]
LEAST = {
    "questions": (12, 4, 4, 3, 5),
    "follow_ups": (7, 3, 3, 2, 3),
    "whys": (4, 2, 2, 1, 2),
}


def _asked(relation: Relation) -> list[str]:
    grouped = (relation.questions, relation.follow_ups, relation.whys)
    return [wording for groups in grouped for wordings in groups.values() for wording in wordings]


def _told(relation: Relation) -> list[str]:
    return [*relation.answers, relation.brief, *relation.tellings, *relation.pronoun_tellings, *relation.claims]


def _bare(wording: str) -> str:
    return re.sub(r"[^a-z{}']+", " ", wording.lower()).strip()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_the_table_has_its_form(kind: Kind):
    names = [entity.name for entity in kind.entities]
    assert len(names) >= 140
    assert len(set(names)) == len(names)
    for entity in kind.entities:
        assert set(entity.values) == {relation.key for relation in kind.relations}, entity.name
        for text in (*entity.forms.values(), *(value for values in entity.values.values() for value in values)):
            assert re.fullmatch(r"[A-Za-z]+([ -][A-Za-z]+)*", text), text
        for values in entity.values.values():
            assert len(set(values)) == len(values), entity.name
    assert {entity.split for entity in kind.entities} == {"train", "prompts", "exam"}


def test_articles_fit():
    said = [entity.forms["x"] for entity in ANIMAL.entities]
    for x in (*said, *ANIMAL.invented):
        assert re.fullmatch(r"an [aeiou].*|a [^aeiou].*", x), x
    assert not [x for x in ANIMAL.invented if re.search(r"(s|x|z|ch|sh|y| .* .*)$", x)], "plurals take an s"
    for entity in ANIMAL.entities:
        assert entity.values["young"][0][0] not in "aeiou", "templates say 'a {v}'"


def test_a_word_and_its_opposite_share_a_split():
    splits = {entity.name: entity.split for entity in WORD.entities}
    for entity in WORD.entities:
        opposite = entity.values["opposite"][0]
        assert splits.get(opposite, entity.split) == entity.split, entity.name
        assert entity.name not in entity.values["opposite"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_invented_things_do_not_exist(kind: Kind):
    known = {text for entity in kind.entities for text in entity.forms.values()}
    assert len(set(kind.invented)) == len(kind.invented) >= (60 if kind is ANIMAL else 30)
    assert not known & set(kind.invented)
    assert len(set(kind.asides)) == len(kind.asides) >= (25 if kind is ANIMAL else 8)


@pytest.mark.parametrize(("kind", "relation"), RELATIONS)
def test_every_wording_fills(kind: Kind, relation: Relation):
    entities = kind.entities
    for entity, other in zip(entities, (*entities[1:], entities[0]), strict=True):
        slots = {**entity.forms, "v": entity.values[relation.key][0]}
        for wording in (*_asked(relation), *_told(relation), *kind.asides):
            filled = wording.format(**slots)
            assert not re.search(r"[{}]|  |\ba [aeio]|\ban [^aeiou]", filled), filled
        for wording in relation.denials:
            assert "{w}" in wording
            assert "{" not in wording.format(**entity.forms, w=other.values[relation.key][0])


@pytest.mark.parametrize(("kind", "relation"), RELATIONS)
def test_no_wording_is_in_two_groups(kind: Kind, relation: Relation):
    bare = [_bare(wording) for wording in _asked(relation)]
    assert len(set(bare)) == len(bare), sorted(text for text in bare if bare.count(text) > 1)
    for field, least in LEAST.items():
        groups = getattr(relation, field)
        assert tuple(groups) == GROUPS
        if kind is WORD and field == "follow_ups":
            continue
        for group, number in zip(GROUPS, least, strict=True):
            assert len(groups[group]) >= number, (field, group)


@pytest.mark.parametrize(("kind", "relation"), RELATIONS)
def test_what_is_told_states_the_fact(kind: Kind, relation: Relation):
    told = _told(relation)
    assert not [wording for wording in (*told, *kind.asides) if "?" in wording]
    assert all("{v}" in wording for wording in told)
    assert all(re.search(r"\{xs?\}", wording) for wording in (*relation.tellings, *kind.asides))
    assert len(set(relation.tellings)) >= 45
    assert len(set(relation.pronoun_tellings)) >= (12 if kind is ANIMAL else 0)
    assert not [wording for wording in relation.pronoun_tellings if "{x" in wording]
    assert min(len(relation.answers) - 5, len(relation.claims) - 4, len(relation.denials) - 3) >= 0
    assert not [wording for wording in relation.claims if wording[0].isupper() or wording[-1] == "."]
