"""Answers with where they come from: which model, what it was given, how it was sampled, how long it took.

    stream = begin_answer(tx, prompt, model, params, prompt_tokens)     the slot is taken, nothing said yet
    keep_partial(tx, stream, text, tokens)                              now and then, so that a crash loses little
    finish_answer(tx, stream, text, …)                                  the completion, of the same id, as evidence

What a crash leaves between is finished by the next start as `interrupted`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from mynah.nouns import Message, SamplingParams
from mynah.store import content
from mynah.store.conversations import add_message, branch
from mynah.store.once import insert_once
from mynah.store.schema import completion, conversation, message, model_version, new_id, now, prompt, stream, usage


@dataclass(frozen=True)
class Model:
    """What decides how a checkpoint answers, and where it came from. Hashes as `mynah.files.sha256` gives them."""

    name: str
    stage: str
    weights: str
    tokenizer: str
    template: str
    code_version: str = ""
    run: str = ""
    parent: str | None = None


def know_model(tx: Connection, model: Model) -> str:
    """The id of this model version; the same weights, tokenizer and template are one version."""
    insert_once(tx, model_version, asdict(model) | {"id": new_id()}, "weights", "tokenizer", "template")
    known = find_model(tx, model.weights, model.tokenizer, model.template)
    assert known
    return known


def find_model(tx: Connection, weights: str, tokenizer: str, template: str) -> str | None:
    """The id of the model version with these hashes; None if it was never seen here."""
    m = model_version.c
    return tx.scalar(select(m.id).where(m.weights == weights, m.tokenizer == tokenizer, m.template == template))


def add_prompt(tx: Connection, message_id: str) -> str:
    """What waits for an answer: the messages down to this one. Asked again for the same message, the same prompt."""
    place = tx.execute(
        select(conversation)
        .join(message, message.c.conversation == conversation.c.id)
        .where(message.c.id == message_id)
    ).one()
    row = {"id": new_id(), "owner": place.owner, "message": message_id, "source": place.source}
    context = context_key(tx, place.owner, [said.message for said in branch(tx, message_id)])
    insert_once(tx, prompt, row | {"context_key": context}, "message")
    return tx.execute(select(prompt.c.id).where(prompt.c.message == message_id)).scalar_one()


def context_key(tx: Connection, owner: str, messages: Sequence[Message]) -> str:
    """The keyed hash of a whole prompt."""
    return content.key(tx, owner, json.dumps([said.to_json() for said in messages], ensure_ascii=False))


def begin_answer(
    tx: Connection,
    prompt_id: str,
    model: str,
    params: SamplingParams,
    prompt_tokens: int,
    *,
    id: str = "",
    api_key: str | None = None,
    shown: Mapping[str, Any] | None = None,
) -> str:
    """Open a stream for one answer to a prompt; its id will be the completion's.

    `shown` is kept with the sampling parameters: `side` and `beside` (the other answer's id) of a blind pair,
    `dropped`, how many of the oldest messages did not fit the context.
    """
    owner = tx.execute(select(prompt.c.owner).where(prompt.c.id == prompt_id)).scalar_one()
    id, begun = id or new_id(), now()
    sampled = asdict(params)
    row = {"id": id, "prompt": prompt_id, "model_version": model, "seed": sampled.pop("seed"), "api_key": api_key}
    row["params"] = sampled | dict(shown or {})
    written = {"content": content.write(tx, owner, "", sealed=False), "prompt_tokens": prompt_tokens}
    tx.execute(stream.insert(), row | written | {"completion_tokens": 0, "started_at": begun, "updated_at": begun})
    return id


def keep_partial(tx: Connection, stream_id: str, text: str, tokens: int) -> None:
    """All of the answer so far."""
    at = now()
    row = tx.execute(select(stream.c.content, stream.c.first_token_at).where(stream.c.id == stream_id)).one()
    content.rewrite(tx, row.content, text)
    first = row.first_token_at or (at if tokens else None)
    changes = {"completion_tokens": tokens, "first_token_at": first, "updated_at": at}
    tx.execute(update(stream).where(stream.c.id == stream_id).values(changes))


def finish_answer(
    tx: Connection,
    stream_id: str,
    text: str,
    *,
    finish_reason: str,
    tokens: int,
    logprob_sum: float | None = None,
    tool_calls: str = "",
    prompt_tokens: int | None = None,
    first_token_at: datetime | None = None,
) -> str:
    """Turn a stream into the completion that it became, and return its id.

    `prompt_tokens` and `first_token_at` tell what was not known at the beginning.
    """
    row = tx.execute(select(stream).where(stream.c.id == stream_id)).one()
    owner = tx.execute(select(prompt.c.owner).where(prompt.c.id == row.prompt)).scalar_one()
    content.seal(tx, row.content, text)
    ended = {
        "tool_calls": content.write_optional(tx, owner, tool_calls),
        "finish_reason": finish_reason,
        "logprob_sum": logprob_sum,
        "completion_tokens": tokens,
        "finished_at": now(),
    }
    if prompt_tokens is not None:
        ended["prompt_tokens"] = prompt_tokens
    if first_token_at is not None:
        ended["first_token_at"] = first_token_at
    kept = {name: value for name, value in row._mapping.items() if name in completion.c}
    tx.execute(completion.insert(), kept | ended)
    tx.execute(delete(stream).where(stream.c.id == stream_id))
    return stream_id


@dataclass(frozen=True)
class Answer:
    """An answer that is over already; `sequence` is its place among those that a request's seed gave."""

    id: str
    text: str
    tool_calls: str
    params: SamplingParams
    sequence: int
    finish_reason: str
    logprob_sum: float | None
    prompt_tokens: int
    completion_tokens: int
    started_at: datetime
    first_token_at: datetime | None
    finished_at: datetime
    steered: Sequence[str] = ()
    """What kept it from being the model's own words, drawn as `params` says: a grammar, a bias, a penalty."""


def add_answer(tx: Connection, prompt_id: str, model: str, answer: Answer) -> None:
    """Keep an answer. One that was being given keeps its words where they are."""
    owner = tx.execute(select(prompt.c.owner).where(prompt.c.id == prompt_id)).scalar_one()
    row = {name: value for name, value in vars(answer).items() if name in completion.c}
    sampled = asdict(answer.params)
    row |= {"seed": sampled.pop("seed"), "params": sampled | {"sequence": answer.sequence}}
    row["params"] |= {"steered": list(answer.steered)} if answer.steered else {}
    written = tx.scalar(delete(stream).where(stream.c.id == answer.id).returning(stream.c.content))
    if written:
        content.seal(tx, written, answer.text)
    row |= {"prompt": prompt_id, "model_version": model, "content": written or content.write(tx, owner, answer.text)}
    tx.execute(completion.insert(), row | {"tool_calls": content.write_optional(tx, owner, answer.tool_calls)})


def being_given(tx: Connection, stream_id: str) -> bool:
    """Whether there is such a stream."""
    return tx.scalar(select(stream.c.id).where(stream.c.id == stream_id)) is not None


def finish_interrupted(
    tx: Connection, *, unchanged_since: datetime | None = None, prices: tuple[float, float] = (0.0, 0.0)
) -> list[str]:
    """Finish the streams that a crash left, as far as they were kept, show and charge them, and return their ids.

    Several workers on one database pass `unchanged_since`: older streams are nobody's any more. `prices` are those of
    1 000 tokens of prompts and of answers.
    """
    left = select(stream)
    if unchanged_since:
        left = left.where(stream.c.updated_at < unchanged_since)
    rows = tx.execute(left).all()
    texts = content.read(tx, (row.content for row in rows))
    for row in rows:
        text, tokens = texts.get(row.content, ""), row.completion_tokens
        finish_answer(tx, row.id, text, finish_reason="interrupted", tokens=tokens)
        show_answer(tx, row.id)
        cost = (row.prompt_tokens * prices[0] + tokens * prices[1]) / 1000
        charge(tx, row.id, api_key=row.api_key, cost=cost)
    return [row.id for row in rows]


def show_answer(tx: Connection, completion_id: str) -> str:
    """Put a completion into its conversation, below the question. The message has the completion's id."""
    row = tx.execute(select(completion).where(completion.c.id == completion_id)).one()
    place = (
        select(message.c.id, message.c.conversation, conversation.c.deleted_at)
        .join(prompt, prompt.c.message == message.c.id)
        .join(conversation, conversation.c.id == message.c.conversation)
        .where(prompt.c.id == row.prompt)
    )
    asked = tx.execute(place).one()
    if asked.deleted_at:  # while it was being written
        content.forget(tx, [row.content, row.tool_calls])
    texts = content.read(tx, [row.content, row.tool_calls])
    calls = tuple(json.loads(texts.get(row.tool_calls, "[]")))
    said = Message("assistant", texts.get(row.content, ""), calls)
    return add_message(tx, asked.conversation, said, parent=asked.id, completion=completion_id, id=completion_id)


def charge(
    tx: Connection, completion_id: str, *, api_key: str | None = None, cost: float = 0.0, prompt_tokens: int = -1
) -> None:
    """Note that its owner was served this answer; `prompt_tokens` where several answers shared one prompt."""
    c = completion.c
    known = select(completion, prompt.c.owner).join(prompt, prompt.c.id == c.prompt).where(c.id == completion_id)
    row = tx.execute(known).one()
    note_usage(
        tx,
        row.owner,
        api_key=api_key,
        completion=row.id,
        model_version=row.model_version,
        prompt_tokens=row.prompt_tokens if prompt_tokens < 0 else prompt_tokens,
        completion_tokens=row.completion_tokens,
        seconds=(row.finished_at - row.started_at).total_seconds(),
        cost=cost,
    )


def note_usage(
    tx: Connection,
    person: str,
    *,
    api_key: str | None,
    completion: str | None,
    model_version: str | None,
    prompt_tokens: int,
    completion_tokens: int,
    seconds: float,
    cost: float,
) -> None:
    """What was served to a person, and under which key."""
    row: dict[str, Any] = {"id": new_id(), "user": person, "api_key": api_key, "completion": completion}
    row |= {"model_version": model_version, "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    tx.execute(usage.insert(), row | {"seconds": seconds, "cost": round(cost, 9)})


@dataclass(frozen=True)
class Told:
    """What a page shows about an answer beside its words."""

    model: str
    finish_reason: str
    side: str
    """`left` or `right` of a blind pair, whose other answer is"""
    beside: str
    dropped: int
    """How many of the oldest messages did not fit the context any more."""


def told(tx: Connection, completion_ids: Iterable[str]) -> dict[str, Told]:
    """How answers came to be, by id."""
    found: dict[str, Told] = {}
    c = completion.c
    for some in content.batches(sorted(set(completion_ids))):
        known = select(c.id, model_version.c.name, c.finish_reason, c.params).join(model_version).where(c.id.in_(some))
        for id, name, reason, params in tx.execute(known):
            found[id] = Told(name, reason, params.get("side", ""), params.get("beside", ""), params.get("dropped", 0))
    return found


def provenance(tx: Connection, completion_id: str) -> Row[Any]:
    """A completion with its model version: its columns, and `name`, `stage`, `weights`, `tokenizer`, `template`."""
    m = model_version.c
    known = select(completion, m.name, m.stage, m.weights, m.tokenizer, m.template, m.code_version)
    return tx.execute(known.join(model_version).where(completion.c.id == completion_id)).one()
