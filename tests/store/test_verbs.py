"""`mynah backup`, `mynah restore` and `mynah scrub`, through the command line itself."""

from mynah import store
from tests.store.conftest import told


def test_a_home_is_backed_up_and_restored(mynah, sqlite, tmp_path):
    with sqlite.writing() as tx:
        ann = told(tx, "question", "answer").owner
    copy = tmp_path / "monday.db"
    status, out, err = mynah("backup", copy, "--home", tmp_path)
    assert (status, out.strip()) == (0, str(copy)), err
    assert "1 people, 1 conversations, 2 messages" in err
    with sqlite.writing() as tx:
        told(tx, "later", "answer", ann)
    status, out, err = mynah("restore", copy, "--database", f"sqlite:///{sqlite.file}")
    assert (status, out.strip()) == (0, str(sqlite.file)), err
    with sqlite.reading() as tx:
        assert len(store.conversations(tx, ann)) == 1


def test_what_was_deleted_is_scrubbed_from_the_file(mynah, sqlite, tmp_path):
    with sqlite.writing() as tx:
        talks = [told(tx, f"the {word} secret", "answer") for word in ("kept", *["pangolin"] * 50)]
        for talk in talks[1:]:
            store.delete_conversation(tx, talk.owner, talk.conversation)
    status, _, err = mynah("scrub", "--home", tmp_path)
    assert (status, err) == (0, "Nothing is left of what was deleted.")
    held = b"".join(path.read_bytes() for path in tmp_path.glob("mynah.db*"))
    assert b"kept secret" in held
    assert b"pangolin" not in held


def test_mistakes_are_one_sentence(mynah, tmp_path):
    for arguments, complaint in (
        (("backup", tmp_path / "x", "--home", tmp_path), "mynah.db: no such database"),
        (("backup", tmp_path / "x", "--database", "mysql://db/mynah"), "mysql is not supported"),
        (("backup", tmp_path / "x", "--database", "mynah.db"), "not a URL"),
        (("backup", tmp_path / "x", "--database", "postgresql://nobody@127.0.0.1:1/none"), "no connection"),
        (("scrub", "--home", tmp_path), "mynah.db: no such database"),
        (("restore", tmp_path / "none", "--home", tmp_path / "new"), "none: could not be read"),
    ):
        status, _, err = mynah(*arguments)
        assert (status, complaint in err) == (1, True), err
    assert not (tmp_path / "new" / "mynah.db").exists()
