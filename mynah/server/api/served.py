"""Which checkpoints answer here, for admins: figures, parents, history; promote another, take it back."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from mynah.server.errors import APIError
from mynah.server.identity import Caller, admin
from mynah.server.models import ServedModel
from mynah.server.promotion import Promoter, place
from mynah.server.run_view import figures_of
from mynah.server.versions import parent_of
from mynah.store.promotions import Decided, decisions

SHOWN_DECISIONS = 100
Admin = Annotated[Caller, Depends(admin)]
Name = Annotated[str, Field(max_length=200)]


class Promote(BaseModel):
    """Which stage of which run, under which name, and why."""

    model_config = ConfigDict(extra="forbid")
    run: Name
    stage: Name
    name: Name = ""
    reason: Annotated[str, Field(max_length=2000)] = ""


class Rollback(BaseModel):
    """Which name, and why."""

    model_config = ConfigDict(extra="forbid")
    name: Name = ""
    reason: Annotated[str, Field(max_length=2000)] = ""


def routes(promoter: Promoter | None) -> APIRouter:
    """Without a promoter another engine answers, and what it serves is its own affair."""
    api = APIRouter(prefix="/api/served", tags=["served models"])

    def ours() -> Promoter:
        if promoter is None:
            message = "Another engine answers here (--engine); choose its models where it runs."
            raise APIError(409, message, code="other_engine")
        return promoter

    @api.get("")
    async def served(who: Admin) -> dict[str, Any]:
        """What answers now, what still finishes, and every decision so far."""
        if promoter is None:
            return {"items": [], "next": None, "draining": [], "history": [], "other_engine": True}
        return await asyncio.to_thread(_served, promoter)

    @api.post("/promote")
    async def promote(body: Promote, who: Admin) -> dict[str, Any]:
        """Let a finished stage of a run answer from now on; answers under way are finished by the one before."""
        await ours().promote(who.user, body.run, body.stage, body.name, body.reason)
        return await asyncio.to_thread(_served, ours())

    @api.post("/rollback")
    async def rollback(who: Admin, body: Rollback | None = None) -> dict[str, Any]:
        """Let what the last promotion replaced answer again."""
        body = body or Rollback()
        await ours().rollback(who.user, body.name, body.reason)
        return await asyncio.to_thread(_served, ours())

    return api


def _served(promoter: Promoter) -> dict[str, Any]:
    with promoter.db.reading() as tx:
        history = decisions(tx)
    return {
        "items": [_model(model) for model in promoter.service.models],
        "next": None,
        "draining": [_model(model) for model in promoter.draining],
        "history": [_decision(one) for one in history[: -SHOWN_DECISIONS - 1 : -1]],
        "other_engine": False,
    }


def _model(model: ServedModel) -> dict[str, Any]:
    stage, lineage = model.origin, []
    parent = parent_of(stage) if stage else None
    while parent:
        lineage.append(place(parent) | {"kind": parent.kind, "weights": parent.record.get("weights")})
        parent = parent_of(parent)
    record = stage.record if stage else {}
    return {
        "name": model.name,
        "run": stage.run.name if stage else None,
        "stage": stage.key if stage else None,
        "kind": stage.kind if stage else None,
        "weights": model.weights,
        "tokenizer": model.assistant.tokenizer.sha256,
        "context": model.assistant.engine.context,
        "since": model.created,
        "in_flight": model.in_flight,
        "parents": record.get("parents", {}),
        "data": record.get("data", {}),
        "lineage": lineage,
        "figures": figures_of(stage) if stage else {},
    }


def _decision(one: Decided) -> dict[str, Any]:
    return {
        "id": one.id,
        "decision": one.decision,
        "at": one.at.isoformat(),
        "by": one.author_name,
        "reason": one.reason,
        **{key: one.comparison.get(key) for key in ("served_as", "run", "stage", "replaced", "win_rate", "direct")},
    }
