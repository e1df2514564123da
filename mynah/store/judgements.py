"""What people make of answers: thumbs, rankings, labels, demonstrations, preferences. Each call adds evidence.

Whoever changes their mind adds a row that supersedes the one before. Comments and demonstrations belong to their
author, and to the person whose conversation they are about: the erasure of either takes the words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, Table, or_, select

from mynah.nouns import Comparison, Demonstration, Message, Prompt
from mynah.store import content
from mynah.store.conversations import branch
from mynah.store.schema import (
    completion,
    conversation,
    demonstration,
    label,
    message,
    new_id,
    preference_event,
    prompt,
    ranking,
    ranking_item,
    reaction,
)

REASON = re.compile(r"[a-z][a-z0-9_]{0,31}")
Source = Literal["human", "simulated"]


def react(
    tx: Connection, author: str, completion_id: str, rating: int, reasons: Sequence[str] = (), comment: str = ""
) -> str:
    """A thumb up (1), down (-1), or taken back (0). The same again adds nothing.

    ValueError for a reason that is not a name such as `not_true`: free words belong in the comment.
    """
    for reason in reasons:
        if not REASON.fullmatch(reason):
            raise ValueError(f"reason {reason!r}: not a name of lower-case letters, digits and _")
    owner = _whose(tx, completion_id)
    before = tx.execute(
        select(reaction)
        .where(reaction.c.completion == completion_id, reaction.c.author == author)
        .order_by(reaction.c.created_at.desc(), reaction.c.id.desc())
        .limit(1)
    ).first()
    same = before and (before.rating, before.reasons) == (rating, list(reasons))
    if before and same and content.read(tx, [before.comment]).get(before.comment, "") == comment:
        return str(before.id)
    written = content.write_optional(tx, author, comment, subject=owner)
    return _add(
        tx,
        reaction,
        completion=completion_id,
        author=author,
        rating=rating,
        reasons=list(reasons),
        comment=written,
        supersedes=before.id if before else None,
    )


def rank(
    tx: Connection,
    author: str,
    prompt_id: str,
    grades: Mapping[str, int],
    *,
    source: Source = "human",
    all_bad: bool = False,
    confidence: int | None = None,
    comment: str = "",
    seconds: float | None = None,
    assignment: str | None = None,
    supersedes: str | None = None,
) -> str:
    """A ranking: {completion id: grade}, 1 is best, equal is a tie. ValueError if one answers another prompt."""
    given = tx.execute(select(completion.c.id, completion.c.prompt).where(completion.c.id.in_(grades))).all()
    if len(given) != len(grades) or any(row.prompt != prompt_id for row in given):
        raise ValueError(f"not all of {', '.join(grades)} are answers to prompt {prompt_id}")
    owner = tx.execute(select(prompt.c.owner).where(prompt.c.id == prompt_id)).scalar_one()
    id = _add(
        tx,
        ranking,
        prompt=prompt_id,
        author=author,
        assignment=assignment,
        source=source,
        all_bad=all_bad,
        confidence=confidence,
        comment=content.write_optional(tx, author, comment, subject=owner),
        seconds=seconds,
        supersedes=supersedes,
    )
    for judged, grade in grades.items():
        _add(tx, ranking_item, ranking=id, completion=judged, grade=grade)
    return id


def mark(
    tx: Connection,
    author: str,
    completion_id: str,
    name: str,
    value: float,
    *,
    span: tuple[int, int] | None = None,
    rule: str | None = None,
    source: Source = "human",
    assignment: str | None = None,
    supersedes: str | None = None,
) -> str:
    """A flag (0 or 1) or Likert value on an answer, maybe on a span of its characters, maybe by a rule."""
    start, end = span or (None, None)
    return _add(
        tx,
        label,
        completion=completion_id,
        author=author,
        assignment=assignment,
        source=source,
        name=name,
        value=value,
        span_start=start,
        span_end=end,
        rule=rule,
        supersedes=supersedes,
    )


def correct(tx: Connection, author: str, completion_id: str, text: str) -> tuple[str, str]:
    """The author's own wording in place of an answer: a demonstration, and a preference of it over what was answered.

    Their ids. The same wording again adds nothing, another one supersedes it.
    """
    _whose(tx, completion_id)
    d, e = demonstration.c, preference_event.c
    earlier = select(d.id, d.content, e.id.label("event")).join(preference_event, e.edit == d.id)
    mine = earlier.where(d.edited_from == completion_id, d.author == author).order_by(d.created_at.desc(), d.id.desc())
    before = tx.execute(mine.limit(1)).first()
    if before and content.read(tx, [before.content]).get(before.content) == text:
        return before.id, before.event
    asked = tx.execute(select(completion.c.prompt).where(completion.c.id == completion_id)).scalar_one()
    supersedes = before.id if before else None
    edit = demonstrate(tx, author, asked, text, edited_from=completion_id, supersedes=supersedes)
    return edit, prefer(tx, author, "edit", completion_id, edit=edit, outcome="b")


def demonstrate(
    tx: Connection,
    author: str,
    prompt_id: str,
    answer: str,
    *,
    edited_from: str | None = None,
    source: Source = "human",
    assignment: str | None = None,
    supersedes: str | None = None,
) -> str:
    """An answer that a person wrote, or edited from a completion."""
    owner = tx.execute(select(prompt.c.owner).where(prompt.c.id == prompt_id)).scalar_one()
    return _add(
        tx,
        demonstration,
        prompt=prompt_id,
        content=content.write(tx, author, answer, subject=owner),
        author=author,
        assignment=assignment,
        source=source,
        edited_from=edited_from,
        supersedes=supersedes,
    )


def prefer(
    tx: Connection,
    author: str,
    kind: Literal["arena", "regenerate", "edit", "sibling"],
    a: str,
    *,
    b: str | None = None,
    edit: str | None = None,
    outcome: Literal["a", "b", "tie", "both_bad"],
    left_side: Literal["a", "b"] | None = None,
) -> str:
    """One of two answers over the other; `edit` is the demonstration that stands for b where a person wrote it.

    The same again adds nothing; of several about one pair, the newest counts.
    """
    _whose(tx, a)
    before = preferred(tx, author, kind, a, b) if b else None
    if before and before.outcome == outcome:
        return str(before.id)
    row = {"kind": kind, "author": author, "a": a, "b": b, "edit": edit, "outcome": outcome, "left_side": left_side}
    return _add(tx, preference_event, **row)


def preferred(tx: Connection, author: str, kind: str, a: str, b: str) -> Row[Any] | None:
    """What the author said last about these two, in this order."""
    e = preference_event.c
    about = select(preference_event).where(e.kind == kind, e.author == author, e.a == a, e.b == b)
    return tx.execute(about.order_by(e.created_at.desc(), e.id.desc()).limit(1)).first()


@dataclass(frozen=True)
class Thumb:
    """A person's reaction to an answer."""

    rating: int
    reasons: Sequence[str]
    comment: str


