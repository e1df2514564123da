"""The store's fixtures, and people who agreed that what they say and judge trains."""

import pytest
from sqlalchemy import Connection

from mynah import store
from mynah.feedback import groups
from tests.store.conftest import (  # noqa: F401 (fixtures)
    Told,
    answered,
    db,
    migrated,
    postgres,
    postgresql,
    sqlite,
    tell,
    told,
)


def person(tx: Connection, role: str = "user", consents: bool = True) -> str:
    """A new account that agreed to train, or did not."""
    id = store.add_user(tx, role)
    if consents:
        store.set_consent(tx, id, "training", True)
    return id


def asked(tx: Connection, question: str, *answers: str, owner: str = "") -> tuple[Told, list[str]]:
    """A question of a consenting person with K answers: (the first one's ids, all completions)."""
    first = told(tx, question, answers[0], owner or person(tx))
    return first, [first.completion, *(answered(tx, first.prompt, text) for text in answers[1:])]


@pytest.fixture
def all_train(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new group of prompts is for training: a test of other rules draws no lots."""
    monkeypatch.setattr(groups, "SHARES", {"test": 0.0, "validation": 0.0})
