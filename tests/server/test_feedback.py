"""What /v1 serves is in the store; what people make of an answer is evidence, there once however often it is sent."""

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from mynah import store
from mynah.nouns import Message, SamplingParams
from mynah.server.record import choice_id
from mynah.store import Database, new_id
from mynah.store.schema import (
    completion,
    content,
    demonstration,
    preference_event,
    prompt,
    reaction,
    stream,
    usage,
)
from tests import toys
from tests.server.conftest import Address, parrot, served, service, serving
from tests.server.test_serving import ASK

SAYS = "Light scatters. "


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = store.open(tmp_path_factory.mktemp("feedback") / "mynah.db")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def kept(db: Database) -> Iterator[Address]:
    """A server that records, with a parrot `tiny` and the model `other`."""
    models = parrot(SAYS), served("other", 1)
    with serving(service(*models, price_prompt=1.0, price_completion=2.0), db=db) as address:
        yield address


def rows(db: Database, table, *where) -> list:
    with db.reading() as tx:
        return tx.execute(select(table).where(*where).order_by(table.c.id)).all()


def words(db: Database, id: str | None) -> str:
    with db.reading() as tx:
        return store.content.read(tx, [id]).get(id, "")


def ask(kept: Address, *said: str, **more) -> str:
    """The response's id; what is said alternates between the person and the model."""
    messages = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(said)]
    return kept.openai().chat.completions.create(**ASK | {"messages": messages} | more).id


def test_an_answer_over_v1_has_its_provenance(kept, db):
    request = {"model": "other", "seed": 9, "temperature": 0.5, "max_tokens": 5, "n": 2}
    answer = kept.openai().chat.completions.create(**ASK | request)
    ids = [choice_id(answer.id, k) for k in range(2)]
    [first, second] = rows(db, completion, completion.c.id.in_(ids))
    assert [words(db, row.content) for row in (first, second)] == [c.message.content for c in answer.choices]
    assert (first.seed, first.params["temperature"]) == (9, 0.5)
    assert (first.params["sequence"], second.params["sequence"]) == (0, 1)
    assert first.logprob_sum < 0
    assert (first.prompt, first.prompt_tokens) == (second.prompt, answer.usage.prompt_tokens)
    assert first.completion_tokens + second.completion_tokens == answer.usage.completion_tokens
    assert first.started_at <= first.first_token_at <= first.finished_at
    with db.reading() as tx:
        known = store.provenance(tx, first.id)
    assert known.weights == "sha256:" + "1".ljust(64, "0")
    bills = rows(db, usage, usage.c.completion.in_(ids))
    assert sum(bill.prompt_tokens for bill in bills) == answer.usage.prompt_tokens
    assert sum(bill.cost for bill in bills) == pytest.approx(answer.usage.cost)


def test_a_stream_is_in_the_store_before_its_end_is_told(kept, db):
    for chunk in kept.openai().chat.completions.create(**ASK, stream=True):
        if chunk.choices[0].finish_reason:
            [row] = rows(db, completion, completion.c.id == choice_id(chunk.id))
            assert (words(db, row.content), row.finish_reason) == (SAYS, "stop")
            return
    raise AssertionError("it has no end")


def test_a_chat_over_v1_is_one_tree(kept, db):
    first = ask(kept, "one")
    again = ask(kept, "one")
    second = ask(kept, "one", SAYS, "two")
    other = ask(kept, "one", "not what was said", "two")
    [one], [same], [two], [apart] = (
        rows(db, completion, completion.c.id == choice_id(id)) for id in (first, again, second, other)
    )
    assert one.prompt == same.prompt  # two answers to one question, which can be compared
    with db.reading() as tx:
        place = {row.id: row.message for row in tx.execute(select(prompt))}
        branches = [store.branch(tx, place[row.prompt]) for row in (two, apart)]
    talk = [Message("user", "one"), Message("assistant", SAYS), Message("user", "two")]
    assert [said.message for said in branches[0]] == talk
    assert branches[0][1].completion in (one.id, same.id)
    assert [said.author is None for said in branches[1]] == [False, False, False]


def test_it_is_no_chat_of_the_page(kept, db):
    asked = f"needle{new_id()}"
    id = ask(kept, asked)
    http = kept.page()
    assert http.get("/api/conversations").json()["items"] == []
    assert http.get("/api/search", params={"q": asked}).json()["items"] == []
    [newest, *_] = http.get("/api/conversations", params={"source": "api"}).json()["items"]
    read = http.get(f"/api/conversations/{newest['id']}").json()["messages"]
    assert [read[0]["parts"][0]["text"], read[1]["completion"]] == [asked, choice_id(id)]


def test_words_that_shall_not_be_stored_are_not(kept, db):
    asked = f"secret{new_id()}"
    id = ask(kept, asked, store=False)
    [row] = rows(db, completion, completion.c.id == choice_id(id))
    assert words(db, row.content) == ""
    with db.reading() as tx:
        assert tx.scalar(select(func.count()).where(content.c.body.contains(asked))) == 0
    assert row.completion_tokens == len(toys.chat().encode_answer(SAYS))
    assert kept.page().post("/v1/feedback", json={"completion": id, "rating": 1}).status_code == 404


