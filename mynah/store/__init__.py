"""What people and models said, and what people made of it: kept as evidence, forgotten on request. docs/store.md."""

from __future__ import annotations

from pathlib import Path

from mynah.store.answers import (
    Answer,
    Model,
    Told,
    add_answer,
    add_prompt,
    begin_answer,
    being_given,
    charge,
    find_model,
    finish_answer,
    finish_interrupted,
    keep_partial,
    know_model,
    note_usage,
    provenance,
    show_answer,
    told,
)
from mynah.store.api_talks import forget_prompt, place_prompt
from mynah.store.conversations import (
    Listed,
    Said,
    add_message,
    branch,
    change_conversation,
    conversations,
    delete_conversation,
    delete_temporary,
    listed,
    messages,
    own,
    rename,
    start_conversation,
)
from mynah.store.database import Database, connect, locate
from mynah.store.drafts import forget_draft, keep_draft, read_draft
from mynah.store.erasure import belongings, erase_person, scrub
from mynah.store.judgements import (
    Thumb,
    comparisons,
    correct,
    demonstrate,
    demonstrations,
    mark,
    prefer,
    preferred,
    rank,
    react,
    thumbs,
    voted,
)
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
from mynah.store.shares import Shared, add_share, revoke_share, shared, shares

__all__ = [
    "Answer",
    "Database",
    "Hit",
    "Listed",
    "Model",
    "Said",
    "Shared",
    "Thumb",
    "Told",
    "add_answer",
    "add_message",
    "add_prompt",
    "add_share",
    "add_user",
    "begin_answer",
    "being_given",
    "belongings",
    "branch",
    "broken_audit",
    "change_conversation",
    "charge",
    "comparisons",
    "connect",
    "consents",
    "conversations",
    "correct",
    "delete_conversation",
    "delete_temporary",
    "demonstrate",
    "demonstrations",
    "erase_person",
    "find_local",
    "find_model",
    "find_user",
    "finish_answer",
    "finish_interrupted",
    "forget_draft",
    "forget_prompt",
    "keep_draft",
    "keep_partial",
    "know_model",
    "listed",
    "local_person",
    "locate",
    "mark",
    "messages",
    "migrate",
    "new_id",
    "note",
    "note_usage",
    "open",
    "own",
    "place_prompt",
    "prefer",
    "preferred",
    "provenance",
    "rank",
    "react",
    "read_draft",
    "rename",
    "revoke_share",
    "scrub",
    "search",
    "service_account",
    "set_consent",
    "shared",
    "shares",
    "show_answer",
    "start_conversation",
    "thumbs",
    "told",
    "voted",
]


def open(location: str | Path) -> Database:
    """The database at a file or URL, made if it is not there, with the tables of this version."""
    db = connect(locate(location))
    migrate(db)
    return db
