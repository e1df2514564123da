"""What is served, as a model version of the store: its hashes, and the checkpoint that it was trained from."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from mynah import store
from mynah.errors import UserError
from mynah.runs import Stage
from mynah.server.models import ServedModel
from mynah.tokens import Tokenizer

PARENTS = ("start", "policy", "sft", "base")
"""The role, among a stage's parents in `run.json`, of the policy whose weights it began with."""
NAME = 200
"""Characters that the store keeps of a name."""


def know_served(tx: Connection, model: ServedModel) -> str:
    """The id of the version that `model` is. Asked for every answer, so what is known costs one look-up."""
    tokenizer = model.assistant.tokenizer
    if known := store.find_model(tx, model.weights, tokenizer.sha256, _template(tokenizer)):
        return known
    if model.origin and model.origin.record.get("weights") == model.weights:
        return know_stage(tx, model.origin, tokenizer)
    served = store.Model(model.name[:NAME], "served", model.weights, tokenizer.sha256, _template(tokenizer))
    return store.know_model(tx, served)


def know_stage(tx: Connection, stage: Stage, tokenizer: Tokenizer | None = None) -> str:
    """The id of a finished stage's version; its parents are made known first, as far as their files are still there."""
    record, tokenizer = stage.record, tokenizer or Tokenizer.load(stage.folder)
    model = store.Model(
        name=f"{stage.run.name}/{stage.key}"[-NAME:],
        stage=stage.kind,
        weights=record["weights"],
        tokenizer=tokenizer.sha256,
        template=_template(tokenizer),
        code_version=record.get("code_version", ""),
        run=stage.run.name[:NAME],
        parent=_parent(tx, stage),
    )
    return store.know_model(tx, model)


def parent_of(stage: Stage) -> Stage | None:
    """The stage whose weights this one began with, unless it was trained again since."""
    for role in PARENTS:
        if named := stage.record.get("parents", {}).get(role):
            parent = stage.run.stage(named["stage"])
            return parent if parent.done and parent.record.get("weights") == named["weights"] else None
    return None


def _parent(tx: Connection, stage: Stage) -> str | None:
    parent = parent_of(stage)
    try:
        return know_stage(tx, parent) if parent else None
    except UserError:  # its tokenizer cannot be read any more
        return None


def _template(tokenizer: Tokenizer) -> str:
    source = tokenizer.template.source if tokenizer.template else ""
    return "sha256:" + hashlib.sha256(source.encode()).hexdigest()
