"""Files in every wrapping, whole and broken: what can be read is read, what cannot is one sentence with its place."""

import builtins
import gzip
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mynah import jsonl
from mynah.data.convert import read, rows_of
from mynah.data.records import holds_records, records
from mynah.errors import UserError
from mynah.nouns import Message, Prompt
from tests.data import samples

ROWS: list[dict[str, Any]] = [{"prompt": "Tea?", "chosen": f"Yes, {i}.", "rejected": "No."} for i in range(3)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def values(path: Path) -> list[dict[str, Any]]:
    return [record.value for record in records(path)]


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(pa.Table.from_pylist(rows), path)
    return path


def test_lines_lists_gzip_and_zip_hold_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n\n"))
    (tmp_path / "a.json").write_text(json.dumps(ROWS, indent=2))
    (tmp_path / "lines.json").write_bytes(LINES)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(ROWS).encode()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("notes.txt", "not data")
        archive.writestr("data/a.jsonl", LINES)
    for name in ("a.jsonl", "a.json", "lines.json", "a.jsonl.gz", "a.json.gz", "a.zip"):
        assert values(tmp_path / name) == ROWS, name


def test_parquet_rows_lose_their_empty_columns_only(tmp_path: Path) -> None:
    rows = [ROWS[0] | {"more": None}, ROWS[1] | {"more": "x"}]
    assert values(parquet(tmp_path / "a.parquet", rows)) == [ROWS[0], rows[1]]


def test_parquet_conversations_are_converted(tmp_path: Path) -> None:
    source = read(parquet(tmp_path / "a.parquet", samples.IMPLICIT_PAIRS))
    assert source.form == "pairs"
    assert len(rows_of([source], Counter())) == 1


def test_parquet_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"a.parquet: Parquet needs one more package; in mynah's folder: pip"):
        values(tmp_path / "a.parquet")


def test_of_a_chat_export_s_zip_only_the_conversations_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("user.json", '{"email": "x"}')
        archive.writestr("conversations-000.json", json.dumps(samples.CHATGPT[:1]))
        archive.writestr("conversations-001.json", json.dumps(samples.CHATGPT[1:]))
    source = read(tmp_path / "export.zip")
    assert source.form == "chatgpt"
    assert source.records == 2


def test_suffixes_in_capitals_are_known(tmp_path: Path) -> None:
    (tmp_path / "A.JSONL").write_bytes(LINES)
    (tmp_path / "A.JSON").write_text(json.dumps(ROWS))
    (tmp_path / "A.JSONL.GZ").write_bytes(gzip.compress(LINES))
    with zipfile.ZipFile(tmp_path / "A.ZIP", "w") as archive:
        archive.writestr("A.JSONL", LINES)
    for name in ("A.JSONL", "A.JSON", "A.JSONL.GZ", "A.ZIP"):
        assert holds_records(tmp_path / name), name
        assert values(tmp_path / name) == ROWS, name
    jsonl.write_prompts(tmp_path / "P.JSONL", [Prompt((Message("user", "Tea?"),))])
    assert read(tmp_path / "P.JSONL").own


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jsonl", LINES)
    locked = bytearray((tmp_path / "a.zip").read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(header) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(locked)
    with pytest.raises(UserError, match=r"a.zip: is locked with a password; unpack it, and name"):
        read(tmp_path / "a.zip", skip=True)


def test_the_share_that_was_read_grows_to_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINES * 100)
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    for name in ("a.jsonl", "a.json"):
        shares = [record.share for record in records(tmp_path / name)]
        assert shares == sorted(shares)
        assert shares[-1] == 1.0


def broken(tmp_path: Path, name: str) -> Path:
    """A file that is wrong in one way."""
    path, whole = tmp_path / name, json.dumps(ROWS, indent=1).encode()
    if name.endswith(".parquet"):
        parquet(path, ROWS)
        path.write_bytes(path.read_bytes()[:-20])
        return path
    contents = {
        "cut.jsonl": LINES[:-15],
        "cut.json": whole[:-15],
        "cut.jsonl.gz": gzip.compress(LINES)[:-12],
        "not.jsonl.gz": LINES,
        "cut.zip": b"PK\x03\x04" + LINES,
        "empty.jsonl": b"",
        "blank.json": b" \n",
        "empty-list.json": b"[]",
        "latin.jsonl": LINES + '{"prompt": "Thé?"}\n'.encode("latin-1"),
        "latin.json": whole.replace(b"Yes, 1", "Thé".encode("latin-1")),
        "list.jsonl": LINES + b"[1, 2]\n",
        "half.jsonl": LINES + b'{"prompt": "\\ud83d", "chosen": "a", "rejected": "b"}\n',
        "digits.jsonl": LINES + b'{"prompt": ' + b"9" * 5000 + b"}\n",
        "deep.jsonl": LINES + b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        "digits.json": b'[{"prompt": ' + b"9" * 5000 + b"}]",
        "deep.json": b"[" * 100_000 + b"]" * 100_000,
        "type.jsonl": LINES + b'{"prompt": "Tea?", "chosen": 7, "rejected": "b"}\n',
        "type.json": json.dumps([*ROWS, ROWS[0] | {"chosen": 7}]).encode(),
        "role.jsonl": LINES + b'{"prompt": [{"role": "robot", "content": "x"}], "chosen": "a", "rejected": "b"}\n',
    }
    path.write_bytes(contents[name])
    return path


BROKEN = {
    "cut.jsonl": ":3: not JSON",
    "cut.json": ":15: not JSON (Unterminated string at column 3); if the file is cut off, copy",
    "cut.jsonl.gz": ": is damaged or cut off",
    "not.jsonl.gz": ": is damaged or cut off",
    "cut.zip": ": is damaged or cut off",
    "cut.parquet": ": is not a whole Parquet file",
    "empty.jsonl": ": is empty",
    "blank.json": ": is empty",
    "empty-list.json": ": is empty",
    "latin.jsonl": ":4: is not UTF-8; save the file as UTF-8.",
    "latin.json": ":9: is not UTF-8; save the file as UTF-8.",
    "list.jsonl": ":4: a JSON object is needed, this is a list.",
    "half.jsonl": ":4: holds half a character",
    "digits.jsonl": ":4: holds a number of thousands of digits, or hundreds of lists within lists; remove it.",
    "deep.jsonl": ":4: holds a number of thousands of digits, or hundreds of lists within lists; remove it.",
    "digits.json": ": holds a number of thousands of digits",
    "deep.json": ": holds a number of thousands of digits",
    "type.jsonl": ':4: field "chosen": a string or a list of messages is needed.',
    "type.json": ', record 4: field "chosen": a string or a list of messages is needed.',
    "role.jsonl": ":4: field \"prompt[0].role\": unknown role 'robot'",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_sentence_with_its_place(name: str, tmp_path: Path) -> None:
    path = broken(tmp_path, name)
    with pytest.raises(UserError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}{BROKEN[name]}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [name for name, sentence in BROKEN.items() if sentence.startswith((":3", ":4", ", "))])
def test_broken_records_can_be_skipped_and_are_counted(name: str, tmp_path: Path) -> None:
    source = read(broken(tmp_path, name), skip=True)
    assert len(source.broken) == 1
    assert len(rows_of([source], Counter())) == (2 if name == "cut.jsonl" else 3)


def test_a_file_of_broken_records_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "a", "chosen": 7, "rejected": 8}\n')
    with pytest.raises(UserError, match=r"a.jsonl: no record is sound; the first of 1 mistakes: .*a.jsonl:1: field"):
        read(tmp_path / "a.jsonl", skip=True)
