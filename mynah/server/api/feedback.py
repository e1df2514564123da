"""`/v1/feedback`, `/api/feedback`, `/api/votes`: what a person makes of an answer that was given to them.

Each is evidence: sent twice, it is there once; a changed mind supersedes what was said before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import Connection, Row, select

from mynah import store
from mynah.server.api.here import BodyId, Who, found
from mynah.server.errors import APIError
from mynah.server.identity import Caller, may
from mynah.server.record import choice_id
from mynah.server.requests import Body
from mynah.server.talks import Talks
from mynah.store.schema import completion, conversation, message, prompt

CompletionName = Annotated[str, Field(pattern=r"^((chatcmpl|cmpl)-)?[0-9a-f]{32}$")]
Reason = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Feedback(Body):
    """`POST /v1/feedback`; any of rating, edit and preferred_over."""

    completion: CompletionName
    """The id of a response of `/v1`, or of an answer in a conversation."""
    choice: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Which choice of a response that has several."""
    rating: Annotated[int, Field(ge=-1, le=1)] | None = None
    """A thumb up or down; 0 takes it back."""
    reasons: Annotated[list[Reason], Field(max_length=16)] = Field(default_factory=list)
    comment: Annotated[str, Field(max_length=10_000)] = ""
    edit: Annotated[str, Field(min_length=1, max_length=200_000)] | None = None
    """How the answer should read."""
    preferred_over: CompletionName | None = None
    """A worse answer to the same prompt."""
    preferred_over_choice: Annotated[int, Field(ge=0, le=100_000)] = 0


class Vote(Body):
    """`POST /api/votes`: about two answers that were given side by side."""

    a: BodyId
    b: BodyId
    outcome: Literal["a", "b", "tie", "both_bad"]


def routes(talks: Talks) -> APIRouter:
    api, ledger = APIRouter(tags=["feedback"]), talks.ledger

    async def judge(who: Caller, body: Feedback) -> dict[str, Any]:
        if body.rating is None and body.edit is None and body.preferred_over is None:
            raise APIError(
                400, "Give a rating, an edit, or the answer that this one is preferred over.", param="rating"
            )
        if body.rating is None and (body.reasons or body.comment):
            raise APIError(400, "Reasons and a comment go with a rating.", param="rating", code="invalid_value")
        with found():
            return await ledger.write(lambda tx: _judge(tx, who.user, body))

    @api.post("/v1/feedback", dependencies=[Depends(may("feedback"))])
    async def over_v1(who: Who, body: Feedback) -> dict[str, Any]:
        """Rate, correct or prefer an answer, by the id of its response."""
        return await judge(who, body)

    @api.post("/api/feedback")
    async def at_the_page(who: Who, body: Feedback) -> dict[str, Any]:
        """The same."""
        return await judge(who, body)

    @api.post("/api/votes")
    async def vote(who: Who, body: Vote) -> dict[str, Any]:
        """The better one of two, blind; tells which models they were.

        A vote is given once: the next one would not be blind.
        """
        with found():
            return await ledger.write(lambda tx: _vote(tx, who.user, body))

    return api


def _judge(tx: Connection, user: str, body: Feedback) -> dict[str, Any]:
    answer = own_answer(tx, user, choice_id(body.completion, body.choice))
    made: dict[str, Any] = {"object": "feedback", "completion": answer.id}
    if body.rating is not None:
        made["reaction"] = store.react(tx, user, answer.id, body.rating, body.reasons, body.comment)
    if body.edit is not None:
        made["demonstration"], made["preference"] = store.correct(tx, user, answer.id, body.edit)
    if body.preferred_over is not None:
        worse = own_answer(tx, user, choice_id(body.preferred_over, body.preferred_over_choice))
        if worse.prompt != answer.prompt or worse.id == answer.id:
            message = "It is no other answer to the same prompt, so neither can be preferred."
            raise APIError(400, message, param="preferred_over", code="invalid_value")
        made["preferred"] = store.prefer(tx, user, "sibling", answer.id, b=worse.id, outcome="a")
    return made


def _vote(tx: Connection, user: str, body: Vote) -> dict[str, Any]:
    a, b = own_answer(tx, user, body.a), own_answer(tx, user, body.b)
    if a.params.get("beside") != b.id:
        raise APIError(400, "These two were not given side by side.", param="b", code="not_a_pair")
    # One order for each pair, so that a vote with a and b exchanged is the same vote.
    left, right = (a, b) if a.params["side"] == "left" else (b, a)
    outcome = body.outcome if left is a else {"a": "b", "b": "a"}.get(body.outcome, body.outcome)
    before = store.preferred(tx, user, "arena", left.id, right.id)
    if before and before.outcome != outcome:
        raise APIError(409, "You have voted on these two; a second vote would not be blind.", code="already_voted")
    id = store.prefer(tx, user, "arena", left.id, b=right.id, outcome=outcome, left_side="a")  # type: ignore[arg-type]
    names: Mapping[str, store.Told] = store.told(tx, [left.id, right.id])
    return {"id": id, "outcome": body.outcome, "models": {name: told.model for name, told in names.items()}}


def own_answer(tx: Connection, user: str, id: str) -> Row[Any]:
    """The row of an answer that was given to this person. LookupError for any other."""
    mine = (
        select(completion)
        .join(prompt, prompt.c.id == completion.c.prompt)
        .join(message, message.c.id == prompt.c.message)
        .join(conversation, conversation.c.id == message.c.conversation)
        .where(completion.c.id == id, prompt.c.owner == user, conversation.c.deleted_at.is_(None))
    )
    row = tx.execute(mine).first()
    if row is None:
        raise LookupError(f"no answer {id}")
    return row
