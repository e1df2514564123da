"""A backup made while people talk holds one moment, and goes back while they talk; damage is noticed at both ends."""

import stat
import threading

import pytest

from mynah import store
from mynah.errors import UserError
from mynah.store.backup import backup, restore
from tests.store.conftest import told


def history(db, owner: str) -> list[str]:
    with db.reading() as tx:
        listed = store.conversations(tx, owner, limit=1000)
        return [said.message.content for talk in listed for said in store.messages(tx, talk.id)]


def test_a_backup_while_others_write_is_one_moment(db, tmp_path, tell):
    ann = tell("question", "answer").owner
    stop = threading.Event()

    def talk() -> None:
        while not stop.is_set():
            tell("question", "answer", ann)

    writer = threading.Thread(target=talk)
    writer.start()
    try:
        rows = backup(db, tmp_path / "copy")
    finally:
        stop.set()
        writer.join()
    assert rows["message"] == 2 * rows["conversation"] == 2 * rows["completion"], "a question came with its answer"
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    tell("too late", "for the copy", ann)
    assert restore(db, tmp_path / "copy") == rows
    assert history(db, ann) == ["question", "answer"] * rows["conversation"]
    with db.reading() as tx:
        assert len(store.search(tx, ann, "question", limit=1000)) == rows["conversation"]
        assert store.search(tx, ann, "late") == []
    tell("and on", "it goes", ann)


def test_who_left_after_the_backup_does_not_come_back_with_it(db, tmp_path):
    with db.writing() as tx:
        ann, ben = told(tx, "Ann was here", "Yes."), told(tx, "Ben was here", "Yes.")
        other = told(tx, "Ben said this", "No.", ben.owner)
    backup(db, tmp_path / "copy")
    with db.writing() as tx:
        store.erase_person(tx, ann.owner)
        store.delete_conversation(tx, ben.owner, other.conversation)
    restore(db, tmp_path / "copy")
    assert history(db, ann.owner) == []
    assert history(db, ben.owner) == ["Ben was here", "Yes."]
    with db.reading() as tx:
        assert store.find_user(tx, id=ann.owner) is None
        assert [said.message.content for said in store.messages(tx, ann.conversation)] == ["", ""]
        assert len(store.search(tx, ben.owner, '"was here"')) == 1
        assert store.search(tx, ben.owner, '"said this"') == []


def test_a_damaged_or_foreign_file_is_refused_and_nothing_is_lost(db, tmp_path, tell):
    ann = tell("question", "answer").owner
    good, bad = tmp_path / "good", tmp_path / "bad"
    backup(db, good)
    content = good.read_bytes()
    bad.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError):
        restore(db, bad)
    bad.write_bytes(b"not a database")
    with pytest.raises(UserError, match=r"bad: is not a .*as `mynah backup` writes it"):
        restore(db, bad)
    with pytest.raises(UserError, match="could not be read"):
        restore(db, tmp_path / "none")
    assert history(db, ann) == ["question", "answer"]


def test_readers_and_writers_go_on_while_a_backup_is_put_back(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr("mynah.store.database.WAIT_S", 0)  # the emptying of the log would wait for the reader
    with sqlite.writing() as tx:
        ann = told(tx, "question", "answer").owner
    backup(sqlite, tmp_path / "copy")
    sqlite, other = store.open(sqlite.file), store.open(sqlite.file)
    with other.reading() as tx:
        assert len(store.conversations(tx, ann)) == 1
        restore(sqlite, tmp_path / "copy")
        assert len(store.conversations(tx, ann)) == 1, "a reader sees one state"
    with other.writing() as tx:
        told(tx, "next question", "answer", ann)
    assert len(history(sqlite, ann)) == 4
    other.close()
