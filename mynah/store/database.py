"""A database by its URL: connections as the store needs them, and its two kinds of transaction.

    db = store.open(home / "mynah.db")
    with db.writing() as tx:
        store.add_message(tx, …)

What was added is durable once `writing()` has been left; an exception inside takes all of it back.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from mynah.errors import UserError
from mynah.files import writing as writing_file

WAIT_S = 30  # how long a transaction waits for another one's lock


class Database:
    """An open database. Threads may share it."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self.url, self.engine = url, engine

    @property
    def file(self) -> Path | None:
        """SQLite's file; None on PostgreSQL."""
        return Path(str(self.url.database)) if self.url.get_backend_name() == "sqlite" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        options: dict[str, Any] = {} if self.file else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write. On SQLite there is one at a time, so keep it short."""
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def run_alone(self, *statements: str) -> list[Any]:
        """Statements that cannot be in a transaction, as VACUUM; the last one's first row."""
        connection = self.engine.raw_connection()
        driver: Any = connection.driver_connection
        try:
            if not self.file:
                driver.autocommit = True
            for statement in statements:
                cursor = driver.execute(statement)
            return list(cursor.fetchone() or ()) if cursor.description else []
        finally:
            if not self.file:
                driver.autocommit = False
            connection.close()

    def close(self) -> None:
        self.engine.dispose()


def locate(location: str | Path) -> URL:
    """The URL of a SQLite file's path, or of a `sqlite:` or `postgresql:` URL; UserError for anything else."""
    if isinstance(location, Path):
        return URL.create("sqlite", database=str(location.absolute()))
    try:
        url = make_url(location)
    except ArgumentError:
        raise UserError(
            f"--database {location}: not a URL; write postgresql://USER@HOST/NAME or sqlite:///PATH."
        ) from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return locate(Path(url.database))
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise UserError(f"--database: {backend} is not supported; use a SQLite file or PostgreSQL.")


def connect(url: URL) -> Database:
    """Connections to a database as it is; `store.open` also brings its tables up to date."""
    if url.get_backend_name() == "sqlite":
        return Database(url, _sqlite(url))
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except ImportError:
        raise UserError("PostgreSQL needs a driver; in mynah's folder: pip install -e '.[postgres]'.") from None
    try:
        engine.connect().close()
    except OperationalError as error:
        shown = url.render_as_string(hide_password=True)
        raise UserError(f"--database {shown}: no connection ({str(error.orig).splitlines()[0]}).") from None
    return Database(url, engine)


def _sqlite(url: URL) -> Engine:
    file = Path(str(url.database))
    engine = create_engine(url, connect_args={"timeout": WAIT_S})

    @event.listens_for(engine, "do_connect")
    def make(*_: Any) -> None:
        if not file.exists():  # a file that is there is left alone: closing it would drop SQLite's locks
            with writing_file(file), suppress(FileExistsError):
                file.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))  # for nobody else on this machine to read

    @event.listens_for(engine, "connect")
    def settle(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions by itself, and too late
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA recursive_triggers = ON")  # else INSERT OR REPLACE deletes past the triggers
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = FULL")  # a committed message survives a power cut

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails if another wrote in between; this one waits instead.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
