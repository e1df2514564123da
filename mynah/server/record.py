"""Where answers leave for the store: what is known of a finished generation, kept before its client sees the end.

`Service.record` is awaited for every prompt of a request that took a token from an engine: of those that ended, and of
those that were cut off (`finish_reason` "cancelled"). Of long ones it hears now and then what they have come to.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection

from mynah import store
from mynah.nouns import Completion, Conversation, SamplingParams
from mynah.server.identity import Caller
from mynah.server.ledger import Ledger
from mynah.server.models import ServedModel
from mynah.server.requests import Ignored
from mynah.server.settings import ServeSettings
from mynah.server.versions import know_served
from mynah.server.writer import ToolCall


@dataclass(frozen=True)
class Origin:
    """Who asked over /v1, and what."""

    user: str
    key: str | None
    messages: Conversation
    """Empty for plain text, which the prompt's tokens spell."""
    kept: bool
    """Not so if the request said `store: false`: then numbers are recorded, and no words."""

    @classmethod
    def of(cls, who: Caller, body: Ignored, messages: Conversation = ()) -> Origin:
        return cls(who.user, who.key, messages, body.store is not False)


@dataclass(frozen=True)
class Served:
    """The answers to one prompt, with their provenance. Times are seconds since 1970."""

    id: str
    """`chatcmpl-…` or `cmpl-…`, as the client saw it."""
    model: str
    """The name that the client asked for."""
    weights: str
    """`sha256:…` of the weights."""
    tokenizer: str
    """`sha256:…` of tokenizer and chat template."""
    prompt: tuple[int, ...]
    params: SamplingParams
    """Seed included; the seed is drawn where the client names none."""
    sequence: int
    """Choice k is sequence `sequence + k` of the seed: so the engine draws it again."""
    steered: tuple[str, ...]
    """By what (`Form.steers`, or 8-bit weights); if by anything, draw and log p are not one and the policy's own."""
    completions: tuple[Completion, ...]
    texts: tuple[str, ...]
    """What was shown, for each completion: without a stop string and what follows it."""
    calls: tuple[tuple[ToolCall, ...], ...]
    finish_reasons: tuple[str, ...]
    """As the client saw them."""
    messages: Conversation
    """The prompt in words."""
    origin: Origin
    version: ServedModel
    unseen: bool
    """Only the prompt was of interest: no answer was shown."""
    over: bool
    """Not so for what a long answer has come to: should the process be killed, that much is known."""
    asked: float
    first_token: float | None
    finished: float


Record = Callable[[Served], Awaitable[None]]


async def forget(served: Served) -> None:
    """Record nothing."""


def keeping(ledger: Ledger, settings: ServeSettings) -> Record:
    """Record in the store."""

    async def record(served: Served) -> None:
        await ledger.write(partial(keep, served=served, settings=settings))

    return record


def choice_id(id: str, choice: int = 0) -> str:
    """The store's id of one choice of a response: the response's id, counted on. As good as any if `id` is none."""
    digits = id.rpartition("-")[2]
    try:
        return f"{int(digits, 16) + choice:032x}" if len(digits) == 32 else id
    except ValueError:
        return id


def keep(tx: Connection, served: Served, settings: ServeSettings) -> None:
    """The question, in a conversation of source `api` or `text`, with its answers and what they cost.

    A request that brings an earlier answer of ours back continues that conversation, and the same question is the same
    prompt: so a chat over the API is one tree, and answers to one prompt can be compared.
    """
    model, origin = know_served(tx, served.version), served.origin
    if served.unseen:
        cost = len(served.prompt) * settings.price_prompt / 1000
        store.note_usage(
            tx,
            origin.user,
            api_key=origin.key,
            completion=None,
            model_version=model,
            prompt_tokens=len(served.prompt),
            completion_tokens=0,
            seconds=served.finished - served.asked,
            cost=cost,
        )
        return
    source = "api" if origin.messages else "text"
    if not served.over:
        _keep_so_far(tx, served, model, source)
        return
    prompt = store.place_prompt(tx, origin.user, served.messages, source, alone=not origin.kept)
    for k, (completion, text) in enumerate(zip(served.completions, served.texts, strict=True)):
        answer = store.Answer(
            id=choice_id(served.id, served.sequence + k),
            text=text,
            tool_calls=_calls(served.calls[k]),
            params=served.params,
            sequence=served.sequence + k,
            steered=served.steered,
            finish_reason=served.finish_reasons[k],
            logprob_sum=sum(completion.logprobs),
            prompt_tokens=len(served.prompt),
            completion_tokens=len(completion.tokens),
            started_at=datetime.fromtimestamp(served.asked, UTC),
            first_token_at=datetime.fromtimestamp(served.first_token, UTC) if served.first_token else None,
            finished_at=datetime.fromtimestamp(served.finished, UTC),
        )
        store.add_answer(tx, prompt, model, answer)
        store.show_answer(tx, answer.id)
        billed = answer.prompt_tokens if k == 0 else 0
        cost = (billed * settings.price_prompt + answer.completion_tokens * settings.price_completion) / 1000
        store.charge(tx, answer.id, api_key=origin.key, cost=cost, prompt_tokens=billed)
    if not origin.kept:
        store.forget_prompt(tx, prompt)


def _calls(calls: Sequence[ToolCall]) -> str:
    return json.dumps([call.to_json() for call in calls], ensure_ascii=False) if calls else ""


def _keep_so_far(tx: Connection, served: Served, model: str, source: str) -> None:
    """What a crash would leave of a long answer. Words that shall not be kept are not kept for a moment."""
    if not served.origin.kept:
        return
    prompt = store.place_prompt(tx, served.origin.user, served.messages, source)
    for k, text in enumerate(served.texts):
        id, at = choice_id(served.id, served.sequence + k), {"sequence": served.sequence + k}
        if not store.being_given(tx, id):
            tokens = len(served.prompt)
            store.begin_answer(tx, prompt, model, served.params, tokens, id=id, api_key=served.origin.key, shown=at)
        store.keep_partial(tx, id, text, len(served.completions[k].tokens))
