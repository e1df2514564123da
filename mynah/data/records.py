"""The records of a file, one after the other, each with its place: JSONL, JSON, Parquet; in gzip or zip too."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any, cast

from mynah.errors import UserError
from mynah.files import reading
from mynah.jsonl import OUTSIZED, Mistake, loads, object_of

SUFFIXES = (".jsonl", ".json", ".parquet")
ENCRYPTED = 1
"""The flag of a zip's member that needs a password."""
BATCH = 1000
"""Parquet rows that are in memory at once."""


@dataclass(frozen=True)
class Record:
    """One JSON object of a file, or what is wrong in its place."""

    where: str
    """`hh.jsonl:12`, `export.zip/conversations.json, record 3`"""
    value: dict[str, Any]
    share: float
    """How much of the file lies before its end, in [0, 1]."""
    mistake: str = ""


def holds_records(path: Path) -> bool:
    """Whether the name is one of JSONL, JSON, Parquet, their .gz, or .zip; anything else is a text file."""
    return _plain_suffix(path.name) in SUFFIXES or path.suffix.lower() == ".zip"


def records(path: Path) -> Iterator[Record]:
    """Every record of `path`. A line that is not an object comes as a Record with a mistake; the rest can be read.

    Raises:
        UserError: The file cannot be read at all: missing, cut off, damaged.
    """
    with reading(path), path.open("rb") as file:
        try:
            if path.suffix.lower() == ".zip":
                yield from _zip(path, file)
            elif path.suffix.lower() == ".gz":
                with gzip.open(file) as unpacked:
                    yield from _plain(str(path), cast(IO[bytes], unpacked), path.stat().st_size, file)
            else:
                yield from _plain(str(path), file, path.stat().st_size, file)
        except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            raise UserError(f"{path}: is damaged or cut off ({error}); copy or download it again.") from None


def _plain_suffix(name: str) -> str:
    return PurePath(name.lower().removesuffix(".gz")).suffix


def _zip(path: Path, file: IO[bytes]) -> Iterator[Record]:
    """The data files in an archive; of a chat service's export only its conversations."""
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if PurePath(name).suffix.lower() in SUFFIXES]
        names = [name for name in names if not name.startswith("__MACOSX")]
        names = [name for name in names if PurePath(name).name.startswith("conversations")] or names
        if not names:
            raise UserError(f"{path}: holds no file that ends in {', '.join(SUFFIXES)}.")
        if any(archive.getinfo(name).flag_bits & ENCRYPTED for name in names):
            raise UserError(f"{path}: is locked with a password; unpack it, and name the files that were in it.")
        for name in names:
            with archive.open(name) as member:
                yield from _plain(f"{path}/{name}", member, archive.getinfo(name).file_size, member)


def _plain(name: str, file: IO[bytes], size: int, raw: IO[bytes]) -> Iterator[Record]:
    match _plain_suffix(name):
        case ".parquet":
            yield from _parquet(name, file)
        case ".json":
            yield from _json(name, file.read())
        case _:
            yield from _lines(name, file, size, raw)


def _lines(name: str, file: IO[bytes], size: int, raw: IO[bytes]) -> Iterator[Record]:
    """One object a line; `raw` is what `size` counts: the packed file where `file` is unpacked from it."""
    for number, line in enumerate(file, 1):
        if line.strip():
            yield _line(f"{name}:{number}", line, min(1.0, raw.tell() / max(1, size)))


def _line(where: str, line: bytes, share: float) -> Record:
    try:
        value = loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Record(where, {}, share, "is not UTF-8; save the file as UTF-8.")
    except Mistake as mistake:
        return Record(where, {}, share, str(mistake))
    return _checked(where, value, share)


def _json(name: str, data: bytes) -> Iterator[Record]:
    """One object, or a list of them; or lines of objects, which many call .json too."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name}:{line}: is not UTF-8; save the file as UTF-8.") from None
    if not text.strip():
        return
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip().startswith("{") and not _line("", text.lstrip().partition("\n")[0].encode(), 0).mistake:
            yield from _lines(name, file := io.BytesIO(data), len(data), file)
            return
        raise UserError(
            f"{name}:{error.lineno}: not JSON ({_reason(error)}); if the file is cut off, copy or download it again."
        ) from None
    except (ValueError, RecursionError):
        raise UserError(f"{name}: {OUTSIZED}") from None
    if not isinstance(value, list):
        yield _checked(name, value, 1.0)
        return
    for number, item in enumerate(value, 1):
        yield _checked(f"{name}, record {number}", item, number / len(value))


def _parquet(name: str, file: IO[bytes]) -> Iterator[Record]:
    """The rows; empty columns are left out, as JSON would leave them."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UserError(
            f"{name}: Parquet needs one more package; in mynah's folder: pip install -e '.[parquet]'."
        ) from None
    try:
        table = pq.ParquetFile(file if file.seekable() else io.BytesIO(file.read()))
        number = 0
        for batch in table.iter_batches(batch_size=BATCH):
            for row in batch.to_pylist():
                number += 1
                value = {key: item for key, item in row.items() if item is not None}
                yield Record(f"{name}, row {number}", value, number / table.metadata.num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).split(". ")[0].rstrip(".")
        raise UserError(f"{name}: is not a whole Parquet file ({reason}); copy or download it again.") from None


def _reason(error: json.JSONDecodeError) -> str:
    return f"{error.msg.removesuffix(' starting at')} at column {error.colno}"


def _checked(where: str, value: Any, share: float) -> Record:
    try:
        return Record(where, object_of(value), share)
    except Mistake as mistake:
        return Record(where, {}, share, str(mistake))
