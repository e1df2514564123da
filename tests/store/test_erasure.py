"""A person who left is in no table, index, file, log, export or data set; what they judged still counts."""

import json
import random
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mynah import jsonl, store
from mynah.nouns import Message
from mynah.store import content as words
from mynah.store import people
from mynah.store.backup import backup
from mynah.store.schema import content, guideline, metadata
from tests.store.conftest import answered, told
from tests.store.filled import fill

CANARY = "Zyxqvanary"  # in no other text
CHINESE = "龘靐齉爩"


def places_with_words(folder: Path, *words: str) -> set[str]:
    """The files that hold one of the words, as bytes, in whatever case."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            bytes = path.read_bytes().lower()
            found |= {path.name for word in words if word.lower().encode() in bytes}
    return found


def test_no_trace_is_left_of_a_person(db, tell, tmp_path, request):
    shuffled = random.Random(0)
    names = [shuffled.choice("abcdefgh") * shuffled.randrange(1, 400) for _ in range(12)]
    others = tell("What others say", "stays").owner
    with db.writing() as tx:
        ids = fill(tx, f"{CANARY} {CHINESE}")  # every column that can hold words
    ann = ids["user"]
    for batch in range(0, len(names), 10):
        with db.writing() as tx:
            for number, name in enumerate(names[batch : batch + 10]):  # pages split, and words are moved about
                told(tx, f"{CANARY} {number} {name} {CHINESE}", f"You said {CANARY}.", ann)
                told(tx, f"{name} {number}", "Fine.", others)
    asked = tell(f"Who is {CANARY}?", "I do not know.", ann)
    with db.writing() as tx:
        second = answered(tx, asked.prompt, f"{CANARY} is you.")
        store.react(tx, ann, asked.completion, -1, comment=f"{CANARY}!")
        store.rank(tx, others, asked.prompt, {asked.completion: 2, second: 1}, comment=f"{CANARY} is right")
        store.demonstrate(tx, others, asked.prompt, f"{CANARY} is a word.", edited_from=second)
        gone = tell_and_delete(db, tx, ann)
        counted = people.counts(tx, ann)
        assert CANARY in json.dumps(store.belongings(tx, ann))
    assert CANARY in exported(db, tmp_path / "before")

    with db.writing() as tx:
        store.erase_person(tx, ann)
    assert store.scrub(db)

    with db.reading() as tx:
        assert people.counts(tx, ann) == counted
        assert store.find_user(tx, id=ann) is None
        assert store.search(tx, ann, CANARY) == store.search(tx, ann, "龘靐") == []
        assert len(store.conversations(tx, others, limit=100)) == len(names) + 1
        assert len(store.search(tx, others, "fine", limit=100)) == len(names)
        assert CANARY not in json.dumps(store.belongings(tx, ann)) + json.dumps(store.belongings(tx, others))
        assert tx.scalar(select(func.count()).where(content.c.owner == ann, content.c.erased_at.is_(None))) == 0
        for table in metadata.sorted_tables:
            assert CANARY.lower() not in str(tx.execute(select(table)).all()).lower(), table.name
    assert gone
    assert CANARY not in exported(db, tmp_path / "after")
    if db.file:
        with db.reading() as tx:
            tx.exec_driver_sql("CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'search_index', 'row')")
            terms = set(tx.exec_driver_sql("SELECT term FROM temp.terms").scalars())
        assert "fine" in terms
        assert not {CANARY.lower(), *CHINESE, f"u{ann}"} & terms
    folder = db.file.parent if db.file else request.getfixturevalue("postgres").data / "base"
    if not db.file:
        request.getfixturevalue("postgres").sql("CHECKPOINT")
    assert places_with_words(folder, "What others say"), "the search would have found it"
    assert not places_with_words(folder, CANARY, *CHINESE)


def tell_and_delete(db, tx, ann: str) -> str:
    """A conversation that was deleted before the person left."""
    talk = store.start_conversation(tx, ann)
    store.add_message(tx, talk, Message("user", f"{CANARY} deleted"), author=ann)
    store.delete_conversation(tx, ann, talk)
    return talk


def exported(db, target: Path) -> str:
    """What leaves the database: the data sets and the backup, as text."""
    with db.reading() as tx:
        jsonl.write_comparisons(target.with_suffix(".comparisons"), store.comparisons(tx))
        jsonl.write_demonstrations(target.with_suffix(".demonstrations"), store.demonstrations(tx))
    backup(db, target)
    if db.file:
        text = target.read_bytes().decode(errors="replace")
    else:
        text = subprocess.run(["pg_restore", "-f", "-", target], capture_output=True, check=True).stdout.decode()
    files = [target.with_suffix(suffix) for suffix in (".comparisons", ".demonstrations")]
    text += "".join(file.read_text() for file in files)
    if target.name == "before":
        for file in (target, *files):
            file.unlink()
    return text


def test_the_erasure_of_one_leaves_the_words_of_another(db, tell):
    ann, ben = tell("The same question", "The same answer"), tell("The same question", "The same answer")
    with db.writing() as tx:
        store.erase_person(tx, ann.owner)
    with db.reading() as tx:
        assert [said.message.content for said in store.messages(tx, ben.conversation)] == [
            "The same question",
            "The same answer",
        ]
        assert len(store.search(tx, ben.owner, "same question")) == 1


def test_guidelines_stay_when_their_author_leaves(db):
    with db.writing() as tx:
        admin, service = store.add_user(tx, "admin"), store.service_account(tx)
        id = words.write(tx, service, "Be kind.")
        tx.execute(guideline.insert(), {"version": 1, "content": id, "author": admin})
        store.erase_person(tx, admin)
        assert words.read(tx, [id]) == {id: "Be kind."}
        assert store.service_account(tx) == service


def test_an_erased_account_cannot_be_used_and_its_address_is_free_again(db):
    with db.writing() as tx:
        ann = store.add_user(tx, name="Ann", email="Ann@example.org")
        assert store.find_user(tx, email="ann@EXAMPLE.org").id == ann
        store.erase_person(tx, ann)
        assert store.find_user(tx, email="ann@example.org") is None
        assert store.add_user(tx, email="ann@example.org") != ann


def test_a_scrub_that_a_reader_held_up_says_so(sqlite, monkeypatch):
    monkeypatch.setattr("mynah.store.database.WAIT_S", 0)
    db = store.open(sqlite.file)
    with sqlite.reading() as tx:
        tx.execute(select(content)).all()
        with db.writing() as other:
            store.add_user(other)
        assert not store.scrub(db)
    assert store.scrub(db)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path) -> None:
    """Nothing but the database lies in the folder that is searched."""
    assert all(path.suffix.startswith(".db") for path in tmp_path.iterdir())


def test_a_text_that_grew_as_it_was_written_leaves_no_trace(sqlite):
    """Growing rows are moved from page to page, and SQLite's secure_delete does not clear where they lay."""
    shuffled = random.Random(1)
    with sqlite.writing() as tx:
        ann = store.add_user(tx)
        lengths = {words.write(tx, ann, "", sealed=False): 0 for _ in range(60)}
        for _ in range(600):
            id = shuffled.choice(list(lengths))
            lengths[id] += shuffled.randrange(1, 12)
            words.rewrite(tx, id, f"{CANARY} " * lengths[id])
    with sqlite.writing() as tx:
        store.erase_person(tx, ann)
    assert store.scrub(sqlite)
    assert not places_with_words(sqlite.file.parent, CANARY)