def test_plain_text_is_apart_and_a_scored_prompt_is_only_counted(kept, db):
    made = kept.openai().completions.create(model="tiny", prompt=["gold", "a cat"], max_tokens=4)
    answers = rows(db, completion, completion.c.id.in_([choice_id(made.id, k) for k in range(2)]))
    with db.reading() as tx:
        sources = tx.scalars(select(prompt.c.source).where(prompt.c.id.in_([row.prompt for row in answers]))).all()
    assert (len(answers), sources) == (2, ["text", "text"])
    before = len(rows(db, completion)), len(rows(db, usage))
    kept.openai().completions.create(model="tiny", prompt="gold", max_tokens=0, echo=True, logprobs=1)
    assert (len(rows(db, completion)), len(rows(db, usage))) == (before[0], before[1] + 1)


def test_what_a_client_left_is_recorded_and_kept_as_it_came(db):
    with serving(service(parrot(pause=0.01)), db=db) as address:
        said = address.openai().chat.completions.create(**ASK, stream=True)
        id, begun = choice_id(next(said).id), time.monotonic()
        while time.monotonic() < begun + 1.3:  # from here on a crash would leave a part of it
            next(said)
        [part] = rows(db, stream, stream.c.id == id)
        assert len(words(db, part.content)) == part.completion_tokens > 3
        said.close()
    [row] = rows(db, completion, completion.c.id == id)
    assert (row.finish_reason, row.content) == ("cancelled", part.content)
    assert row.completion_tokens >= part.completion_tokens
    assert rows(db, stream) == []


def test_a_rating_sent_twice_is_there_once_and_a_changed_mind_supersedes(kept, db):
    id, http = ask(kept, "rate me"), kept.page()
    body = {"completion": id, "rating": -1, "reasons": ["not_true"], "comment": "The sky is <b>green</b>."}
    clicks = [threading.Thread(target=http.post, args=["/v1/feedback"], kwargs={"json": body}) for _ in range(5)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    http.post("/api/feedback", json={"completion": id, "rating": 1}).raise_for_status()
    http.post("/api/feedback", json={"completion": choice_id(id), "rating": 0}).raise_for_status()
    thumbs = rows(db, reaction, reaction.c.completion == choice_id(id))
    assert [row.rating for row in thumbs] == [-1, 1, 0]
    assert [row.supersedes for row in thumbs] == [None, thumbs[0].id, thumbs[1].id]
    assert words(db, thumbs[0].comment) == body["comment"]


def test_an_edit_is_a_demonstration_and_a_preference(kept, db):
    id, http = ask(kept, "what is blue"), kept.page()
    for text in ("The sky.", "The sky.", "The sky, by day."):
        http.post("/v1/feedback", json={"completion": id, "edit": text}).raise_for_status()
    written = rows(db, demonstration, demonstration.c.edited_from == choice_id(id))
    assert [words(db, row.content) for row in written] == ["The sky.", "The sky, by day."]
    assert written[1].supersedes == written[0].id
    preferred = rows(db, preference_event, preference_event.c.a == choice_id(id))
    assert [(row.kind, row.edit, row.outcome) for row in preferred] == [("edit", row.id, "b") for row in written]
    with db.reading() as tx:
        shown = [one.messages for one in store.demonstrations(tx) if one.messages[0].content == "what is blue"]
    assert shown == [(Message("user", "what is blue"), Message("assistant", "The sky, by day."))]


def test_one_answer_is_preferred_over_its_sibling(kept, db):
    id, elsewhere, http = ask(kept, "two answers", n=2), ask(kept, "another question"), kept.page()
    body = {"completion": id, "choice": 1, "preferred_over": id}
    for _ in range(2):
        http.post("/v1/feedback", json=body).raise_for_status()
    [event] = rows(db, preference_event, preference_event.c.a == choice_id(id, 1))
    assert (event.kind, event.b, event.outcome) == ("sibling", choice_id(id), "a")
    refused = http.post("/v1/feedback", json=body | {"preferred_over": elsewhere})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rating": 2},
        {"rating": True},
        {"reasons": ["not_true"]},
        {"rating": 1, "reasons": ["Not a name"]},
        {"rating": 1, "completion": "\0"},
        {"rating": 1, "completion": ["x"]},
        {"edit": ""},
        {"rating": 1, "surprise": 1},
    ],
)
def test_nonsense_is_refused_in_one_sentence(kept, body):
    answer = kept.page().post("/v1/feedback", json={"completion": "0" * 32} | body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(".")


def test_nobodys_answer_is_not_found(kept):
    for completion_id in ("0" * 32, f"chatcmpl-{new_id()}"):
        answer = kept.page().post("/v1/feedback", json={"completion": completion_id, "rating": 1})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_sock_puppets_can_rate_only_what_they_were_given(kept, db):
    """What training makes of many thumbs is decided where they become pairs; here each is its author's, and few."""
    with db.writing() as tx:
        ann = store.add_user(tx)
        talk = store.start_conversation(tx, ann)
        asked = store.add_message(tx, talk, Message("user", "hm"), author=ann)
        model = store.know_model(tx, store.Model("m", "ppo", "w", "t", "c"))
        hers = store.begin_answer(tx, store.add_prompt(tx, asked), model, SamplingParams(), 1)
        store.finish_answer(tx, hers, "ok", finish_reason="stop", tokens=1)
    mine, page = choice_id(ask(kept, "rate me often")), kept.page()
    for body in ({"rating": 1}, {"edit": "No."}, {"preferred_over": mine}):
        assert page.post("/api/feedback", json={"completion": hers} | body).status_code == 404
    assert page.post("/api/votes", json={"a": hers, "b": mine, "outcome": "a"}).status_code == 404
    assert rows(db, reaction, reaction.c.completion == hers) == []
    for _ in range(50):
        page.post("/api/feedback", json={"completion": mine, "rating": 1}).raise_for_status()
    assert len(rows(db, reaction, reaction.c.completion == mine)) == 1
