"""What the database itself holds true: evidence is only added to, sealed content can only be erased, search follows.

A migration runs without them (it may have to rewrite evidence into another form), and they are written anew after it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, text

from mynah.store.schema import EVIDENCE, content, prompt

# The one change that a sealed content knows: body and key go, the moment is noted, all else stays.
ERASURE = (
    "NEW.sealed AND NEW.body IS NULL AND NEW.key IS NULL AND NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL "
    "AND NEW.id = OLD.id AND NEW.owner = OLD.owner AND COALESCE(NEW.subject, '') = COALESCE(OLD.subject, '') "
    "AND NEW.created_at = OLD.created_at"
)

# The one change that a prompt knows: it is put into its group of near-duplicates, and so on a side of the split.
GROUPED = "OLD.prompt_group IS NULL AND " + " AND ".join(
    f"NEW.{column.name} = OLD.{column.name}" for column in prompt.c if column is not prompt.c.prompt_group
)


def install(connection: Connection) -> None:
    """Create the triggers, in the caller's transaction."""
    for statement in _sqlite() if connection.dialect.name == "sqlite" else _postgresql():
        connection.exec_driver_sql(statement)


def remove(connection: Connection) -> None:
    """Drop every trigger there is, in the caller's transaction: nobody else sees the tables without."""
    if connection.dialect.name == "sqlite":
        for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        found = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        for name, table in connection.execute(text(found)).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name} ON {table}")


def _refusal(table: Table) -> str:
    return f"{table.name} is evidence and never changes; add a row that supersedes it"


def _sqlite() -> Iterator[str]:
    def refuse(name: str, event: str, table: Table, why: str, when: str = "") -> str:
        condition = f" WHEN {when}" if when else ""
        return (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table.name}{condition} BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )

    for table in EVIDENCE:
        unless = f"NOT ({GROUPED})" if table is prompt else ""
        yield refuse(f"{table.name}_no_update", "UPDATE", table, _refusal(table), unless)
        yield refuse(f"{table.name}_no_delete", "DELETE", table, _refusal(table))
    yield refuse(
        "content_sealed", "UPDATE", content, "sealed content can only be erased", f"OLD.sealed AND NOT ({ERASURE})"
    )
    yield refuse("content_kept", "DELETE", content, "sealed content can only be erased", "OLD.sealed")
    forget = "INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', OLD.number, OLD.words);"
    learn = "INSERT INTO search_index (rowid, words) VALUES (NEW.number, NEW.words);"
    yield f"CREATE TRIGGER search_added AFTER INSERT ON search_text BEGIN {learn} END"
    yield f"CREATE TRIGGER search_removed AFTER DELETE ON search_text BEGIN {forget} END"
    yield f"CREATE TRIGGER search_changed AFTER UPDATE ON search_text BEGIN {forget} {learn} END"


def _postgresql() -> Iterator[str]:
    yield (
        "CREATE OR REPLACE FUNCTION mynah_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation'; END $$"
    )

    def refuse(name: str, event: str, table: Table, why: str, each: str = "ROW", when: str = "") -> str:
        condition = f" WHEN ({when})" if when else ""
        return (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table.name} FOR EACH {each}{condition} "
            f"EXECUTE FUNCTION mynah_refuse('{why}')"
        )

    for table in EVIDENCE:
        if table is prompt:
            yield refuse("prompt_no_update", "UPDATE", table, _refusal(table), when=f"NOT ({GROUPED})")
        changes = "DELETE" if table is prompt else "UPDATE OR DELETE"
        yield refuse(f"{table.name}_no_change", changes, table, _refusal(table))
        yield refuse(f"{table.name}_no_truncate", "TRUNCATE", table, _refusal(table), each="STATEMENT")
    only = "sealed content can only be erased"
    yield refuse("content_sealed", "UPDATE", content, only, when=f"OLD.sealed AND NOT ({ERASURE})")
    yield refuse("content_kept", "DELETE", content, only, when="OLD.sealed")
    yield refuse("content_no_truncate", "TRUNCATE", content, only, each="STATEMENT")
