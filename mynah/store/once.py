"""A row that is there once, however often and from wherever it is added at the same moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(tx: Connection, table: Table, row: Mapping[str, Any], *unique: str) -> bool:
    """Insert `row` unless there is one with the same `unique` columns; whether it was inserted.

    Two workers who look first and insert then would both find nothing; here the second waits for the first.
    """
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(dict(row)).on_conflict_do_nothing(index_elements=list(unique))
    return tx.execute(statement.returning(*table.primary_key)).first() is not None
