"""Migrations: once however many start, whole or not at all, from the first schema, with the triggers of a fresh one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from mynah import store
from mynah.errors import UserError
from mynah.store import triggers
from mynah.store.database import Database
from mynah.store.migrate import VERSIONS, migrate
from mynah.store.schema import metadata
from tests.store.filled import fill

# A next version, as a migration would bring it: on SQLite the table is built anew, which drops its triggers.
NEXT = """
from alembic import op
import sqlalchemy as sa
import time

revision, down_revision = "0002", "0001"

def upgrade():
    op.add_column("reaction", sa.Column("weight", sa.Float))
    op.execute("UPDATE reaction SET weight = 0.5")
    with op.batch_alter_table("message", recreate="auto") as batch:
        batch.alter_column("role", type_=sa.String(20))
    {then}
"""


@pytest.fixture
def versions(tmp_path: Path):
    """`versions("pass")`: a folder with the migrations there are and one more, which ends with this statement."""

    def write(then: str) -> Path:
        folder = tmp_path / "versions"
        folder.mkdir(exist_ok=True)
        for path in VERSIONS.glob("0001_first.*"):
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / "0002_next.py").write_text(NEXT.format(then=then), encoding="utf-8")
        return folder

    return write


def picture(db: Database) -> dict[str, object]:
    """All that a database says about its tables, in no particular order, and its triggers."""
    inspector = inspect(db.engine)
    tables = {name for name in inspector.get_table_names() if not name.startswith(("search_index", "alembic"))}

    def told(entries: list) -> list[str]:
        return sorted(str(sorted(entry.items(), key=lambda item: item[0])) for entry in entries)

    seen: dict[str, object] = {
        table: (
            told([{**column, "type": str(column["type"])} for column in inspector.get_columns(table)]),
            told([inspector.get_pk_constraint(table)]),
            told(inspector.get_foreign_keys(table)),
            told(inspector.get_unique_constraints(table)),
            told(inspector.get_check_constraints(table)),
            told(inspector.get_indexes(table)),
        )
        for table in tables
    }
    of_triggers = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' OR name = 'search_index'"
        if db.file
        else "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    )
    with db.reading() as tx:
        seen["triggers"] = sorted(map(str, tx.execute(text(of_triggers))))
    return seen


KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@KINDS
def test_a_migrated_database_equals_a_fresh_one(kind, empty, request):
    migrated = picture(request.getfixturevalue(kind))
    fresh = store.connect(store.locate(empty(kind)))
    with fresh.writing() as tx:
        metadata.create_all(tx)
        triggers.install(tx)
    assert picture(fresh) == migrated
    assert len(migrated["triggers"]) >= 50
    fresh.close()


@KINDS
def test_from_the_first_schema_with_rows_in_every_table(kind, empty, versions):
    db = store.connect(store.locate(empty(kind)))
    migrate(db, to="0001")
    with db.writing() as tx:
        fill(tx, "hello bird")
    migrate(db, versions("pass"))
    with db.reading() as tx:
        assert tx.scalar(text("SELECT weight FROM reaction")) == 0.5
        assert tx.scalar(text("SELECT COUNT(*) FROM message")) == 1
    for statement in ("UPDATE message SET role = 'user'", "DELETE FROM reaction"):
        with pytest.raises(IntegrityError, match="is evidence"), db.writing() as tx:
            tx.execute(text(statement))
    with pytest.raises(UserError, match="newer mynah"):
        store.open(db.url.render_as_string(hide_password=False))
    db.close()


START = "import sys; from mynah import store; from mynah.store.migrate import migrate; from pathlib import Path; "
MIGRATE = START + "migrate(store.connect(store.locate(sys.argv[1])), Path(sys.argv[2]))"
OPEN = START + "store.open(sys.argv[1]).close()"


def start(*arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", *map(str, arguments)], stderr=subprocess.PIPE, text=True)


@KINDS
def test_two_workers_start_at_once(kind, empty):
    where = empty(kind)
    url = where if isinstance(where, str) else f"sqlite:///{where}"
    workers = [start(OPEN, url) for _ in range(2)]
    for worker in workers:
        assert worker.wait(60) == 0, worker.stderr.read()
    db = store.open(where)
    with db.writing() as tx:
        store.add_user(tx)
    db.close()


@KINDS
def test_a_kill_half_way_leaves_the_old_tables(kind, empty, versions, tmp_path):
    where, halfway = empty(kind), tmp_path / "halfway"
    url = where if isinstance(where, str) else f"sqlite:///{where}"
    db = store.open(where)
    before = picture(db)
    folder = versions(f"open({str(halfway)!r}, 'w').close(); time.sleep(60)")
    worker = start(MIGRATE, url, folder)
    while not halfway.exists():
        assert worker.poll() is None, worker.stderr.read()
        time.sleep(0.02)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert picture(db) == before
    with db.writing() as tx:
        fill(tx, "hello")
    migrate(db, versions("pass"))  # and the next start does all of it
    with db.reading() as tx:
        assert tx.scalar(text("SELECT weight FROM reaction")) == 0.5
    db.close()
