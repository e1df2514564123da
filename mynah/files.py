"""Files that are whole or absent: write beside the target, fsync, rename. Hashes of what was read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mynah.errors import UserError


class Unwritable(UserError):
    """The system refused to write a file or folder; what was there before is untouched."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path}: could not be written ({why}); what was there before is untouched. "
            f"Give it room or permission, then run the same command again."
        )
        self.why = why


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission into one sentence about `path`."""
    try:
        yield
    except Unwritable as error:  # a file of a folder that is being written: people know the folder
        raise Unwritable(path, error.why) from error
    except OSError as error:
        raise Unwritable(path, error.strerror or str(error)) from error


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary sibling of `path`, make it durable, then rename it over `path`.

    A kill or a full disk at any moment leaves the old file as it was.
    """
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(partial)
            _fsync(partial)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _fsync(path.parent)


def write_text(path: Path, text: str) -> None:
    def write(partial: Path) -> None:
        partial.write_text(text, encoding="utf-8")

    write_atomic(path, write)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """Write one JSON value a line."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def append_lines(path: Path, rows: Iterable[Any]) -> None:
    """Add one JSON value a line to `path`, durably. A last line that a kill or a full disk cut off is taken back."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        before = _whole_lines(path)
        try:
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.truncate(path, before)
            raise


def _whole_lines(path: Path) -> int:
    """Cut off a last line that a kill left unfinished (a value that only lacks its newline gets it); the size then."""
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        if file.read(1) in (b"", b"\n"):
            return size
        file.seek(0)
        whole, _, last = file.read().rpartition(b"\n")
        try:
            json.loads(last)
        except ValueError:
            return file.truncate(len(whole) + 1 if whole else 0)
        return size + file.write(b"\n")


def write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary folder, make every file durable, then put it in the place of `folder`.

    What a killed process left half written is removed.
    """
    partial, retired = folder.with_name(f".{folder.name}.partial"), folder.with_name(f".{folder.name}.old")
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            write(partial)
            for path in partial.rglob("*"):
                _fsync(path)
            _fsync(partial)
            if folder.exists():  # a folder cannot be renamed over a full one: the old one steps aside first
                shutil.rmtree(retired, ignore_errors=True)
                os.rename(folder, retired)
            os.rename(partial, folder)
            _fsync(folder.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(retired, ignore_errors=True)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn a missing or unreadable file into one sentence about `path`."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; name a file.") from None
    except OSError as error:
        raise UserError(f"{path}: could not be read ({error.strerror or error}).") from None


def read_text(path: Path) -> str:
    """The text of `path`, without a byte-order mark; UserError if it cannot be read or is not UTF-8."""
    try:
        with reading(path):
            return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: is not UTF-8; save the file as UTF-8.") from None


def read_json(path: Path) -> Any:
    """The JSON value in `path`; UserError names the line of a syntax error."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON ({error.msg}).") from None


def sha256(path: Path) -> str:
    """`sha256:…` of a file's bytes; UserError if it cannot be read."""
    with reading(path), path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
