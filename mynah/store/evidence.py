"""All judgements that held at one moment, as they stand in the tables: who judged what, and whose words are in it.

Evidence is only added, so the same moment gives the same answer whenever it is asked; only words can be gone since.
What of it trains is decided in mynah/feedback.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from mynah.nouns import Conversation
from mynah.store.content import BATCH
from mynah.store.conversations import branch
from mynah.store.schema import (
    completion,
    consent,
    conversation,
    demonstration,
    gold_key,
    message,
    preference_event,
    prompt,
    prompt_group,
    ranking,
    ranking_item,
    reaction,
    task,
)


@dataclass(frozen=True)
class Asked:
    """A prompt: where it came from, and on which side of the split it is."""

    id: str
    owner: str
    message: str
    source: str
    temporary: bool
    group: str | None
    split: str | None
    """None as long as nobody put the prompt into a group."""
    gold: bool
    """Whether a task measures people by it."""


@dataclass(frozen=True)
class Answer:
    """What a model said. `whole`: it came to its end; `tools`: it called some."""

    id: str
    prompt: str
    content: str
    whole: bool
    tools: bool


@dataclass(frozen=True)
class Ranked:
    """A ranking of `answers`; equal grades are a tie."""

    id: str
    prompt: str
    author: str
    source: str
    all_bad: bool
    answers: tuple[str, ...]
    grades: tuple[int, ...]


@dataclass(frozen=True)
class Shown:
    """An answer that a person wrote, or edited from a completion."""

    id: str
    prompt: str
    author: str
    source: str
    content: str
    edited_from: str | None
    at: datetime


@dataclass(frozen=True)
class Thumb:
    """What a person last said of an answer: 1 up, -1 down."""

    id: str
    completion: str
    author: str
    rating: int
    at: datetime


@dataclass(frozen=True)
class Vote:
    """One of two answers over the other; `edit` is the demonstration that stands for b."""

    id: str
    kind: str
    author: str
    a: str
    b: str | None
    edit: str | None
    outcome: str
    at: datetime


@dataclass(frozen=True)
class Evidence:
    """Rows in the order in which they were made, and what they speak of by id."""

    until: datetime
    rankings: tuple[Ranked, ...]
    shown: tuple[Shown, ...]
    thumbs: tuple[Thumb, ...]
    votes: tuple[Vote, ...]
    answers: dict[str, Answer]
    prompts: dict[str, Asked]
    consenting: frozenset[str]
    """Who agreed, at that moment, that their words and judgements train."""

    def only(self, ids: frozenset[str]) -> Evidence:
        """The same, of these judgements alone."""
        return replace(
            self,
            rankings=tuple(row for row in self.rankings if row.id in ids),
            shown=tuple(row for row in self.shown if row.id in ids),
            thumbs=tuple(row for row in self.thumbs if row.id in ids),
            votes=tuple(row for row in self.votes if row.id in ids),
        )


def evidence(tx: Connection, until: datetime, purpose: str = "training") -> Evidence:
    """What held at `until`; corrections that came later have not happened yet."""
    rankings = tuple(_rankings(tx, until))
    shown = tuple(
        Shown(row.id, row.prompt, row.author, row.source, row.content, row.edited_from, row.created_at)
        for row in _holding(tx, demonstration, until)
    )
    thumbs = tuple(
        Thumb(row.id, row.completion, row.author, row.rating, row.created_at)
        for row in _holding(tx, reaction, until)
        if row.rating
    )
    votes = tuple(
        Vote(row.id, row.kind, row.author, row.a, row.b, row.edit, row.outcome, row.created_at)
        for row in tx.execute(
            select(preference_event).where(preference_event.c.created_at <= until).order_by(preference_event.c.id)
        )
    )
    judged = {id for row in rankings for id in row.answers} | {row.completion for row in thumbs}
    judged |= {row.edited_from for row in shown if row.edited_from}
    judged |= {id for row in votes for id in (row.a, row.b) if id}
    answers = {row.id: row for row in _answers(tx, judged)}
    asked = {row.prompt for row in rankings} | {row.prompt for row in shown} | {row.prompt for row in answers.values()}
    prompts = {row.id: row for row in _prompts(tx, asked, until)}
    return Evidence(until, rankings, shown, thumbs, votes, answers, prompts, _consenting(tx, until, purpose))


def said_before(tx: Connection, message_id: str) -> tuple[Conversation | None, frozenset[str]]:
    """The messages down to this one, None if the words of one are gone; and the people who wrote them."""
    path = branch(tx, message_id)
    people = frozenset(said.author for said in path if said.author)
    return None if any(said.erased for said in path) else tuple(said.message for said in path), people


def _holding(tx: Connection, table: Table, until: datetime) -> Iterable[Row[Any]]:
    """The rows that nothing had superseded by then."""
    corrections = select(table.c.supersedes).where(table.c.supersedes.is_not(None), table.c.created_at <= until)
    held = select(table).where(table.c.created_at <= until, table.c.id.not_in(corrections))
    return tx.execute(held.order_by(table.c.id))


def _rankings(tx: Connection, until: datetime) -> Iterator[Ranked]:
    rows = list(_holding(tx, ranking, until))
    items: dict[str, list[Row[Any]]] = {}
    for batch in _batches(row.id for row in rows):
        wanted = select(ranking_item).where(ranking_item.c.ranking.in_(batch)).order_by(ranking_item.c.completion)
        for item in tx.execute(wanted):
            items.setdefault(item.ranking, []).append(item)
    for row in rows:
        judged = items.get(row.id, [])
        answers, grades = tuple(item.completion for item in judged), tuple(item.grade for item in judged)
        yield Ranked(row.id, row.prompt, row.author, row.source, row.all_bad, answers, grades)


def _answers(tx: Connection, ids: Iterable[str]) -> Iterator[Answer]:
    for batch in _batches(ids):
        for row in tx.execute(select(completion).where(completion.c.id.in_(batch))):
            whole = row.finish_reason in ("stop", "length", "tool_calls")
            yield Answer(row.id, row.prompt, row.content, whole, row.tool_calls is not None)


def _prompts(tx: Connection, ids: Iterable[str], until: datetime) -> Iterator[Asked]:
    gold = select(task.c.prompt).join(gold_key, gold_key.c.task == task.c.id).where(gold_key.c.created_at <= until)
    measured = set(tx.scalars(gold))
    for batch in _batches(ids):
        wanted = (
            select(prompt, conversation.c.temporary, prompt_group.c.split)
            .join(message, message.c.id == prompt.c.message)
            .join(conversation, conversation.c.id == message.c.conversation)
            .outerjoin(prompt_group, prompt_group.c.id == prompt.c.prompt_group)
            .where(prompt.c.id.in_(batch))
        )
        for row in tx.execute(wanted):
            yield Asked(
                row.id,
                row.owner,
                row.message,
                row.source,
                row.temporary,
                row.prompt_group,
                row.split,
                gold=row.id in measured,
            )


def _consenting(tx: Connection, until: datetime, purpose: str) -> frozenset[str]:
    newest: dict[str, bool] = {}
    rows = select(consent).where(consent.c.purpose == purpose, consent.c.created_at <= until)
    for row in tx.execute(rows.order_by(consent.c.created_at, consent.c.id)):
        newest[row.user] = row.given
    return frozenset(person for person, given in newest.items() if given)


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    listed = sorted(set(ids))
    return (listed[start : start + BATCH] for start in range(0, len(listed), BATCH))
