"""Files are whole or absent, whatever kills the writer or fills the disk."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mynah.errors import UserError
from mynah.files import (
    append_lines,
    read_json,
    read_text,
    sha256,
    write_atomic,
    write_folder,
    write_json,
    write_lines,
    write_text,
)

FullDisk = Callable[[int], AbstractContextManager[None]]
DIE = "os.kill(os.getpid(), signal.SIGKILL)"


def killed(source: str, *args: object) -> None:
    """Run Python `source` that must be killed by its own SIGKILL."""
    script = f"import os, signal, sys\nfrom pathlib import Path\nfrom mynah import files\n{source}"
    done = subprocess.run([sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def names(folder: Path) -> list[str]:
    """What a reader sees in a folder; hidden files are nobody's."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.mark.parametrize(
    "moment",
    [
        f"files.write_atomic(path, lambda partial: (partial.write_text('half of the n'), {DIE}))",
        f"os.fsync = lambda descriptor: {DIE}\nfiles.write_text(path, 'the new text')",
        f"os.replace = lambda source, target: {DIE}\nfiles.write_text(path, 'the new text')",
    ],
    ids=["while writing", "before it is durable", "before the rename"],
)
def test_a_kill_in_mid_write_leaves_the_old_file(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "notes.json"
    write_text(path, "the old text")
    killed(f"path = Path(sys.argv[1])\n{moment}", path)
    assert read_text(path) == "the old text"
    assert names(tmp_path) == ["notes.json"]
    assert len(list(tmp_path.iterdir())) == 2, "the kill came too early: nothing was half written"
    write_text(path, "the new text")
    assert read_text(path) == "the new text"


def test_a_kill_in_the_first_write_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    killed(f"files.write_atomic(Path(sys.argv[1]), lambda partial: (partial.write_text('half'), {DIE}))", path)
    assert names(tmp_path) == []


FILL = "lambda partial: (partial / 'a').write_text('new')"


@pytest.mark.parametrize(
    "moment",
    [
        f"files.write_folder(folder, lambda partial: ((partial / 'a').write_text('ne'), {DIE}))",
        f"os.fsync = lambda descriptor: {DIE}\nfiles.write_folder(folder, {FILL})",
        f"os.rename = lambda source, target: {DIE}\nfiles.write_folder(folder, {FILL})",
    ],
    ids=["while writing", "before it is durable", "before the rename"],
)
def test_a_kill_leaves_the_old_folder_and_the_next_write_cleans_up(tmp_path: Path, moment: str) -> None:
    folder = tmp_path / "1-sft"
    write_folder(folder, lambda partial: write_text(partial / "a", "old"))
    killed(f"folder = Path(sys.argv[1])\n{moment}", folder)
    assert names(tmp_path) == ["1-sft"]
    assert read_text(folder / "a") == "old"
    assert len(list(tmp_path.iterdir())) == 2, "the kill came too early: nothing was half written"
    write_folder(folder, lambda partial: write_text(partial / "b", "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["1-sft"]
    assert names(folder) == ["b"]


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "1-sft"
    write_folder(folder, lambda partial: write_text(partial / "a", "old"))
    killed(
        f"rename, calls = os.rename, []\n"
        f"os.rename = lambda *paths: {DIE} if calls else (calls.append(1), rename(*paths))\n"
        f"files.write_folder(Path(sys.argv[1]), {FILL})",
        folder,
    )
    assert not folder.exists()
    assert {path.name: read_text(path / "a") for path in tmp_path.iterdir()} == {
        ".1-sft.old": "old",
        ".1-sft.partial": "new",
    }
    write_folder(folder, lambda partial: write_text(partial / "a", "newer"))
    assert [path.name for path in tmp_path.iterdir()] == ["1-sft"]


def test_a_folder_takes_the_place_of_an_older_one_whole(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    write_folder(folder, lambda partial: write_text(partial / "a", "1"))
    write_folder(folder, lambda partial: write_text(partial / "sub" / "b", "2"))
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == ["sub/b"]


def one_sentence(error: pytest.ExceptionInfo[UserError], path: Path, why: str) -> None:
    text = str(error.value)
    assert text.startswith(f"{path}: could not be written ({why}")
    assert "untouched" in text
    assert "\n" not in text


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, full_disk: FullDisk) -> None:
    path = tmp_path / "notes.json"
    write_json(path, {"kept": True})
    with full_disk(1000), pytest.raises(UserError) as error:
        write_lines(path, [{"text": "x" * 900}] * 3)
    one_sentence(error, path, "File too large")
    assert read_json(path) == {"kept": True}
    assert [file.name for file in tmp_path.iterdir()] == ["notes.json"]


def test_a_full_disk_leaves_the_old_folder(tmp_path: Path, full_disk: FullDisk) -> None:
    folder = tmp_path / "1-sft"
    write_folder(folder, lambda partial: write_text(partial / "a", "old"))

    def write(partial: Path) -> None:
        write_text(partial / "a", "new")
        write_text(partial / "b", "x" * 5000)

    with full_disk(1000), pytest.raises(UserError) as error:
        write_folder(folder, write)
    one_sentence(error, folder, "File too large")
    assert [path.name for path in tmp_path.iterdir()] == ["1-sft"]
    assert {path.name: read_text(path) for path in folder.iterdir()} == {"a": "old"}


def test_a_full_disk_takes_back_what_was_appended(tmp_path: Path, full_disk: FullDisk) -> None:
    path = tmp_path / "rankings.jsonl"
    append_lines(path, [{"a": 1}])
    with full_disk(1000), pytest.raises(UserError) as error:
        append_lines(path, [{"text": "x" * 300}] * 9)
    one_sentence(error, path, "File too large")
    assert path.read_text() == '{"a": 1}\n'
    append_lines(path, [{"b": 2}])
    assert path.read_text() == '{"a": 1}\n{"b": 2}\n'


def test_a_disk_that_is_full_only_when_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Network file systems report a full disk at fsync."""
    path, new, folder = tmp_path / "a.jsonl", tmp_path / "new.jsonl", tmp_path / "folder"
    write_lines(path, ["old"])
    write_folder(folder, lambda partial: write_text(partial / "a", "old"))

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    for attempt in (
        lambda: write_text(path, "new"),
        lambda: append_lines(path, ["new"]),
        lambda: append_lines(new, ["new"]),
        lambda: write_folder(folder, lambda partial: (partial / "a").write_text("new")),
    ):
        with pytest.raises(UserError, match=r"could not be written \(No space left on device\)"):
            attempt()
    assert [read_text(file) for file in (path, new, folder / "a")] == ['"old"\n', "", "old"]
    assert names(tmp_path) == ["a.jsonl", "folder", "new.jsonl"]


def test_a_real_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        write_text(disk / "a", "old")
        append_lines(disk / "b", ["old"])
        write_folder(disk / "c", lambda partial: write_text(partial / "a", "old"))
        for attempt in (
            lambda: write_text(disk / "a", "x" * 100_000),
            lambda: append_lines(disk / "b", ["x" * 100_000]),
            lambda: write_folder(disk / "c", lambda partial: write_text(partial / "a", "x" * 100_000)),
        ):
            with pytest.raises(UserError, match=r"could not be written \(No space left on device\)"):
                attempt()
        assert [read_text(disk / name) for name in ("a", "b", "c/a")] == ["old", '"old"\n', "old"]
        assert sorted(path.name for path in disk.iterdir()) == ["a", "b", "c"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    write_text(tmp_path / "runs", "a file where a folder should be")
    for attempt in (
        lambda: write_text(tmp_path / "runs" / "a", "b"),
        lambda: append_lines(tmp_path / "runs" / "a", ["b"]),
        lambda: write_folder(tmp_path / "runs" / "a", lambda partial: None),
    ):
        with pytest.raises(UserError, match=r"runs/a: could not be written"):
            attempt()


def test_a_mistake_of_the_writer_passes_unchanged(tmp_path: Path) -> None:
    def broken(partial: Path) -> None:
        partial.touch()
        raise ValueError("a bug")

    for write in (write_atomic, write_folder):
        with pytest.raises((ValueError, OSError)):
            write(tmp_path / "x", broken)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}\n{"b": "cut of', '{"a": 1}\n{"c": 3}\n'),
        ('{"b": "cut of', '{"c": 3}\n'),
        ('{"a": 1}\n{"b": 2}', '{"a": 1}\n{"b": 2}\n{"c": 3}\n'),
        ("", '{"c": 3}\n'),
    ],
)
def test_appending_mends_the_end_that_a_kill_left(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "rankings.jsonl"
    path.write_text(before)
    append_lines(path, [{"c": 3}])
    assert path.read_text() == after


def test_lines_keep_every_character(tmp_path: Path) -> None:
    rows = [{"text": "é\u2028\r\n\x00 naïve 你好"}, 7]
    append_lines(tmp_path / "appended", rows)
    write_lines(tmp_path / "written", rows)
    assert (tmp_path / "appended").read_bytes() == (tmp_path / "written").read_bytes()
    lines = (tmp_path / "appended").read_bytes().split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == rows


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("line\nline two\ncaf\xe9".encode("latin-1"))
    (tmp_path / "broken").write_text('{\n"a": 1,\n}')
    cases = {
        f"{tmp_path / 'none'}: no such file.": lambda: read_text(tmp_path / "none"),
        f"{tmp_path}: is a folder; name a file.": lambda: read_text(tmp_path),
        f"{tmp_path / 'latin'}:3: is not UTF-8; save the file as UTF-8.": lambda: read_text(tmp_path / "latin"),
        f"{tmp_path / 'absent'}: no such file.": lambda: sha256(tmp_path / "absent"),
        f"{tmp_path / 'broken'}:3: not JSON": lambda: read_json(tmp_path / "broken"),
    }
    for sentence, attempt in cases.items():
        with pytest.raises(UserError) as error:
            attempt()
        assert str(error.value).startswith(sentence)


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "a") == {"a": 1}


def test_the_hash_is_of_the_bytes(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "abc")
    assert sha256(tmp_path / "a") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
