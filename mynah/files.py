"""Files that are whole or absent: write beside the target, fsync, rename. Hashes of what was read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mynah.errors import UserError


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary sibling of `path`, make it durable, then rename it over `path`.

    A kill or a full disk at any moment leaves the old file as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        write(partial)
        _fsync(partial)
        os.replace(partial, path)
        _fsync(path.parent)
    except OSError as error:
        raise _disk_error(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


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
    """Add one JSON value a line to `path`, durably; what a full disk cut off is taken back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.stat().st_size if path.exists() else 0
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        os.truncate(path, before)
        raise _disk_error(path, error) from error


def write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary folder, make every file durable, then put it in the place of `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        write(partial)
        for path in partial.rglob("*"):
            _fsync(path)
        _fsync(partial)
        if folder.exists():  # a folder cannot be renamed over a full one: the old one steps aside first
            retired = folder.with_name(f".{folder.name}.old-{os.getpid()}")
            os.rename(folder, retired)
            os.rename(partial, folder)
            shutil.rmtree(retired)
        else:
            os.rename(partial, folder)
        _fsync(folder.parent)
    except OSError as error:
        raise _disk_error(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def read_text(path: Path) -> str:
    """The text of `path`; UserError if it is missing or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; name a file.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8.") from None


def read_json(path: Path) -> Any:
    """The JSON value in `path`; UserError names the line of a syntax error."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON ({error.msg}).") from None


def sha256(path: Path) -> str:
    """`sha256:…` of a file's bytes."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk_error(path: Path, error: OSError) -> UserError:
    why = error.strerror or str(error)
    return UserError(f"{path}: could not be written ({why}); what was there before is untouched. Free some space.")