def thumbs(tx: Connection, author: str, completion_ids: Sequence[str]) -> dict[str, Thumb]:
    """The author's reactions that hold, by completion; those taken back are absent."""
    newest: dict[str, Row[Any]] = {}
    r = reaction.c
    for some in content.batches(completion_ids):
        mine = select(reaction).where(r.author == author, r.completion.in_(some)).order_by(r.created_at, r.id)
        newest |= {row.completion: row for row in tx.execute(mine)}
    texts = content.read(tx, (row.comment for row in newest.values()))
    return {id: Thumb(row.rating, row.reasons, texts.get(row.comment, "")) for id, row in newest.items() if row.rating}


def voted(tx: Connection, author: str, completion_ids: Sequence[str]) -> set[str]:
    """Those of the answers that the author has voted on, blind."""
    found: set[str] = set()
    e = preference_event.c
    for some in content.batches(completion_ids):
        mine = select(e.a, e.b).where(e.kind == "arena", e.author == author, or_(e.a.in_(some), e.b.in_(some)))
        found.update(id for row in tx.execute(mine) for id in row)
    return found


def comparisons(tx: Connection) -> list[Comparison]:
    """The rankings that hold: not superseded, no words erased. Whose may train is decided where a set is frozen."""
    replaced = select(ranking.c.supersedes).where(ranking.c.supersedes.is_not(None))
    found = []
    for row in tx.execute(select(ranking).where(ranking.c.id.not_in(replaced)).order_by(ranking.c.id)).all():
        items = tx.execute(
            select(ranking_item.c.grade, completion.c.content)
            .join(completion)
            .where(ranking_item.c.ranking == row.id)
            .order_by(ranking_item.c.id)
        ).all()
        asked, texts = _asked(tx, row.prompt), content.read(tx, (item.content for item in items))
        if asked and all(item.content in texts for item in items):
            answers, grades = tuple(texts[item.content] for item in items), tuple(item.grade for item in items)
            found.append(Comparison(asked, answers, grades, row.author, row.source))
    return found


def demonstrations(tx: Connection) -> list[Demonstration]:
    """The demonstrations that hold, as `comparisons`."""
    replaced = select(demonstration.c.supersedes).where(demonstration.c.supersedes.is_not(None))
    rows = tx.execute(
        select(demonstration).where(demonstration.c.id.not_in(replaced)).order_by(demonstration.c.id)
    ).all()
    texts = content.read(tx, (row.content for row in rows))
    return [
        Demonstration((*asked.messages, Message("assistant", texts[row.content])), row.source)
        for row in rows
        if row.content in texts and (asked := _asked(tx, row.prompt))
    ]


def _asked(tx: Connection, prompt_id: str) -> Prompt | None:
    """The prompt with its messages; None if one of them was erased, or the chat is a temporary one."""
    leaf, temporary = tx.execute(
        select(prompt.c.message, conversation.c.temporary)
        .join(message, message.c.id == prompt.c.message)
        .join(conversation, conversation.c.id == message.c.conversation)
        .where(prompt.c.id == prompt_id)
    ).one()
    path = branch(tx, leaf)
    if temporary or any(said.erased for said in path):
        return None
    return Prompt(tuple(said.message for said in path), prompt_id)


def _whose(tx: Connection, completion_id: str) -> str:
    """The owner of a completion, which is locked meanwhile: of a double click, the second sees the first."""
    locked = select(completion.c.prompt).where(completion.c.id == completion_id).with_for_update()
    asked = tx.execute(locked).scalar_one()
    return tx.execute(select(prompt.c.owner).where(prompt.c.id == asked)).scalar_one()


def _add(tx: Connection, table: Table, **row: object) -> str:
    id = new_id()
    tx.execute(table.insert(), row | {"id": id})
    return id
