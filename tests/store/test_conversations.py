"""Conversations are trees that grow, and a history that is one person's own."""

import pytest

from mynah import store
from mynah.nouns import Message
from mynah.store import content


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
        while page := store.conversations(tx, ann, limit=2, after=pages[-1]):
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
