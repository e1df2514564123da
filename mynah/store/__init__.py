"""What people and models said, and what people made of it: kept as evidence, forgotten on request. docs/store.md."""

from __future__ import annotations

from pathlib import Path

from mynah.store.answers import (
    Model,
    add_prompt,
    begin_answer,
    finish_answer,
    finish_interrupted,
    keep_partial,
    know_model,
    provenance,
)
from mynah.store.conversations import (
    Listed,
    Said,
    add_message,
    branch,
    conversations,
    delete_conversation,
    messages,
    own,
    rename,
    start_conversation,
)
from mynah.store.database import Database, connect, locate
from mynah.store.erasure import belongings, erase_person, scrub
from mynah.store.judgements import comparisons, demonstrate, demonstrations, mark, prefer, rank, react
from mynah.store.migrate import migrate
from mynah.store.people import (
    add_user,
    broken_audit,
    consents,
    find_local,
    find_user,
    local_person,
    note,
    service_account,
    set_consent,
)
from mynah.store.schema import new_id
from mynah.store.search_index import Hit, search

__all__ = [
    "Database",
    "Hit",
    "Listed",
    "Model",
    "Said",
    "add_message",
    "add_prompt",
    "add_user",
    "begin_answer",
    "belongings",
    "branch",
    "broken_audit",
    "comparisons",
    "connect",
    "consents",
    "conversations",
    "delete_conversation",
    "demonstrate",
    "demonstrations",
    "erase_person",
    "find_local",
    "find_user",
    "finish_answer",
    "finish_interrupted",
    "keep_partial",
    "know_model",
    "local_person",
    "locate",
    "mark",
    "messages",
    "migrate",
    "new_id",
    "note",
    "open",
    "own",
    "prefer",
    "provenance",
    "rank",
    "react",
    "rename",
    "scrub",
    "search",
    "service_account",
    "set_consent",
    "start_conversation",
]


def open(location: str | Path) -> Database:
    """The database at a file or URL, made if it is not there, with the tables of this version."""
    db = connect(locate(location))
    migrate(db)
    return db
