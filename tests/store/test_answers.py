"""An answer's provenance is whole, and a crash in its middle is told as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from mynah import store
from mynah.nouns import Message, SamplingParams
from mynah.store.schema import completion, now, stream
from tests.store.conftest import MODEL


@pytest.fixture
def asked(db):
    """(owner, conversation, message, prompt, model version)"""
    with db.writing() as tx:
        ann = store.add_user(tx)
        talk = store.start_conversation(tx, ann)
        question = store.add_message(tx, talk, Message("user", "Why?"), author=ann)
        return ann, talk, question, store.add_prompt(tx, question), store.know_model(tx, MODEL)


def test_provenance_says_which_model_and_how_it_was_sampled(db, asked):
    _, _, _, prompt, model = asked
    params = SamplingParams(max_new_tokens=9, temperature=0.7, top_p=0.9, seed=2**40)
    with db.writing() as tx:
        id = store.begin_answer(tx, prompt, model, params, 12)
        store.keep_partial(tx, id, "Bec", 2)
        assert store.finish_answer(tx, id, "Because.", finish_reason="stop", tokens=4, logprob_sum=-2.5) == id
    with db.reading() as tx:
        row = store.provenance(tx, id)
        assert tx.execute(select(stream)).all() == []
    assert (row.weights, row.tokenizer, row.template) == (MODEL.weights, MODEL.tokenizer, MODEL.template)
    assert (row.seed, row.params["temperature"], row.params["top_p"]) == (2**40, 0.7, 0.9)
    assert (row.prompt_tokens, row.completion_tokens, row.logprob_sum, row.finish_reason) == (12, 4, -2.5, "stop")
    assert row.started_at <= row.first_token_at <= row.finished_at <= now()


def test_a_model_is_known_by_what_decides_its_answers(db):
    with db.writing() as tx:
        one = store.know_model(tx, MODEL)
        assert store.know_model(tx, replace(MODEL, name="another name")) == one
        for part in ("weights", "tokenizer", "template"):
            assert store.know_model(tx, replace(MODEL, **{part: "sha256:other"})) != one


def test_one_message_is_one_prompt(db, asked):
    _, _, question, prompt, _ = asked
    with db.writing() as tx:
        assert store.add_prompt(tx, question) == prompt


def test_what_a_crash_left_is_finished_as_interrupted(db, asked):
    _, _, _, prompt, model = asked
    with db.writing() as tx:
        id = store.begin_answer(tx, prompt, model, SamplingParams(), 3)
        store.keep_partial(tx, id, "Well, it", 3)
    with db.writing() as tx:
        assert store.finish_interrupted(tx, unchanged_since=now() - timedelta(hours=1)) == [], "another worker's"
        assert store.finish_interrupted(tx) == [id]
        assert store.finish_interrupted(tx) == []
        row = tx.execute(select(completion).where(completion.c.id == id)).one()
        assert (row.finish_reason, row.completion_tokens) == ("interrupted", 3)
        assert store.content.read(tx, [row.content]) == {row.content: "Well, it"}
