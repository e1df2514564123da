"""Frozen data sets: which evidence is in them, under which number, and the group that fixes a prompt's side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select, text, update

from mynah.store.schema import dataset, dataset_row, new_id, prompt, prompt_group

LOCK = 0x64617461  # "data"
Kind = Literal["demonstrations", "comparisons"]


@dataclass(frozen=True)
class Entry:
    """A row of a data set: the evidence behind it, the key of its words, its weight."""

    evidence: str
    """The table: ranking, demonstration, reaction, preference_event."""
    evidence_id: str
    key: str
    weight: float


def manifest(entries: Iterable[Entry]) -> str:
    """`sha256:…` over all rows, in order."""
    lines = (f"{entry.evidence} {entry.evidence_id} {entry.key} {entry.weight!r}\n" for entry in entries)
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def next_number(tx: Connection) -> int:
    """The number for what is frozen now; the kinds that one freezing gives share it."""
    if tx.dialect.name == "postgresql":  # two who freeze at once would take the same
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    return (tx.scalar(select(func.max(dataset.c.number))) or 0) + 1


def add_dataset(
    tx: Connection,
    kind: Kind,
    number: int,
    recipe: dict[str, Any],
    entries: Sequence[Entry],
    author: str | None = None,
) -> str:
    """Keep a data set as evidence, under a `next_number` of the same transaction."""
    id = new_id()
    row = {"id": id, "kind": kind, "number": number, "recipe": recipe, "manifest": manifest(entries)}
    tx.execute(dataset.insert(), row | {"rows": len(entries), "author": author})
    rows = [{"dataset": id, "number": number} | vars(entry) for number, entry in enumerate(entries, 1)]
    if rows:
        tx.execute(dataset_row.insert(), rows)
    return id


def datasets(tx: Connection, number: int) -> list[Row[Any]]:
    """The data sets with this number, one of each kind that there is."""
    return list(tx.execute(select(dataset).where(dataset.c.number == number).order_by(dataset.c.kind)))


def every_dataset(tx: Connection) -> list[Row[Any]]:
    """All of them, the newest first."""
    return list(tx.execute(select(dataset).order_by(dataset.c.number.desc(), dataset.c.kind)))


def entries(tx: Connection, dataset_id: str) -> list[Entry]:
    """The rows of a data set, in order."""
    rows = select(dataset_row).where(dataset_row.c.dataset == dataset_id).order_by(dataset_row.c.number)
    return [Entry(row.evidence, row.evidence_id, row.key, row.weight) for row in tx.execute(rows)]


def containing(tx: Connection, evidence_ids: Sequence[str]) -> list[Row[Any]]:
    """(evidence_id, dataset, kind, number) for each of these judgements that is in a data set."""
    known = select(dataset_row.c.evidence_id, dataset_row.c.dataset, dataset.c.kind, dataset.c.number)
    return list(tx.execute(known.join(dataset).where(dataset_row.c.evidence_id.in_(evidence_ids))))


def add_group(tx: Connection, split: str) -> str:
    """A new group of near-duplicate prompts, on this side of the split for good."""
    id = new_id()
    tx.execute(prompt_group.insert(), {"id": id, "split": split})
    return id


def put_in_group(tx: Connection, prompt_ids: Sequence[str], group: str) -> None:
    """Put prompts into a group, those that are in none; it stays theirs, which the database holds too."""
    tx.execute(
        update(prompt).where(prompt.c.id.in_(prompt_ids), prompt.c.prompt_group.is_(None)).values(prompt_group=group)
    )
