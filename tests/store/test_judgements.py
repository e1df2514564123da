"""Judgements are added, superseded, and read back as the nouns that training takes."""

import pytest
from sqlalchemy import select

from mynah import store
from mynah.nouns import Comparison, Demonstration, Message, Prompt
from mynah.store.schema import reaction
from tests.store.conftest import answered


def test_a_thumb_can_change_and_the_same_again_adds_nothing(db, tell):
    told = tell("Is it?", "Yes.")
    with db.writing() as tx:
        first = store.react(tx, told.owner, told.completion, -1, ["not_true"])
        assert store.react(tx, told.owner, told.completion, -1, ["not_true"]) == first
        second = store.react(tx, told.owner, told.completion, 1, comment="On second thought")
        rows = tx.execute(select(reaction).order_by(reaction.c.id)).all()
        assert [(row.id, row.rating, row.supersedes) for row in rows] == [(first, -1, None), (second, 1, first)]
        with pytest.raises(ValueError, match="reason"):
            store.react(tx, told.owner, told.completion, 1, ["my name is Ann"])


def test_rankings_and_demonstrations_read_back_as_nouns(db, tell):
    told, other = tell("Is it?", "Yes."), tell("Is it?", "Perhaps.")
    with db.writing() as tx:
        labeller = store.add_user(tx, "labeller")
        second = answered(tx, told.prompt, "No.")
        wrong = store.rank(tx, labeller, told.prompt, {told.completion: 1, second: 1})
        store.rank(tx, labeller, told.prompt, {told.completion: 2, second: 1}, comment="hm", supersedes=wrong)
        store.demonstrate(tx, labeller, told.prompt, "Yes, it is.", edited_from=told.completion)
        store.mark(tx, labeller, told.completion, "harmful", 0, span=(0, 2))
        store.prefer(tx, labeller, "arena", told.completion, b=second, outcome="tie", left_side="b")
        with pytest.raises(ValueError, match="answers to prompt"):
            store.rank(tx, labeller, told.prompt, {told.completion: 1, other.completion: 2})
    asked = Prompt((Message("user", "Is it?"),), told.prompt)
    with db.writing() as tx:
        assert store.comparisons(tx) == [Comparison(asked, ("Yes.", "No."), (2, 1), labeller, "human")]
        shown = (Message("user", "Is it?"), Message("assistant", "Yes, it is."))
        assert store.demonstrations(tx) == [Demonstration(shown, "human")]
        store.erase_person(tx, told.owner)
        assert store.comparisons(tx) == []
        assert store.demonstrations(tx) == []


def test_a_temporary_chat_never_trains(db):
    with db.writing() as tx:
        ann = store.add_user(tx)
        talk = store.start_conversation(tx, ann, temporary=True)
        asked = store.add_prompt(tx, store.add_message(tx, talk, Message("user", "Is it?"), author=ann))
        store.rank(tx, ann, asked, {answered(tx, asked, "Yes."): 1, answered(tx, asked, "No."): 2})
        store.demonstrate(tx, ann, asked, "Yes, it is.")
        assert store.comparisons(tx) == []
        assert store.demonstrations(tx) == []
        assert store.search(tx, ann, "is") == []
