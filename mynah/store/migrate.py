"""Brings a database to this version's tables, once, however many workers start at the same moment.

All migrations run in one transaction: a kill half-way leaves the old tables as they were.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from mynah.errors import UserError
from mynah.store import triggers
from mynah.store.database import Database
from mynah.store.schema import metadata

VERSIONS = Path(__file__).parent / "migrations" / "versions"
LOCK = 0x6D796E6168  # "mynah": PostgreSQL names advisory locks by number


def migrate(db: Database, versions: Path = VERSIONS, to: str = "head") -> None:
    """Run the migrations that the database has not seen. UserError if a newer mynah has been here."""
    scripts = _scripts(versions)
    with _alone(db) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        if found not in {script.revision for script in scripts.walk_revisions()} | {None}:
            raise UserError(
                f"{db.url.render_as_string()}: was made by a newer mynah (its tables are at {found}); "
                f"install that version, or restore a backup from before."
            )
        if found != scripts.get_current_head():
            _run(connection, scripts, to)


def newest() -> str:
    """The revision that this version's tables are at."""
    return str(_scripts(VERSIONS).get_current_head())


def _scripts(versions: Path) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    return ScriptDirectory.from_config(config)


def _run(connection: Connection, scripts: ScriptDirectory, to: str) -> None:
    def steps(revision: Any, _: MigrationContext) -> Any:
        return scripts._upgrade_revs(to, revision)

    triggers.remove(connection)
    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection, target_metadata=metadata, render_as_batch=True)
        environment.run_migrations()
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).first()
        if broken:
            raise RuntimeError(f"the migration left a row that points nowhere: {broken}")
    triggers.install(connection)


@contextmanager
def _alone(db: Database) -> Iterator[Connection]:
    """A writing transaction that no other migration runs beside."""
    if db.file:
        with _folder_locked(db.file.parent), _for_rebuilding(db) as connection:
            yield connection
    else:
        with db.writing() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            yield connection


@contextmanager
def _folder_locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system frees it if this process dies.

    The switch to WAL does not wait its turn as transactions do. And the file itself is no place for a lock: closing it
    would drop SQLite's own.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _for_rebuilding(db: Database) -> Iterator[Connection]:
    """SQLite changes a column by building the table anew, and what points to it must be left alone meanwhile."""
    with db.engine.connect().execution_options(writes=True) as connection:
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("PRAGMA journal_mode = WAL")
            driver.execute("PRAGMA foreign_keys = OFF")
        except DatabaseError as error:
            raise UserError(f"{db.file}: not a database that SQLite can read ({error}).") from None
        try:
            with connection.begin():
                yield connection
        finally:
            driver.execute("PRAGMA foreign_keys = ON")
