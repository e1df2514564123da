"""Talk: prompts vary, no wording is in two groups, good answers satisfy their key and slips do not; prose varies."""

import json
import random
import re

import pytest

from mynah.primer.earth import talk_prose
from mynah.primer.earth.behaviours import cutoff, identity, outside, small_talk, talk, writing
from mynah.primer.earth.behaviours.case import KEYS
from mynah.primer.earth.kinds import GROUPS

MODULES = {"identity": identity, "cutoff": cutoff, "small_talk": small_talk, "unknown": outside, "writing": writing}
TABLES = {
    "identity": identity.TOPICS,
    "cutoff": cutoff.TOPICS,
    "small_talk": small_talk.TOPICS,
    "languages": outside.LANGUAGES,
    "tasks": outside.TASKS,
    "writing": writing.TEXTS,
}
LEAST = {"ranking": 150, "ppo": 150, "exam": 210}
NOT_ENGLISH = outside.LANGUAGES["chinese"].answers[0]


def _says(text, string):
    return re.search(rf"(?<!\w){re.escape(string)}(?!\w)", text, re.I) is not None


def _right(case, answer):
    named = all(any(_says(answer, accepted) for accepted in part) for part in case.meta["parts"])
    return named and not any(_says(answer, wrong) for wrong in case.meta["wrong"])


def _bare(text):
    return " ".join(re.sub(r"[^\w{}' ]", " ", text.lower()).split())


def _draws(module, group, count=250):
    rng = random.Random(f"{module.__name__}/{group}")
    return [module.draw(group, rng) for _ in range(count)]


@pytest.mark.parametrize("behaviour", MODULES)
def test_a_case_carries_its_key_and_the_good_answer_has_it(behaviour):
    for group in GROUPS:
        for case in _draws(MODULES[behaviour], group):
            assert set(KEYS) - set(case.meta) == {"relation", "premise", "shape"}, "those belong to facts"
            json.dumps(dict(case.meta))
            assert case.meta["behaviour"] == behaviour
            assert f"/{group}/" in case.meta["phrasing"]
            assert f"/{group}/" in case.meta["entity"]
            assert case.messages[-1].role == "user"
            assert _right(case, case.good), (case.messages[-1].content, case.good, case.meta)
            assert 1 <= len(case.good.split()) <= (60 if behaviour == "writing" else 35)
            for slip, answer in case.slips.items():
                assert _right(case, answer) == (slip == "rambles"), (slip, answer, case.meta)
            if behaviour != "unknown":
                assert "".join([*(m.content for m in case.messages), case.good, *case.slips.values()]).isascii()
            assert not re.search(r"[{}]", "".join([case.messages[-1].content, case.good, *case.slips.values()]))


def test_every_good_answer_of_every_topic_satisfies_its_key():
    for table in (identity.TOPICS, cutoff.TOPICS, small_talk.TOPICS, outside.LANGUAGES, outside.TASKS):
        for topic in table.values():
            for answer in topic.answers:
                assert all(any(_says(answer, accepted) for accepted in part) for part in topic.parts), answer
                assert not any(_says(answer, wrong) for wrong in topic.wrong), answer
            assert len(set(topic.answers)) >= 4 or topic.answers == (NOT_ENGLISH,)


@pytest.mark.parametrize("behaviour", MODULES)
def test_prompts_are_many_and_of_one_group_each(behaviour):
    seen = {}
    for group in GROUPS:
        said = {_bare(case.messages[-1].content) for case in _draws(MODULES[behaviour], group)}
        assert len(said) >= (60 if behaviour == "unknown" else LEAST.get(group, 100)), (group, len(said))
        for text in said:
            assert seen.setdefault(text, group) == group, text


@pytest.mark.parametrize("table", TABLES)
def test_no_wording_is_in_two_groups_nor_part_of_another(table):
    wordings = {}
    for name, topic in TABLES[table].items():
        assert tuple(topic.asks) == GROUPS, name
        for group, asks in topic.asks.items():
            for wording in asks:
                assert _bare(wording) not in wordings, wording
                wordings[_bare(wording)] = group
    for one, group in wordings.items():
        for other, of in wordings.items():
            if group != of and len(one.split()) > 2:
                assert f" {one} " not in f" {other} ", (one, other)


def test_names_frames_and_topics_of_letters_are_of_one_group_each():
    for table in (talk.NAMES, talk.FRAMES, writing.ROLES, writing.SIGNED):
        pieces = [(piece, group) for group in GROUPS for piece in set(table[group]) - {"", "{Q}"}]
        assert len({piece for piece, _ in pieces}) == len(pieces)
    for text in writing.TEXTS.values():
        topics = [entry for group in GROUPS for entry in text.topics[group]]
        assert len(set(topics)) == len(topics)


def test_prose_varies_and_says_nothing_that_the_groups_ask():
    rng = random.Random(0)
    documents = [talk_prose.document(rng) for _ in range(1500)]
    assert len(set(documents)) >= 1490
    assert all(35 <= len(document.split()) <= 130 for document in documents)
    text = "\n".join(documents)
    assert not re.search(r"[{}]", text)
    assert NOT_ENGLISH in text
    assert len(set(re.split(r"(?<=[.!?])\s+|\n", text))) > 3000
    bare = f" {_bare(text)} "
    for table in TABLES.values():
        for topic in table.values():
            for group in GROUPS[1:]:
                for wording in topic.asks[group]:
                    if len(wording.split()) > 3 and "{" not in wording:
                        assert f" {_bare(wording)} " not in bare, wording
