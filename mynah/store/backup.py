"""Copies of a whole database, made and put back while the service runs, and verified both times.

A restored backup is told what was erased since it was made: a person who left stays gone.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, select

from mynah.errors import UserError
from mynah.files import write_atomic
from mynah.store.database import Database, connect, locate
from mynah.store.erasure import Gone, erase_again, erased, scrub
from mynah.store.migrate import migrate
from mynah.store.schema import metadata

SQLITE_HEADER, PG_DUMP_HEADER = b"SQLite format 3\0", b"PGDMP"


def backup(db: Database, target: Path) -> dict[str, int]:
    """Write one state of the database to `target`: a SQLite file, or what pg_dump makes. Returns its rows by table.

    UserError if the copy does not read back as what it should be; then `target` is as it was before.
    """
    rows: dict[str, int] = {}

    def write(partial: Path) -> None:
        partial.touch(mode=0o600)
        if db.file:
            _copy_pages(db.file, partial)
            rows.update(_verified(partial, shown=target))
        else:
            rows.update(_dump(db, partial))

    write_atomic(target, write)
    return rows


def restore(db: Database, source: Path) -> dict[str, int]:
    """Make the database what it was when `source` was written, less what was erased since. Returns its rows by table.

    The exchange is one transaction: those who read meanwhile see the old state. On SQLite all is prepared beside; on
    PostgreSQL the tables are brought up to date, and what was erased is erased again, right after the exchange.
    """
    header = _header(source)
    wanted = SQLITE_HEADER if db.file else PG_DUMP_HEADER
    if not header.startswith(wanted):
        kind = (
            "a SQLite file, as `mynah backup` writes it"
            if db.file
            else "a pg_dump archive, as `mynah backup` writes it"
        )
        raise UserError(f"{source}: is not {kind}; a backup goes back into the kind of database that it came from.")
    if db.file:
        return _restore_pages(db, source)
    return _restore_dump(db, source)


def counted(tx: Connection) -> dict[str, int]:
    """Rows by table."""
    return {table.name: tx.scalar(select(func.count()).select_from(table)) or 0 for table in metadata.sorted_tables}


def _restore_pages(db: Database, source: Path) -> dict[str, int]:
    _verified(source, shown=source)
    assert db.file
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=db.file.parent) as folder:
        beside = connect(locate(Path(folder) / "mynah.db"))
        assert beside.file
        shutil.copyfile(source, beside.file)
        migrate(beside)
        with db.reading() as tx:
            gone = erased(tx) if _has_tables(tx) else Gone()
        with beside.writing() as tx:
            erase_again(tx, gone)
            rows = counted(tx)
        scrub(beside)
        beside.close()
        _copy_pages(beside.file, db.file)
    db.run_alone("PRAGMA wal_checkpoint(TRUNCATE)")
    return rows


def _restore_dump(db: Database, source: Path) -> dict[str, int]:
    with db.reading() as tx:
        gone = erased(tx) if _has_tables(tx) else Gone()
    ours = ", ".join(f'"{name}"' for name in (*metadata.tables, "alembic_version"))
    clear = f"DROP TABLE IF EXISTS {ours} CASCADE; DROP FUNCTION IF EXISTS mynah_refuse CASCADE"
    with tempfile.TemporaryDirectory() as folder:
        script = str(
            Path(folder) / "restore.sql"
        )  # written first: a damaged archive fails here, before anything is lost
        _postgres(db, "pg_restore", "--no-owner", f"--file={script}", str(source))
        _postgres(db, "psql", "-q", "-X", "--single-transaction", "-v", "ON_ERROR_STOP=1", "-c", clear, "-f", script)
    db.engine.dispose()  # its connections remember statements on the old tables
    migrate(db)
    with db.writing() as tx:
        erase_again(tx, gone)
        rows = counted(tx)
    scrub(db)
    return rows


def _copy_pages(source: Path, target: Path) -> None:
    """SQLite's online backup, in one step: it waits for a writer, and readers of the target see all or nothing."""
    with closing(sqlite3.connect(source, timeout=30)) as from_, closing(sqlite3.connect(target, timeout=30)) as to:
        from_.backup(to)


def _verified(file: Path, shown: Path) -> dict[str, int]:
    """Rows by table of a SQLite file whose every page and reference was checked."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            problems = connection.execute("PRAGMA integrity_check").fetchall()
            dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
            known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            rows = {
                table: connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0]
                for table in metadata.tables
                if table in known
            }
        except sqlite3.DatabaseError as error:
            raise UserError(f"{shown}: is damaged ({error}); take another backup.") from None
    if problems != [("ok",)] or dangling:
        raise UserError(f"{shown}: is damaged ({(problems + dangling)[0]}); take another backup.")
    if "alembic_version" not in known:
        raise UserError(f"{shown}: is a SQLite file, but not of mynah.")
    return rows


def _dump(db: Database, partial: Path) -> dict[str, int]:
    """pg_dump of the state that `counted` sees, checked by reading the archive to its end."""
    with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as tx, tx.begin():
        snapshot = tx.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        rows = counted(tx)
        _postgres(db, "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={partial}")
    _postgres(db, "pg_restore", "--file=/dev/null", str(partial))
    return rows


def _postgres(db: Database, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the database; the password is not for the process list."""
    url = db.url.set(drivername="postgresql", password=None).render_as_string()
    environment = os.environ | ({"PGPASSWORD": str(db.url.password)} if db.url.password else {})
    to_database = [] if program == "pg_restore" else [f"--dbname={url}"]
    try:
        done = subprocess.run(
            [program, *to_database, *arguments], env=environment, capture_output=True, text=True, errors="replace"
        )
    except FileNotFoundError:
        raise UserError(f"{program}: not found; install PostgreSQL's client (Debian: postgresql-client).") from None
    if done.returncode:
        raise UserError(f"{program}: {done.stderr.strip().splitlines()[-1]}")


def _header(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise UserError(f"{source}: could not be read ({error.strerror}).") from None


def _has_tables(tx: Connection) -> bool:
    return MigrationContext.configure(tx).get_current_revision() is not None
