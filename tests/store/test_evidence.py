"""The database itself refuses to change what is evidence, whoever asks."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from mynah import store
from mynah.store import content, datasets
from mynah.store.schema import EVIDENCE, prompt
from tests.store.filled import fill


def refused(db, statement: str) -> str:
    with pytest.raises(IntegrityError) as raised, db.writing() as tx:
        tx.execute(text(statement))
    return str(raised.value.orig)


def test_every_evidence_table_is_only_added_to(db):
    with db.writing() as tx:
        fill(tx, "hello")
    assert len(EVIDENCE) >= 24
    for table in EVIDENCE:
        column = next(column.name for column in table.c)
        assert f"{table.name} is evidence" in refused(db, f"UPDATE {table.name} SET {column} = {column}")
        assert f"{table.name} is evidence" in refused(db, f"DELETE FROM {table.name}")
        if db.file:
            replace = f"INSERT OR REPLACE INTO {table.name} SELECT * FROM {table.name}"
            assert f"{table.name} is evidence" in refused(db, replace)
        else:
            assert f"{table.name} is evidence" in refused(db, f"TRUNCATE {table.name} CASCADE")


def test_content_can_be_erased_once_and_nothing_else(db, tell):
    told = tell("What is it?", "A bird.")
    with db.reading() as tx:
        id = tx.execute(text("SELECT content FROM message WHERE id = :id"), {"id": told.question}).scalar_one()
    only = "sealed content can only be erased"
    where = f"WHERE id = '{id}'"
    assert only in refused(db, f"UPDATE content SET body = 'else' {where}")
    assert only in refused(db, f"UPDATE content SET body = NULL {where}")
    assert only in refused(db, f"UPDATE content SET sealed = {'0' if db.file else 'false'} {where}")
    assert only in refused(db, f"DELETE FROM content {where}")
    erase = "UPDATE content SET body = NULL, key = NULL, erased_at = '2030-01-01 00:00:00'"
    assert only in refused(db, f"{erase}, owner = id {where}")
    if not db.file:
        assert only in refused(db, "TRUNCATE content CASCADE")
    with db.writing() as tx:
        content.forget(tx, [id])
        assert content.read(tx, [id]) == {}
    assert only in refused(db, f"UPDATE content SET body = 'back', erased_at = NULL {where}")


def test_a_text_being_written_may_change_until_it_is_sealed(db):
    with db.writing() as tx:
        person = store.add_user(tx)
        id = content.write(tx, person, "Dear", sealed=False)
        content.rewrite(tx, id, "Dear all")
        content.seal(tx, id, "Dear all, hello")
        assert content.read(tx, [id]) == {id: "Dear all, hello"}
    with pytest.raises(IntegrityError), db.writing() as tx:
        content.rewrite(tx, id, "Dear none")


def test_equal_words_of_two_people_have_keys_that_nobody_can_compare(db, tell):
    tell("yes", "no")
    tell("yes", "no")
    with db.reading() as tx:
        keys = tx.execute(text("SELECT key FROM content WHERE body = 'yes'")).scalars().all()
    assert len(set(keys)) == 2
    assert all(len(key) == 64 for key in keys)


def test_a_text_that_databases_cannot_hold_is_kept_as_near_as_can_be(db, tell):
    told = tell("nul \0 and half \ud83d a pair, whole \U0001f426", "ok")
    with db.reading() as tx:
        assert store.messages(tx, told.conversation)[0].message.content == "nul � and half � a pair, whole \U0001f426"


def test_the_audit_trail_shows_what_was_tampered_with(db):
    with db.engine.connect() as tx:  # never committed: the trigger is back for the next test
        admin = store.add_user(tx, "admin")
        for number in range(5):
            store.note(tx, admin, "user.disable", admin, {"number": number})
        assert store.broken_audit(tx) is None
        tx.execute(text("DROP TRIGGER audit_no_update" if db.file else "DROP TRIGGER audit_no_change ON audit"))
        tx.execute(text("UPDATE audit SET action = 'user.enable' WHERE number = 3"))
        assert store.broken_audit(tx) == 3


def test_consent_is_off_until_given_and_its_newest_answer_counts(db):
    with db.writing() as tx:
        person = store.add_user(tx)
        assert not store.consents(tx, person, "training")
        store.set_consent(tx, person, "training", True)
        assert store.consents(tx, person, "training")
        store.set_consent(tx, person, "training", False)
        assert not store.consents(tx, person, "training")


def test_a_prompt_is_put_into_a_group_once(db, tell):
    told = tell("Is it?", "Yes.")
    with db.writing() as tx:
        first, second = datasets.add_group(tx, "train"), datasets.add_group(tx, "test")
        datasets.put_in_group(tx, [told.prompt], first)
        datasets.put_in_group(tx, [told.prompt], second)  # is in one already
        assert tx.scalar(select(prompt.c.prompt_group)) == first
    for change in ({"prompt_group": second}, {"prompt_group": None}, {"source": "api"}):
        with pytest.raises(IntegrityError, match="prompt is evidence"), db.writing() as tx:
            tx.execute(prompt.update().values(change))
    other = tell("Is it not?", "No.")
    both = {"prompt_group": first, "source": "api"}
    with pytest.raises(IntegrityError, match="prompt is evidence"), db.writing() as tx:
        tx.execute(prompt.update().where(prompt.c.id == other.prompt).values(both))
