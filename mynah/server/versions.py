"""What is served, as the store knows models."""

from __future__ import annotations

from sqlalchemy import Connection

from mynah import store
from mynah.server.models import ServedModel


def know_served(tx: Connection, model: ServedModel) -> str:
    """The id of the model version that a served model is."""
    tokenizer = model.assistant.tokenizer.sha256
    return store.know_model(tx, store.Model(model.name[:200], "ppo", model.weights, tokenizer, ""))
