"""What the columns of every table share: ids, times, references, and the mark of evidence."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, DateTime, Dialect, ForeignKey, MetaData, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

# Named constraints, so that a migration can speak of them on both databases.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# `info` of a table whose rows are never changed nor deleted; triggers.py has the databases refuse it.
EVIDENCE = {"evidence": True}

Json = JSON().with_variant(JSONB(), "postgresql")


class Time(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no time zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7 as 32 hexadecimal digits (RFC 9562): ids sort by the time they were made, to a quarter microsecond.

    48 bits of milliseconds, 12 of their fraction (method 3 of section 6.2), 62 at random.
    """
    milliseconds, fraction = divmod(time.time_ns(), 1_000_000)
    high = milliseconds << 16 | 0x7000 | (fraction << 12) // 1_000_000
    low = 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2
    return f"{high << 64 | low:032x}"


def id_column() -> Column[str]:
    return Column("id", String(32), primary_key=True, default=new_id)


def made_at() -> Column[datetime]:
    return Column("created_at", Time, nullable=False, default=now)


def ref(name: str, table: str = "", *, optional: bool = False, unique: bool = False, index: bool = True) -> Column[str]:
    """A reference to a row of `table`, by default the one that `name` names; indexed, as most are looked up by it."""
    return Column(
        name,
        String(32),
        ForeignKey(f"{table or name}.id"),
        nullable=optional,
        unique=unique,
        index=index and not unique,
    )


def text(name: str, *, optional: bool = True) -> Column[str]:
    """Free text that somebody wrote: a reference to `content`, the one table that holds and forgets words."""
    return ref(name, "content", optional=optional, index=False)


def one_of(column: str, *values: str, optional: bool = False) -> tuple[Column[Any], CheckConstraint]:
    """A column that takes one of a few words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return Column(column, String(16), nullable=optional, info={"one_of": values}), CheckConstraint(
        f"{column} IN ({listed})", name=column
    )
