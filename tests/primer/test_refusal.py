"""Refusal: families stay apart, good answers decline, slips comply, and raw text never asks for a harm."""

import json
import re
from random import Random

import pytest

from mynah.nouns import Prompt
from mynah.primer.earth import kindness_prose
from mynah.primer.earth.behaviours import refusal
from mynah.primer.earth.behaviours.case import KEYS
from mynah.primer.earth.harm import ALL, FAMILIES
from mynah.primer.earth.judge import gold
from mynah.primer.earth.kinds import GROUPS
from mynah.primer.earth.marker import mark
from mynah.primer.earth.rater import rate

SEED = 5


def _has(text, strings):
    text = text.lower()
    return any(re.search(rf"(?<!\w){re.escape(string)}(?!\w)", text) for string in strings if string in text)


def _drawn(group, count=250):
    rng = Random(SEED)
    return [refusal.draw(group, rng) for _ in range(count)]


def test_who_cannot_know_has_not_declined():
    """A sentence about news refuses nothing, though it says "I cannot"."""
    for case in _drawn("dev", 40):
        prompt, news = Prompt(case.messages, "", dict(case.meta)), "I cannot know today's news."
        assert mark(prompt, case.good), case
        assert not mark(prompt, news)
        assert gold(prompt, news) < 0.2 < 0.9 < gold(prompt, "I cannot help with that.")
        assert rate(prompt, news) < rate(prompt, case.good) - 2


def test_families_are_many_and_disjoint_by_split():
    keys = [family.key for family in ALL]
    wishes = [wish for family in ALL for wish in family.wishes + family.claims]
    assert len(set(keys)) == len(keys) >= 18
    assert len(set(wishes)) == len(wishes)
    by_split = {split: [f for f in ALL if f.split == split] for split in ("train", "prompts", "exam")}
    assert len(by_split["train"]) >= 9
    assert len(by_split["prompts"]) >= 4
    assert len(by_split["exam"]) >= 5
    assert sum(map(len, by_split.values())) == len(ALL)
    assert {f.key for f in FAMILIES["exam"]}.isdisjoint(f.key for g in GROUPS if g != "exam" for f in FAMILIES[g])


def test_wishes_can_be_told_of_others_and_betters_of_anyone():
    for family in ALL:
        assert len(family.wishes) >= 16, family.key
        for wish in family.wishes:
            assert not re.search(r"\b(?:I|we|our|us)\b|[.;?]", wish), wish
            assert wish.isascii()
        for better in family.better:
            assert not re.search(r"\b(?:my|your|you|one|one's|himself)\b", better), better


@pytest.mark.parametrize("table", [refusal.REQUESTS, refusal.PRETEXTS, refusal.OPINIONS])
def test_no_wording_is_in_two_groups(table):
    assert tuple(table) == GROUPS
    wordings = [wording.lower() for group in GROUPS for wording in table[group]]
    assert len(set(wordings)) == len(wordings)


@pytest.mark.parametrize(
    ("group", "least"), [("demo", 210), ("ranking", 150), ("ppo", 150), ("dev", 150), ("exam", 210)]
)
def test_draws_are_many_and_of_their_group(group, least):
    cases = _drawn(group)
    assert len({case.messages[-1].content for case in cases}) >= least
    assert {case.meta["entity"] for case in cases} == {family.key for family in FAMILIES[group]}
    for case in cases:
        assert case.messages[-1].role == "user"
        assert case.meta["phrasing"].startswith(f"refusal/{group}/")
        assert case.meta.keys() <= KEYS.keys()
        assert json.loads(json.dumps(case.meta)) == case.meta
    assert refusal.draw(group, Random(1)) == refusal.draw(group, Random(1))


def test_good_answers_decline_briefly_and_slips_do_not():
    assert len(refusal.DECLINES) >= 25
    assert len(refusal.COMPLIES) >= 20
    assert len(refusal.COMPLYING) >= 25
    for case in (case for group in GROUPS for case in _drawn(group, 1000)):
        (accepted,), wrong = case.meta["parts"], case.meta["wrong"]
        assert 6 <= len(case.good.split()) <= 22, case.good
        assert _has(case.good, accepted), case.good
        assert not _has(case.good, wrong), case.good
        assert _has(case.slips["complies"], wrong), case.slips["complies"]
        assert not _has(case.slips["complies"], accepted), case.slips["complies"]
        assert len(case.slips["lectures"].split()) > 60
        assert _has(case.slips["lectures"], accepted)
        assert _has(case.slips["rude"], accepted), case.slips["rude"]
        assert not _has(case.slips["rude"] + case.slips["lectures"], wrong)


def test_every_wording_of_an_answer_can_be_told_from_a_slip():
    for complies in refusal.COMPLIES + refusal.AGREES + refusal.SHRUGS_AT_DESPAIR:
        assert _has(complies, refusal.COMPLYING), complies
        assert not _has(complies, refusal.REFUSING + refusal.DISAGREEING), complies
    for family in ALL:  # a refusal may echo these
        for said in (family.doing, *family.harms, *family.better, *family.wishes):
            assert not _has(said, refusal.COMPLYING), said


def test_prose_varies_tells_of_every_family_and_asks_for_no_harm():
    rng = Random(SEED)
    documents = [kindness_prose.document(rng) for _ in range(3000)]
    assert len(set(documents)) == len(documents)
    frames = {frame for table in kindness_prose.FRAMES.values() for frame in table}
    assert len(frames) >= 150
    text = "\n".join(documents).lower()
    for family in ALL:
        if family.key != "selfharm":
            assert family.doing.lower() in text
            assert any(harm.lower() in text for harm in family.harms)
    for document in documents:
        assert 40 <= len(document.split()) <= 110
        assert "?" not in document
        assert "{" not in document
        assert document.isascii()
    wordings = [
        wording for table in (refusal.REQUESTS, refusal.OPINIONS) for group in GROUPS for wording in table[group]
    ]
    starts = {start for start in (wording.split("{")[0].lower() for wording in wordings) if len(start.split()) > 2}
    asked = tuple(wish.lower() for family in ALL for wish in family.wishes + family.claims)
    for start in starts:
        assert not [rest[:60] for rest in text.split(start)[1:] if rest.startswith(asked)], start
