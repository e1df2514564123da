"""One row in every table, with every column filled: the tests cover a new table or column as soon as it is there."""

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    String,
    Text,
    inspect,
    select,
)

from mynah.store import content
from mynah.store.schema import metadata, new_id, now
from mynah.store.schema.columns import Time

# Columns that exclude each other, or are narrower than their type.
SPECIAL: dict[str, Any] = {
    "message.completion": None,
    "preference_event.b": None,
    "search_text.number": None,
    "user.disabled_at": None,
    "user.erased_at": None,
    "conversation.temporary": False,
    "conversation.deleted_at": None,
    "content.subject": None,
    "label.span_start": 0,
    "reaction.reasons": ["not_true"],
}


def fill(tx: Connection, words: str) -> dict[str, str]:
    """Insert the rows; every free text, and what names the person, holds `words`. Returns the ids by table."""
    ids: dict[str, str] = {}
    tables = inspect(tx).get_table_names()  # of an older schema, fewer
    for table in metadata.sorted_tables:
        if table.name == "content" or table.name not in tables:
            continue
        there = {column["name"] for column in inspect(tx).get_columns(table.name)}  # fewer in an old database
        row = {
            column.name: value
            for column in table.c
            if column.name in there and (value := _value(tx, column, ids, words)) is not None
        }
        tx.execute(table.insert(), row)
        ids[table.name] = row.get("id") or tx.scalar(
            select(next(iter(table.primary_key or table.c))).select_from(table)
        )
    return ids


def _value(tx: Connection, column: Column, ids: dict[str, str], words: str) -> Any:
    name = f"{column.table.name}.{column.name}"
    if name in SPECIAL:
        return SPECIAL[name]
    if column.name == "id":
        return new_id()
    for key in column.foreign_keys:
        target = key.target_fullname.split(".")[0]
        text = (
            json.dumps([{"function": {"arguments": words}}], ensure_ascii=False)
            if column.name == "tool_calls"
            else words
        )
        return content.write(tx, ids["user"], text) if target == "content" else ids.get(target)
    if "one_of" in column.info:
        return column.info["one_of"][0]
    if name in ("user.name", "user.email", "outside_person.person", "search_text.words"):
        return f"u{ids['user']} {words.lower()}" if name == "search_text.words" else words
    kind = column.type
    for types, value in (
        (Time, now() + timedelta(hours=1)),
        (Boolean, True),
        ((Integer, BigInteger), 1),
        (Float, 0.5),
        (LargeBinary, bytes(32)),
        (JSON, {"plain": 1}),
        ((String, Text), "x"),
    ):
        if isinstance(kind, types):
            return value
    raise AssertionError(f"no value for {name}")
