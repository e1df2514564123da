"""What the service's conversations need of the store, on both databases: drafts, shares, trees of API chats."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from mynah import store
from mynah.nouns import Message, SamplingParams
from mynah.store.presence import Presence
from mynah.store.schema import completion, content, conversation, demonstration, now, prompt, usage
from tests.store.conftest import MODEL, answered


def words(tx) -> int:
    return tx.scalar(select(func.count()).where(content.c.body.is_not(None)))


def test_a_draft_is_one_text_and_goes_with_its_conversation(db):
    with db.writing() as tx:
        ann, ben = store.add_user(tx), store.add_user(tx)
        talk = store.start_conversation(tx, ann)
        for text in ("h", "hello \0"):
            store.keep_draft(tx, ann, talk, text)
        store.keep_draft(tx, ben, talk, "ben's")
        assert store.read_draft(tx, ann, talk) == "hello \ufffd"
        store.delete_conversation(tx, ann, talk)
        assert store.read_draft(tx, ann, talk) == ""
        assert store.read_draft(tx, ben, talk) == "ben's"
        store.keep_draft(tx, ben, talk, "")
        assert words(tx) == 0


def test_a_share_ends_when_revoked_or_when_the_conversation_is_deleted(db, tell):
    told = tell("why", "because")
    with db.writing() as tx:
        ben = store.add_user(tx)
        (first, one), (_, two) = (store.add_share(tx, told.owner, told.conversation, told.answer) for _ in range(2))
        assert [said.message.content for said in store.shared(tx, one)[1]] == ["why", "because"]
        assert len(store.shares(tx, told.owner, told.conversation)) == 2
        for wrong in (lambda: store.revoke_share(tx, ben, first), lambda: store.shares(tx, ben, told.conversation)):
            with pytest.raises(LookupError):
                wrong()
        store.revoke_share(tx, told.owner, first)
        store.revoke_share(tx, told.owner, first)
        with pytest.raises(LookupError):
            store.shared(tx, one)
        store.delete_conversation(tx, told.owner, told.conversation)
        with pytest.raises(LookupError):
            store.shared(tx, two)


def test_a_deleted_conversation_takes_what_was_made_of_it(db, tell):
    told = tell("my secret", "noted")
    with db.writing() as tx:
        store.react(tx, told.owner, told.completion, -1, ["rude"], "it repeats my secret")
        store.correct(tx, told.owner, told.completion, "I forgot your secret")
        store.delete_conversation(tx, told.owner, told.conversation)
        assert words(tx) == 0
        assert tx.scalar(select(func.count()).select_from(demonstration)) == 1


def test_temporary_chats_are_forgotten_when_they_are_old(db):
    with db.writing() as tx:
        ann = store.add_user(tx)
        talks = [store.start_conversation(tx, ann, temporary=temporary) for temporary in (True, True, False)]
        for talk in talks:
            store.add_message(tx, talk, Message("user", "psst"), author=ann)
        old = now() - timedelta(days=2)
        tx.execute(conversation.update().where(conversation.c.id == talks[0]).values(updated_at=old))
        assert store.delete_temporary(tx, now() - timedelta(days=1)) == 1
        assert words(tx) == 2


def test_one_id_is_one_message_wherever_it_is_sent(db, tell):
    told = tell("why", "because")
    with db.writing() as tx:
        ben = store.add_user(tx)
        talk = store.start_conversation(tx, ben)
        with pytest.raises(LookupError):
            store.add_message(tx, talk, Message("user", "mine now"), author=ben, id=told.question)
        again = store.add_message(tx, told.conversation, Message("user", "other"), author=told.owner, id=told.question)
        assert store.branch(tx, again)[-1].message.content == "why"


def test_a_chat_that_brings_its_history_continues_its_tree(db):
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    with db.writing() as tx:
        ann, ben = store.add_user(tx), store.add_user(tx)
        one = (Message("system", "Be kind."), Message("user", "why"))
        first = store.place_prompt(tx, ann, one, "api")
        store.show_answer(tx, answered(tx, first, "because \0"))
        assert store.place_prompt(tx, ann, one, "api") == first
        second = store.place_prompt(tx, ann, (*one, Message("assistant", "because \0"), Message("user", "so?")), "api")
        assert tx.scalar(select(func.count()).select_from(conversation)) == 1
        changed = (
            (*one, Message("assistant", "because."), Message("user", "so?")),
            (*one, Message("assistant", "because \0", (call,)), Message("user", "so?")),
        )
        others = [store.place_prompt(tx, ann, talk, "api") for talk in changed]
        others += [store.place_prompt(tx, ben, one, "api"), store.place_prompt(tx, ann, one, "text")]
        others.append(store.place_prompt(tx, ann, one, "api", alone=True))
        assert len({first, second, *others}) == 7
        assert tx.scalar(select(func.count()).select_from(conversation)) == 6
        [place] = tx.scalars(select(prompt.c.message).where(prompt.c.id == second))
        assert len(store.branch(tx, place)) == 4
        for forgotten in (first, others[-1]):
            store.forget_prompt(tx, forgotten)
        assert store.place_prompt(tx, ann, one, "api") not in {first, second, *others}


def test_an_answer_cut_by_a_crash_is_shown_and_charged_once(db, tell):
    told = tell("why", "because")
    with db.writing() as tx:
        version = store.know_model(tx, MODEL)
        id = store.begin_answer(tx, told.prompt, version, SamplingParams(), 10)
        store.keep_partial(tx, id, "perh", 4)
    with db.writing() as tx:
        assert store.finish_interrupted(tx, prices=(1.0, 2.0)) == [id]
        assert store.finish_interrupted(tx) == []
        shown = store.branch(tx, id)[-1]
        assert (shown.message.content, shown.parent, shown.completion) == ("perh", told.question, id)
        [bill] = tx.execute(select(usage)).all()
        assert (bill.user, bill.cost) == (told.owner, pytest.approx(0.018))
        assert tx.scalar(select(completion.c.finish_reason).where(completion.c.id == id)) == "interrupted"


def test_who_comes_second_is_not_alone_until_the_first_has_gone(db):
    first = Presence(db)
    assert first.alone
    first.settle()
    second = Presence(db)
    assert not second.alone
    second.settle()
    first.leave()
    third = Presence(db)
    assert not third.alone
    third.settle()
    for one in (second, third):
        one.leave()
    fourth = Presence(db)
    assert fourth.alone
    fourth.leave()
