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


TEXT_FILE = "text file"


@dataclass
class Source:
    """One file, read and parsed."""

    path: Path
    form: str
    records: int
    parsed: list[Any]
    """What its form's `parse` made; rows, where no `join` is to come."""
    broken: list[str] = field(default_factory=list)
    """A sentence for each malformed record that was skipped."""

    @property
    def own(self) -> bool:
        """Whether the training verbs read this file as it is."""
        return self.form == TEXT_FILE or (FORMS[self.form].own and self.path.suffix.lower() == ".jsonl")


def read(path: Path, form: str = "", skip: bool = False) -> Source:
    """All of a file, in the form named or recognised by its first record.

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
    if not source.parsed:
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
    parse, done = FORMS[source.form].parse, 0
    size = source.path.stat().st_size
    with Progress(source.path.name, size // 1000, "kB") if size > LARGE else nullcontext() as progress:
        for record in stream:
            try:
                source.parsed += list(parse(record.value))  # all that a record makes, or nothing
            except jsonl.Mistake as mistake:
                _note(source, f"{record.where}: {mistake}", skip)
            if progress:
                progress.advance(int(record.share * size) // 1000 - done)
                done = int(record.share * size) // 1000


def _note(source: Source, sentence: str, skip: bool) -> None:
    if not skip:
        raise UserError(f"{sentence} Mend it, or leave such records out with --skip-broken.")
    source.broken.append(sentence)


def rows_of(sources: Sequence[Source], left_out: Counter[str], kind: Kind | None = None) -> list[Row]:
    """The rows of all sources; what spans records of one form (trees, verdicts) spans its files too.

    Args:
        left_out: Why → how many; counted up.
        kind: Take only rows of this kind; of a form that has none, what its rows give as that kind.

    Raises:
        UserError: Nothing of that kind can be made.
    """
    by_form: dict[str, list[Any]] = {}
    for source in sources:
        by_form.setdefault(source.form, []).extend(source.parsed)
    rows: list[Row] = []
    held: set[Kind] = set()
    for form, parsed in by_form.items():
        joined = parsed if form == TEXT_FILE else list(FORMS[form].join(parsed))
        left_out.update(row.why for row in joined if isinstance(row, LeftOut))
        found = [row for row in joined if not isinstance(row, LeftOut)]
        held.update(map(kind_of, found))
        if kind:
            native = [row for row in found if kind_of(row) == kind]
            found = native or [made for row in found for made in derive(row, kind)]
        rows += found
    if not rows:
        names = ", ".join(str(source.path) for source in sources)
        why = f"{', '.join(sorted(held))}, of which no {kind} can be made" if held else "nothing to learn from"
        raise UserError(f"{names}: holds {why}." + "".join(f" Left out: {n} {why}." for why, n in left_out.items()))
    return rows


def clean(rows: Iterable[Row], left_out: Counter[str]) -> list[Row]:
    """Rows without contradictions and copies, which are counted in `left_out`.

    Rankings are votes: two people who rank the same answers alike are two of them, so copies of rankings stay.
    """
    kept, seen = [], set()
    for row in rows:
        if isinstance(row, Comparison):
            if contradicts_itself(row):
                left_out["rankings that prefer a text to itself"] += 1
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
            return f"prompt {key(row.messages)} {row.answers}"
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
