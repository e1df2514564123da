"""Conversations are trees that grow, and a history that is one person's own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from mynah import store
from mynah.nouns import Message, SamplingParams
from mynah.store import content
from mynah.store.schema import completion, model_version, prompt, reaction
from tests.store.conftest import MODEL


def test_a_conversation_reads_back_with_its_branches_and_tool_calls(db):
    call = {"type": "function", "function": {"name": "clock", "arguments": "{}"}}
    with db.writing() as tx:
        ann = store.add_user(tx, name="Ann")
        talk = store.start_conversation(tx, ann)
        first = store.add_message(tx, talk, Message("user", "What time is it?"), author=ann)
        tool = store.add_message(tx, talk, Message("assistant", "", (call,)), parent=first, author=ann)
        again = store.add_message(tx, talk, Message("user", "What day is it?"), parent=first, author=ann)
    with db.reading() as tx:
        tree = store.messages(tx, talk)
        assert [(said.id, said.parent) for said in tree] == [(first, None), (tool, first), (again, first)]
        assert tree[1].message == Message("assistant", "", (call,))
        assert [said.id for said in store.branch(tx, again)] == [first, again]


def test_a_repeated_request_adds_one_message(db):
    with db.writing() as tx:
        ann = store.add_user(tx)
        talk, id = store.start_conversation(tx, ann), store.new_id()
    for _ in range(2):
        with db.writing() as tx:
            assert store.add_message(tx, talk, Message("user", "Hello?"), author=ann, id=id) == id
    with db.reading() as tx:
        assert len(store.messages(tx, talk)) == 1


def test_the_same_request_from_many_workers_at_once_adds_one_row(db):
    with db.writing() as tx:
        ann = store.add_user(tx)
        talk, id = store.start_conversation(tx, ann), store.new_id()

    def request(_: int) -> str:
        with db.writing() as tx:
            asked = store.add_message(tx, talk, Message("user", "Hello?"), author=ann, id=id)
            model = store.know_model(tx, MODEL)
            answer = store.begin_answer(tx, store.add_prompt(tx, asked), model, SamplingParams(), 3)
        with db.writing() as tx:
            return store.finish_answer(tx, answer, "Hi", finish_reason="stop", tokens=1)

    with ThreadPoolExecutor(6) as workers:
        answers = list(workers.map(request, range(6)))
        reactions = set(workers.map(lambda _: react(db, ann, answers[0]), range(6)))
    with db.reading() as tx:
        assert len(store.messages(tx, talk)) == 1
        for table, rows in ((prompt, 1), (model_version, 1), (completion, 6), (reaction, 1)):
            assert tx.scalar(select(func.count()).select_from(table)) == rows
        assert len(store.search(tx, ann, "hello")) == 1
    assert len(reactions) == 1


def react(db, author: str, answer: str) -> str:
    with db.writing() as tx:
        return store.react(tx, author, answer, 1)


def test_a_message_cannot_hang_in_another_conversation(db, tell):
    one, other = tell("a", "b"), tell("c", "d")
    with db.writing() as tx, pytest.raises(LookupError):
        store.add_message(tx, one.conversation, Message("user", "x"), parent=other.answer, author=one.owner)


def test_history_is_listed_newest_first_page_by_page_and_only_to_its_owner(db, tell):
    ann = tell("question 0", "yes").owner
    for number in range(1, 5):
        tell(f"question {number}", "yes", owner=ann)
    stranger = tell("mine", "yes").owner
    with db.writing() as tx:
        store.start_conversation(tx, ann, temporary=True)
        newest = store.conversations(tx, ann)[0]
        store.rename(tx, ann, newest.id, "The last one")
    with db.reading() as tx:
        whole = store.conversations(tx, ann)
        pages = store.conversations(tx, ann, limit=2)
        while page := store.conversations(tx, ann, limit=2, after=(pages[-1].updated_at, pages[-1].id)):
            pages += page
        assert pages == whole
        assert len(whole) == 5
        assert whole[0].title == "The last one"
        assert sorted(whole, key=lambda listed: listed.updated_at, reverse=True) == whole
        with pytest.raises(LookupError):
            store.own(tx, stranger, whole[0].id)
    with db.writing() as tx, pytest.raises(LookupError):
        store.delete_conversation(tx, stranger, whole[0].id)


def test_a_deleted_conversation_is_forgotten_and_still_counts(db, tell):
    told, kept = tell("Where is the treasure?", "Under the tree."), tell("Where is the treasure?", "Who knows.")
    with db.writing() as tx:
        store.rename(tx, told.owner, told.conversation, "Treasure")
        store.delete_conversation(tx, told.owner, told.conversation)
    with db.reading() as tx:
        assert store.conversations(tx, told.owner) == []
        assert store.search(tx, told.owner, "treasure") == []
        assert [said.message.content for said in store.messages(tx, told.conversation)] == ["", ""]
        assert all(said.erased for said in store.messages(tx, told.conversation))
        assert len(store.search(tx, kept.owner, "treasure")) == 1, "the same words of somebody else stay"


def test_content_of_an_erased_person_cannot_be_written(db):
    with db.writing() as tx:
        ann = store.add_user(tx)
        store.erase_person(tx, ann)
        with pytest.raises(ValueError, match="was erased"):
            content.write(tx, ann, "still here")
