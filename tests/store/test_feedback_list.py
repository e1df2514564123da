"""An admin looks through feedback: filters, and the rule about whose words may be read."""

from datetime import timedelta

import pytest

from mynah import store
from mynah.nouns import Message, SamplingParams
from mynah.store.feedback_list import Opinion, Wanted, judged_models, opinions
from mynah.store.schema import now
from tests.store.conftest import MODEL, told


def listed(db, reader: str = "", limit: int = 50, **wanted) -> list[Opinion]:
    with db.reading() as tx:
        return opinions(tx, reader, Wanted(**wanted), limit)


def person(tx, consents: bool | None) -> str:
    id = store.add_user(tx)
    if consents is not None:
        store.set_consent(tx, id, "training", consents)
    return id


def test_words_are_read_only_of_those_who_consent_now(db):
    with db.writing() as tx:
        people = {answer: person(tx, answer) for answer in (True, False, None)}
        for answer, id in people.items():
            talk = told(tx, f"question of {answer}", f"answer to {answer}", id)
            store.react(tx, id, talk.completion, 1, ["clear"], f"comment of {answer}")
    shown = {one.asked: one for one in listed(db)}
    assert len(listed(db)) == 3
    assert {one.rating for one in listed(db)} == {1}
    assert shown.keys() == {"question of True", None}
    assert (shown["question of True"].answer, shown["question of True"].comment) == (
        "answer to True",
        "comment of True",
    )
    assert all(one.answer is one.comment is None for one in listed(db) if not one.readable)
    assert [one.asked for one in listed(db, text="QUESTION of")] == ["question of True"]  # search tells no more
    assert listed(db, text="comment of False") == []
    mine = {one.asked for one in listed(db, reader=people[False])}
    assert mine == {"question of True", "question of False", None}

    with db.writing() as tx:
        store.set_consent(tx, people[True], "training", False)
    assert [one.asked for one in listed(db)] == [None, None, None]


def test_temporary_and_deleted_chats_and_comments_of_others_are_closed(db):
    with db.writing() as tx:
        ann, bob = person(tx, True), person(tx, None)
        talk = store.start_conversation(tx, ann, temporary=True)
        asked = store.add_message(tx, talk, Message("user", "in passing"), author=ann)
        stream = store.begin_answer(tx, store.add_prompt(tx, asked), store.know_model(tx, MODEL), SamplingParams(), 5)
        passing = store.finish_answer(tx, stream, "yes", finish_reason="stop", tokens=1)
        store.react(tx, ann, passing, -1)
        deleted, kept = told(tx, "regretted", "oh", ann), told(tx, "kept", "oh", ann)
        store.react(tx, ann, deleted.completion, 1)
        store.react(tx, bob, kept.completion, 1, comment="Bob's own words")
        store.delete_conversation(tx, ann, deleted.conversation)
    rows = listed(db)
    assert [(one.asked, one.answer, one.comment) for one in rows] == [
        ("kept", "oh", None),
        (None, None, None),
        (None, None, None),
    ]
    assert listed(db, text="own words") == []


def test_filters_and_pages(db):
    with db.writing() as tx:
        ann = person(tx, True)
        one, two = told(tx, "one 100% sure", "first", ann), told(tx, "two", "second", ann)
        other = store.know_model(tx, store.Model("rival", "sft", "sha256:r", "sha256:t", "sha256:c"))
        stream = store.begin_answer(tx, one.prompt, other, SamplingParams(), 5)
        rival = store.finish_answer(tx, stream, "rival's", finish_reason="stop", tokens=1)
        store.react(tx, ann, one.completion, 1)
        store.react(tx, ann, one.completion, -1, ["not_true"], "no")  # she changed her mind
        store.react(tx, ann, two.completion, 1)
        store.react(tx, ann, rival, 1)
        store.react(tx, ann, rival, 0)  # and took this one back
        store.prefer(tx, ann, "arena", one.completion, b=rival, outcome="b", left_side="a")
        edit = store.demonstrate(tx, ann, two.prompt, "second, mended", edited_from=two.completion)
        store.prefer(tx, ann, "edit", two.completion, edit=edit, outcome="b")
    everything = listed(db)
    assert [row.kind for row in everything] == ["edit", "vote", "thumb", "thumb"]
    assert [row.other for row in everything] == ["second, mended", "rival's", None, None]
    assert [(row.rating, row.reasons) for row in listed(db, kind="thumb")] == [(1, []), (-1, ["not_true"])]
    assert [row.comment for row in listed(db, rating=-1)] == ["no"]
    [vote] = listed(db, model="rival")
    assert (vote.kind, vote.outcome, vote.model, vote.other_model) == ("vote", "b", "tiny", "rival")
    assert [row.asked for row in listed(db, text="100%")] == ["one 100% sure"] * 2
    assert [row.kind for row in listed(db, text="mended")] == ["edit"]
    first = listed(db, limit=2)
    assert [row.id for row in first + listed(db, after=first[-1].id)] == [row.id for row in everything]
    assert listed(db, since=now() + timedelta(hours=1)) == []
    assert len(listed(db, since=now() - timedelta(hours=1), until=now() + timedelta(hours=1))) == 4
    with db.reading() as tx:
        assert judged_models(tx) == ["rival", "tiny"]


@pytest.mark.parametrize("query", ["%", "_", "\\", "' OR 1=1 --"])
def test_a_search_is_for_the_characters_themselves(db, query):
    with db.writing() as tx:
        ann = person(tx, True)
        store.react(tx, ann, told(tx, "plain", "words", ann).completion, 1)
    assert listed(db, text=query) == []
