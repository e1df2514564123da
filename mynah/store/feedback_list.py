"""What people thought of answers, for an admin to look through: thumbs, votes and edits in one list, newest first.

The rule about words. An admin reads a conversation's words (what was asked, the answer, a comment, an edit) only while
its owner consents to training, and never of a temporary chat; a comment or an edit only while its author consents too.
Their own words everybody may read. Of all others the list has what was judged and when, by which model, and no words;
a search by words never finds them, so that it cannot be used to guess them. Nobody is named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from mynah.store import content
from mynah.store.schema import (
    completion,
    consent,
    conversation,
    demonstration,
    message,
    model_version,
    preference_event,
    prompt,
    reaction,
)
from mynah.store.schema import content as contents

Kind = Literal["thumb", "vote", "edit"]
TRAINING = "training"
"""The purpose of the consent that opens words."""


@dataclass(frozen=True)
class Wanted:
    """What to list; empty fields leave nothing out. `after` is the id of the last row that was seen."""

    kind: Kind | None = None
    model: str = ""
    rating: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    after: str = ""


@dataclass(frozen=True)
class Opinion:
    """One thumb, vote or edit. Words are None where the rule withholds them or they were erased."""

    id: str
    kind: Kind
    at: datetime
    model: str
    other_model: str
    """Of a vote: who wrote the second answer."""
    rating: int | None
    reasons: list[str] = field(default_factory=list)
    outcome: str | None = None
    readable: bool = False
    asked: str | None = None
    answer: str | None = None
    other: str | None = None
    """The second answer of a vote, or what an answer was edited to."""
    comment: str | None = None


def opinions(tx: Connection, reader: str, wanted: Wanted, limit: int) -> list[Opinion]:
    """What `reader`, an admin, may see, newest first."""
    listed = _listed(reader, wanted).subquery("listed")
    return _with_words(tx, tx.execute(select(listed).order_by(listed.c.id.desc()).limit(limit)).all())


def listed_ids(tx: Connection, reader: str, wanted: Wanted) -> list[str]:
    """The ids of all that `opinions` lists, page after page."""
    listed = _listed(reader, wanted).subquery("listed")
    return list(tx.scalars(select(listed.c.id).order_by(listed.c.id)))


def _listed(reader: str, wanted: Wanted) -> Select[Any]:
    o = _all_opinions().subquery("opinion")
    first, second, version = completion.alias(), completion.alias(), model_version.alias()
    other_version, asked = model_version.alias(), message.alias()
    readable = _readable(reader, prompt.c.owner, conversation.c.temporary, conversation.c.deleted_at)
    own_words = or_(o.c.author == reader, _consents(o.c.author))
    query = (
        select(
            o,
            version.c.name.label("model"),
            other_version.c.name.label("other_model"),
            readable.label("readable"),
            own_words.label("own_words"),
            asked.c.content.label("asked"),
            first.c.content.label("answer"),
            second.c.content.label("other"),
        )
        .join(first, first.c.id == o.c.a)
        .join(version, version.c.id == first.c.model_version)
        .join(prompt, prompt.c.id == first.c.prompt)
        .join(asked, asked.c.id == prompt.c.message)
        .join(conversation, conversation.c.id == asked.c.conversation)
        .outerjoin(second, second.c.id == o.c.b)
        .outerjoin(other_version, other_version.c.id == second.c.model_version)
    )
    if wanted.kind:
        query = query.where(o.c.kind == wanted.kind)
    if wanted.model:
        query = query.where(or_(version.c.name == wanted.model, other_version.c.name == wanted.model))
    if wanted.rating is not None:
        query = query.where(o.c.rating == wanted.rating)
    if wanted.since:
        query = query.where(o.c.created_at >= wanted.since)
    if wanted.until:
        query = query.where(o.c.created_at < wanted.until)
    if wanted.after:
        query = query.where(o.c.id < wanted.after)
    if wanted.text:
        said = [asked.c.content, first.c.content, second.c.content]
        judged = and_(own_words, _has(wanted.text, [o.c.comment, o.c.edit_content]))
        query = query.where(readable, or_(_has(wanted.text, said), judged))
    return query


def judged_models(tx: Connection) -> list[str]:
    """The names of models that anything was said about."""
    o = _all_opinions().subquery("opinion")
    first, second = completion.alias(), completion.alias()
    written = or_(first.c.model_version == model_version.c.id, second.c.model_version == model_version.c.id)
    judged = select(o.c.id).join(first, first.c.id == o.c.a).outerjoin(second, second.c.id == o.c.b).where(written)
    return list(
        tx.scalars(select(model_version.c.name).where(exists(judged)).distinct().order_by(model_version.c.name))
    )


def _all_opinions() -> Any:
    """Thumbs, votes and edits as they stand: not superseded, not taken back."""
    nothing, newer = cast(null(), String), aliased(reaction)
    thumbs = select(
        reaction.c.id,
        literal("thumb").label("kind"),
        reaction.c.created_at,
        reaction.c.author,
        reaction.c.completion.label("a"),
        nothing.label("b"),
        reaction.c.rating,
        nothing.label("outcome"),
        reaction.c.comment,
        nothing.label("edit_content"),
    ).where(reaction.c.rating != 0, ~exists().where(newer.c.supersedes == reaction.c.id))
    event = preference_event.c
    votes = select(
        event.id,
        literal("vote"),
        event.created_at,
        event.author,
        event.a,
        event.b,
        cast(null(), reaction.c.rating.type),
        event.outcome,
        nothing,
        nothing,
    ).where(event.kind != "edit")
    edited, later = demonstration.c, aliased(demonstration)
    edits = select(
        edited.id,
        literal("edit"),
        edited.created_at,
        edited.author,
        edited.edited_from,
        nothing,
        cast(null(), reaction.c.rating.type),
        nothing,
        nothing,
        edited.content,
    ).where(edited.edited_from.is_not(None), ~exists().where(later.c.supersedes == edited.id))
    return union_all(thumbs, votes, edits)


def _readable(
    reader: str, owner: ColumnElement[Any], temporary: ColumnElement[Any], deleted: ColumnElement[Any]
) -> ColumnElement[bool]:
    return and_(or_(owner == reader, and_(_consents(owner), temporary.is_(False))), deleted.is_(None))


def _consents(person: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the newest answer of `person` is yes; who was never asked does not consent."""
    newest = (
        select(consent.c.given)
        .where(consent.c.user == person, consent.c.purpose == TRAINING)
        .order_by(consent.c.created_at.desc(), consent.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(newest, False).is_(True)


def _has(text: str, columns: list[Any]) -> ColumnElement[bool]:
    found = contents.c.body.icontains(text, autoescape=True)
    return exists().where(contents.c.id.in_(columns), contents.c.erased_at.is_(None), found)


def _with_words(tx: Connection, rows: Any) -> list[Opinion]:
    open_rows = [row for row in rows if row.readable]
    said = content.read(tx, [id for row in open_rows for id in (row.asked, row.answer, row.other)])
    judged = content.read(tx, [id for row in open_rows if row.own_words for id in (row.comment, row.edit_content)])
    thumbs = [row.id for row in rows if row.kind == "thumb"]
    named = tx.execute(select(reaction.c.id, reaction.c.reasons).where(reaction.c.id.in_(thumbs)))
    reasons = {row.id: row.reasons for row in named}
    return [_opinion(row, said, judged, reasons.get(row.id, [])) for row in rows]


def _opinion(row: Row[Any], said: dict[Any, str], judged: dict[Any, str], reasons: list[str]) -> Opinion:
    return Opinion(
        id=row.id,
        kind=row.kind,
        at=row.created_at,
        model=row.model,
        other_model=row.other_model or "",
        rating=row.rating,
        reasons=reasons,
        outcome=row.outcome,
        readable=bool(row.readable),
        asked=said.get(row.asked),
        answer=said.get(row.answer),
        other=judged.get(row.edit_content) if row.kind == "edit" else said.get(row.other),
        comment=judged.get(row.comment),
    )
