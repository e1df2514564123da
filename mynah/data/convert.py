"""From files of any known form to the project's rows: read, clean, and choose the kind that is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from mynah import jsonl
from mynah.data.forms import FORMS, recognise
from mynah.data.records import Record, holds_records, records
from mynah.data.rows import Kind, LeftOut, Row, derive, key, kind_of
from mynah.errors import UserError
from mynah.nouns import Comparison, Demonstration, Prompt
from mynah.progress import Progress

LARGE = 10_000_000
"""Bytes from which on reading takes long enough to show its progress."""


@dataclass
class Source:
    """One file, read: its rows, and what did not become one."""

    path: Path
    form: str
    records: int
    rows: list[Row]
    left_out: Counter[str] = field(default_factory=Counter)
    """Why → how many."""
    broken: list[str] = field(default_factory=list)
    """A sentence for each malformed record that was skipped."""

    @property
    def own(self) -> bool:
        """Whether the training verbs read this file as it is."""
        return self.form == TEXT_FILE or (FORMS[self.form].own and self.path.suffix in {".jsonl", ".json"})


TEXT_FILE = "text file"


def read(path: Path, form: str = "", skip: bool = False) -> Source:
    """All rows of a file, of the form named or recognised by its first record.

    Args:
        skip: Go on after a malformed record, which is then counted in `broken`.

    Raises:
        UserError: The file cannot be read or recognised, a record is malformed, or none is sound.
    """
    if not holds_records(path) and not form:
        texts = jsonl.read_texts(path)
        return Source(path, TEXT_FILE, len(texts), list(texts))
    source = Source(path, form, 0, [])
    stream = _sound(records(path), source, skip)
    first = next(stream, None)
    if first is None:
        why = f"; the first of {len(source.broken)} mistakes: {source.broken[0]}" if source.broken else ""
        raise UserError(f"{path}: is empty; it should hold at least one JSON object{why}.")
    source.form = form or recognise(first.value, first.where)
    _collect(chain([first], stream), source, skip)
    if not source.rows and not source.left_out:
        raise UserError(f"{path}: no record is sound; the first of {len(source.broken)} mistakes: {source.broken[0]}")
    return source


def _sound(stream: Iterable[Record], source: Source, skip: bool) -> Iterator[Record]:
    """The records that are objects; others are refused, or noted if they may be skipped."""
    for record in stream:
        source.records += 1
        if not record.mistake:
            yield record
        else:
            _note(source, f"{record.where}: {record.mistake}", skip)


def _collect(stream: Iterable[Record], source: Source, skip: bool) -> None:
    """Parse every record, join what belongs together, and keep it as the source's rows."""
    form, parsed, done = FORMS[source.form], list[Any](), 0
    size = source.path.stat().st_size
    with Progress(source.path.name, size // 1000, "kB") if size > LARGE else nullcontext() as progress:
        for record in stream:
            try:
                parsed += form.parse(record.value)
            except jsonl.Mistake as mistake:
                _note(source, f"{record.where}: {mistake}", skip)
            if progress:
                progress.advance(int(record.share * size) // 1000 - done)
                done = int(record.share * size) // 1000
    for row in form.join(parsed):
        if isinstance(row, LeftOut):
            source.left_out[row.why] += 1
        else:
            source.rows.append(row)


def _note(source: Source, sentence: str, skip: bool) -> None:
    if not skip:
        raise UserError(sentence)
    source.broken.append(sentence)


def of_kind(source: Source, kind: Kind) -> list[Row]:
    """The source's rows of one kind; if it has none, what its rows give as that kind.

    Raises:
        UserError: They give nothing.
    """
    rows = [row for row in source.rows if kind_of(row) == kind]
    rows = rows or [made for row in source.rows for made in derive(row, kind)]
    if not rows:
        held = ", ".join(sorted({kind_of(row) for row in source.rows})) or "nothing"
        raise UserError(f"{source.path}: holds {held}, of which no {kind} can be made.")
    return rows


def clean(rows: Iterable[Row], left_out: Counter[str]) -> list[Row]:
    """Rows without contradictions and copies, which are counted in `left_out`.

    Rankings are votes: two people who rank the same answers alike are two of them, so copies of rankings stay.
    """
    kept, seen = [], set()
    for row in rows:
        if isinstance(row, Comparison):
            if contradicts_itself(row):
                left_out["rankings that put a text above the same text"] += 1
                continue
        else:
            name = identity(row)
            if name in seen:
                left_out[f"exact copies of earlier {kind_of(row)}"] += 1
                continue
            seen.add(name)
        kept.append(row)
    return kept


def contradicts_itself(row: Comparison) -> bool:
    return any(row.completions[better] == row.completions[worse] for better, worse in row.pairs())


def identity(row: Row) -> str:
    """Equal for rows that teach the same; votes and samples are told apart by what was answered too."""
    match row:
        case Demonstration():
            return f"demonstration {key(row.messages)}"
        case Prompt():
            return f"prompt {key(row.messages)}"
        case str():
            return f"text {row}"
        case _:
            return f"answers {key(row.prompt.messages)} {row.completions}"


def kinds(rows: Sequence[Row]) -> dict[Kind, list[Row]]:
    """The rows parted by kind, in the order in which kinds first appear."""
    parted: dict[Kind, list[Row]] = {}
    for row in rows:
        parted.setdefault(kind_of(row), []).append(row)
    return parted
