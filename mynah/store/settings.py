"""Settings by name: those of the service, and each person's own, whose words are kept as other words are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select

from mynah.store import content
from mynah.store.once import insert_once
from mynah.store.schema import new_id, now, service_setting, user_setting


def service_settings(tx: Connection) -> dict[str, Any]:
    """What was set, by name."""
    return {row.name: row.value for row in tx.execute(select(service_setting.c.name, service_setting.c.value))}


def set_service(tx: Connection, by: str | None, name: str, value: Any) -> None:
    """Set one; None takes it back to its default."""
    tx.execute(delete(service_setting).where(service_setting.c.name == name))
    if value is not None:
        row = {"name": name, "value": value, "changed_by": by, "changed_at": now()}
        insert_once(tx, service_setting, row, "name")


def user_settings(tx: Connection, person: str) -> dict[str, Any]:
    """A person's own, by name."""
    rows = tx.execute(select(user_setting).where(user_setting.c.user == person)).all()
    texts = content.read(tx, (row.content for row in rows))
    return {row.name: texts.get(row.content, "") if row.content else row.value for row in rows}


def set_user(tx: Connection, person: str, settings: Mapping[str, Any], words: Mapping[str, str]) -> None:
    """Replace all of a person's settings by these; `words` are those that they wrote."""
    old = tx.scalars(select(user_setting.c.content).where(user_setting.c.user == person)).all()
    tx.execute(delete(user_setting).where(user_setting.c.user == person))
    content.forget(tx, old)
    for name, value in (settings | words).items():  # type: ignore[operator]
        row = {"id": new_id(), "user": person, "name": name, "value": value, "changed_at": now()}
        if name in words:
            row |= {"value": None, "content": content.write_optional(tx, person, words[name])}
        insert_once(tx, user_setting, row, "user", "name")
