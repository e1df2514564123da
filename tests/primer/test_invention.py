"""Inventions, how-tos and sums: the form of their tables and wordings."""

import re
from collections import Counter

import pytest

from mynah.primer.earth import sums
from mynah.primer.earth.howtos import QUESTIONS, TELLINGS, howtos, small
from mynah.primer.earth.kinds import GROUPS, load_kind

KIND = load_kind("invention")

GROUPED = [grouped for r in KIND.relations for grouped in (r.questions, r.follow_ups, r.whys)]
GROUPED += [QUESTIONS, *sums.QUESTIONS.values()]


def _bare(wording):
    return " ".join(re.findall(r"[a-z{}0-9+*-]+", wording.lower()))


def _slots(wording):
    return set(re.findall(r"{(\w+)}", wording))


def _holds(text, words):
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.I) for word in words)


@pytest.mark.parametrize("grouped", GROUPED)
def test_no_wording_is_in_two_groups(grouped):
    assert tuple(grouped) == GROUPS
    flat = [_bare(wording) for group in grouped.values() for wording in group]
    assert len(flat) == len(set(flat))


def test_every_invention_is_complete():
    assert len(KIND.entities) >= 110
    assert len({entity.name for entity in KIND.entities}) == len(KIND.entities)
    assert set(Counter(entity.split for entity in KIND.entities)) == {"train", "prompts", "exam"}
    for entity in KIND.entities:
        assert set(entity.values) == {"maker", "year"}
        assert all(entity.forms[form] for form in KIND.forms)
        assert " ".join(entity.forms.values()).isascii()
        assert " ".join(entity.values["maker"]).isascii()
        assert all(re.fullmatch(r"1[4-9]\d\d|20[0-2]\d", year) for year in entity.values["year"])
        for value in (*entity.values["maker"], *entity.values["year"]):
            assert not _holds(" ".join(entity.forms.values()), [value]), "the question would give the answer away"


def test_no_maker_is_known_by_a_name_of_another():
    for one in KIND.entities:
        for other in KIND.entities:
            if one.values["maker"][0] != other.values["maker"][0]:
                assert not _holds(other.values["maker"][0], one.values["maker"]), (one.name, other.name)


def test_wordings_fill_and_name_what_they_must():
    forms = set(KIND.forms)
    for r in KIND.relations:
        asked = [q for group in r.questions.values() for q in group]
        assert all(_slots(q) <= forms and _slots(q) & {"x", "deed", "who"} for q in asked)
        assert all(_slots(q) <= forms - {"x", "deed", "who"} for group in r.follow_ups.values() for q in group)
        told = (*r.answers, *r.tellings, *r.claims, *(why for group in r.whys.values() for why in group))
        assert all("v" in _slots(t) <= forms | {"v"} and _slots(t) & {"x", "deed", "who"} for t in told)
        assert all("v" in _slots(t) <= {"v", "verb", "done", "dated"} for t in r.pronoun_tellings)
        assert all("w" in _slots(t) <= forms | {"w"} for t in r.denials)
        assert all(not claim.endswith(".") for claim in r.claims)
        prose = (*r.tellings, *r.pronoun_tellings)
        assert len(r.tellings) >= 45
        assert len(set(prose)) == len(prose)
        assert not any("?" in t for t in (*prose, *r.answers, *r.claims, *r.denials))
        for group in r.questions.values():  # only these can ask for what is invented
            assert sum(_slots(q) == {"x"} for q in group) >= 2
    assert all(_slots(aside) == {"x"} and "?" not in aside for aside in KIND.asides)


def test_invented_things_are_not_in_the_table():
    assert len(set(KIND.invented)) == len(KIND.invented) >= 60
    assert not {x.lower() for x in KIND.invented} & {entity.forms["x"].lower() for entity in KIND.entities}


def test_howtos_answer_themselves():
    table = howtos()
    assert len({howto.name for howto in table}) == len(table) >= 120
    assert sum(howto.looks_mean for howto in table) >= 55
    for mean in (False, True):
        assert set(Counter(h.split for h in table if h.looks_mean == mean)) == {"train", "prompts", "exam"}
    for howto in table:
        assert 1 < len(howto.key) <= 4
        assert not _holds(howto.name, howto.key), "an echo of the question would pass for an answer"
        assert howto.answer != howto.also
        for answer in (howto.answer, howto.also):
            assert 10 <= len(answer.split()) <= 25
            assert answer.isascii()
            assert re.fullmatch(r"[A-Z][^?]*\.", answer)
            assert _holds(answer, howto.key), answer


def test_howto_wordings_fill():
    assert all(_slots(q) == {"deed"} for group in QUESTIONS.values() for q in group)
    assert len(set(TELLINGS)) == len(TELLINGS) >= 25
    for telling in TELLINGS:
        assert _slots(telling) in ({"deed", "answer"}, {"deed", "answer_small"})
        assert "?" not in telling
    assert small("Boil it.") == "boil it."


@pytest.mark.parametrize("op", sums.OPERATIONS)
def test_sums(op):
    tellings, stories = sums.TELLINGS[op], sums.STORIES[op]
    assert len(set(tellings)) == len(tellings) >= 20
    for telling in (*tellings, *stories):
        assert _slots(telling) == {"a", "b", "v"}
        assert "?" not in telling
    assert all(_slots(q) == {"a", "b"} for group in sums.QUESTIONS[op].values() for q in group)
    assert all("v" in _slots(answer) <= {"a", "b", "v"} for answer in sums.ANSWERS[op])
    assert all(sums.result(op, a, b) >= 0 for a, b in sums.pairs(op))
    shares = Counter(sums.split_of(op, a, b) for a, b in sums.pairs(op))
    assert shares["train"] / shares.total() == pytest.approx(0.6, abs=0.12)
    assert shares["exam"] / shares.total() == pytest.approx(0.2, abs=0.08)


def test_some_results():
    assert (sums.result("plus", 3, 4), sums.result("minus", 9, 4), sums.result("times", 6, 7)) == (7, 5, 42)
    assert sums.split_of("plus", 3, 4) == sums.split_of("plus", 4, 3)
