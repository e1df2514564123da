"""Who else serves this database: so that a start knows a dead process's half-written answers from a live one's."""

from __future__ import annotations

import fcntl
import os

from sqlalchemy import Connection, text

from mynah.store.database import Database

LOCK = 0x736572766573  # "serves"


class Presence:
    """Held from start to stop. The system, or PostgreSQL, lets go of it when the process dies, however it dies."""

    def __init__(self, db: Database) -> None:
        self._file: int | None = None
        self._session: Connection | None = None
        self.alone = self._open_file(f"{db.file}-serving") if db.file else self._open_session(db)
        """Whether nobody else served it when this one came. Others that come wait for `settle`."""

    def settle(self) -> None:
        """Let others in: what was left behind is dealt with."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_SH)
        elif self._session is not None:
            self._run("SELECT pg_advisory_lock_shared(:lock)")
            if self.alone:
                self._run("SELECT pg_advisory_unlock(:lock)")

    def leave(self) -> None:
        if self._file is not None:
            os.close(self._file)
        if self._session is not None:
            self._session.invalidate()  # the lock ends with the connection
            self._session.close()

    def _open_file(self, path: str) -> bool:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _open_session(self, db: Database) -> bool:
        self._session = db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return bool(self._run("SELECT pg_try_advisory_lock(:lock)"))

    def _run(self, statement: str) -> object:
        assert self._session
        return self._session.execute(text(statement), {"lock": LOCK}).scalar()
