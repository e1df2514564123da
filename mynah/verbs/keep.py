"""The verbs that keep what people said, and let it go: backup, restore, scrub."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mynah import store
from mynah.errors import UserError
from mynah.progress import console
from mynah.store.backup import backup as back_up
from mynah.store.backup import restore as put_back
from mynah.store.database import Database
from mynah.verbs.say import say


@Parameter(name="*")
@dataclass(frozen=True)
class Kept:
    """Which database."""

    home: Annotated[Path, Parameter(env_var="MYNAH_HOME")] = field(default_factory=Path)
    "The folder that holds mynah.db."
    database: Annotated[str, Parameter(env_var="MYNAH_DATABASE")] = ""
    "A database elsewhere: postgresql://USER@HOST/NAME, or sqlite:///PATH."

    @property
    def location(self) -> str | Path:
        return self.database or self.home / "mynah.db"

    def existing(self) -> Database:
        url = store.locate(self.location)
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
            raise UserError(
                f"{url.database}: no such database; name its folder with --home, or its URL with --database."
            )
        return store.open(self.location)


HERE = Kept()


def backup(file: Path, *, kept: Kept = HERE) -> None:
    """Copy the database to a file, while the service runs, and check the copy.

    ```
    mynah backup monday.db
    mynah backup monday.dump --database postgresql://mynah@db/mynah
    ```

    Parameters
    ----------
    file
        Where to; a file that is there is replaced once the new one is whole.
    """
    rows = back_up(kept.existing(), file)
    _tell(file, rows)


def restore(file: Path, *, kept: Kept = HERE) -> None:
    """Put a backup in the place of the database, while the service runs.

    What was erased since then stays erased, as far as the database that it replaces knows of it.

    ```
    mynah restore monday.db
    mynah restore monday.dump --database postgresql://mynah@db/mynah
    ```

    Parameters
    ----------
    file
        What `mynah backup` wrote, from the same kind of database.
    """
    db = store.connect(store.locate(kept.location))
    rows = put_back(db, file)
    _tell(Path(db.file or db.url.render_as_string()), rows)


def scrub(*, kept: Kept = HERE) -> None:
    """Clear what deleted words left behind in the database's files, while the service runs.

    The service does it by itself after a person left; deleted conversations wait for this, nightly for instance.
    Writers wait meanwhile.

    ```
    mynah scrub
    mynah scrub --database postgresql://mynah@db/mynah
    ```
    """
    if not store.scrub(kept.existing()):
        raise UserError("Somebody was reading for long, so the log could not be emptied; call it again later.")
    console.print("Nothing is left of what was deleted.", highlight=False)


def _tell(path: Path, rows: dict[str, int]) -> None:
    say(path)
    people, talks, said, rankings = (rows[table] for table in ("user", "conversation", "message", "ranking"))
    console.print(f"{people} people, {talks} conversations, {said} messages, {rankings} rankings", highlight=False)
