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
from mynah.store.migrate import VERSIONS, migrate, newest
from mynah.store.schema import metadata
from tests.store.filled import fill

# A next version, as a migration would bring it: on SQLite the table is built anew, which drops its triggers.
NEXT = """
from alembic import op
import sqlalchemy as sa
import time

revision, down_revision = "9999", "{newest}"

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
        for path in (*VERSIONS.glob("*.py"), *VERSIONS.glob("*.sql")):
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / "9999_next.py").write_text(NEXT.format(then=then, newest=newest()), encoding="utf-8")
        return folder

    return write


def picture(db: Database) -> dict[str, list[str]]:
    """All that a database says about its tables, in no particular order, and its triggers."""
    inspector = inspect(db.engine)
    parts = ("columns", "pk_constraint", "foreign_keys", "unique_constraints", "check_constraints", "indexes")
    seen = {part: [] for part in parts}
    for part in parts:
        for (_, table), entries in getattr(inspector, f"get_multi_{part}")().items():
            if not table.startswith(("search_index", "alembic_version")):
                listed = entries if isinstance(entries, list) else [entries]
                seen[part] += [f"{table}: {sorted((name, str(value)) for name, value in e.items())}" for e in listed]
    of_triggers = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' OR name = 'search_index'"
        if db.file
        else "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    )
    with db.reading() as tx:
        seen["triggers"] = [str(row) for row in tx.execute(text(of_triggers))]
    return {part: sorted(lines) for part, lines in seen.items()}


KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@KINDS
def test_a_migrated_database_equals_a_fresh_one(kind, empty):
    migrated, fresh = store.open(empty(kind)), store.connect(store.locate(empty(kind)))
    with fresh.writing() as tx:
        metadata.create_all(tx)
        triggers.install(tx)
    made = picture(fresh)
    assert made == picture(migrated)
    assert len(made["columns"]) > 300
    assert len(made["triggers"]) >= 50
    for db in (migrated, fresh):
        db.close()


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


@KINDS
def test_two_workers_start_at_once(kind, empty):
    where = empty(kind)
    both = "import os, sys; from mynah import store; child = os.fork(); store.open(sys.argv[1]).close(); "
    both += "sys.exit(os.waitpid(child, 0)[1] if child else 0)"
    subprocess.run([sys.executable, "-c", both, url_of(where)], check=True, timeout=60)
    db = store.open(where)
    with db.writing() as tx:
        store.add_user(tx)
    db.close()


def url_of(where: str | Path) -> str:
    return where if isinstance(where, str) else f"sqlite:///{where}"


@KINDS
def test_a_kill_half_way_leaves_the_old_tables(kind, empty, versions, tmp_path):
    where, halfway = empty(kind), tmp_path / "halfway"
    db = store.open(where)
    before = picture(db)
    folder = versions(f"open({str(halfway)!r}, 'w').close(); time.sleep(60)")
    command = "import sys; from pathlib import Path; from mynah import store; "
    command += "store.migrate(store.connect(store.locate(sys.argv[1])), Path(sys.argv[2]))"
    worker = subprocess.Popen([sys.executable, "-c", command, url_of(where), str(folder)])
    while not halfway.exists():
        assert worker.poll() is None
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
