"""A checkpoint takes the place of what is served, and can give it back. No stream breaks: the old one finishes.

Each change is recorded, with what was measured, before it is made: a crash between the two is mended by the next start.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from weakref import WeakSet

import torch

from mynah import store
from mynah.runs import Stage
from mynah.server.errors import APIError
from mynah.server.generation import Service
from mynah.server.models import ServedModel
from mynah.server.run_view import figures_of, find_run, find_stage
from mynah.server.versions import know_served, know_stage
from mynah.store import Database
from mynah.store.promotions import Decision, decide, decisions, standing


class Promoter:
    """Changes what `service` serves to other stages of the runs in `home`, one change at a time."""

    def __init__(self, service: Service, db: Database, home: Path) -> None:
        self.service, self.db, self.home = service, db, home
        self._one_at_a_time = asyncio.Lock()  # two models are in memory meanwhile; three need not fit
        self._replaced: WeakSet[ServedModel] = WeakSet()

    @property
    def draining(self) -> list[ServedModel]:
        """Models that were replaced and have answers to finish."""
        return [model for model in self._replaced if model.in_flight]

    async def promote(self, author: str, run: str, stage: str, name: str = "", reason: str = "") -> None:
        """`stage` of `run` answers under `name`, by default that of the first model, from now on. APIError if not."""
        async with self._one_at_a_time:
            old, wanted = self._old(name), await asyncio.to_thread(find_stage, find_run(self.home, run), stage)
            if wanted.kind == "reward" or not wanted.done:
                why = "scores answers and writes none" if wanted.kind == "reward" else "is not finished"
                raise APIError(409, f"{run}/{stage} {why}; promote a finished policy.", param="stage")
            if old.origin and place(old.origin) == place(wanted) and old.weights == wanted.record.get("weights"):
                raise APIError(409, f"{run}/{stage} is what '{old.name}' serves already.", code="already_served")
            await self._replace(old, wanted, "promote", author, reason, wanted.record.get("weights"))

    async def rollback(self, author: str, name: str = "", reason: str = "") -> None:
        """What the last promotion under `name` replaced answers again; a second rollback goes one further back."""
        async with self._one_at_a_time:
            old = self._old(name)
            before = await asyncio.to_thread(self._before, old.name)
            if before is None:
                raise APIError(409, f"Nothing was promoted in place of '{old.name}' yet.", code="nothing_to_roll_back")
            if not before.get("run"):
                message = "What was served before was no stage of a run; start the service with it, or promote another."
                raise APIError(409, message, code="nothing_to_roll_back")
            stage = find_stage(find_run(self.home, before["run"]), before["stage"])
            await self._replace(old, stage, "rollback", author, reason, before["weights"])

    def _old(self, name: str) -> ServedModel:
        models = self.service.models
        return models.find(name) if name else next(iter(models))

    def _before(self, name: str) -> dict[str, Any] | None:
        with self.db.reading() as tx:
            held = standing(decisions(tx, name))
        return held[-1].comparison["replaced"] if held else None

    async def _replace(
        self, old: ServedModel, stage: Stage, decision: Decision, author: str, reason: str, weights: str | None
    ) -> None:
        """Load, record, exchange. Until the last of these, the old model answers."""
        new = await asyncio.to_thread(self._load, old, stage)
        if new.weights != weights:
            message = (
                f"{stage.run.name}/{stage.key} was trained again or changed since; its weights are not those meant."
            )
            raise APIError(409, message, code="other_weights")
        await asyncio.to_thread(self._record, old, new, stage, decision, author, reason)
        self.service.models.promote(new)
        self._replaced.add(old)

    def _load(self, old: ServedModel, stage: Stage) -> ServedModel:
        try:
            return ServedModel.load(old.name, stage.folder, old.hardware, self.service.settings, stage)
        except (MemoryError, torch.OutOfMemoryError):
            message = "There is no memory for a second model beside the one that answers; nothing was changed."
            raise APIError(503, message, kind="server_error", code="out_of_memory") from None

    def _record(
        self, old: ServedModel, new: ServedModel, stage: Stage, decision: Decision, author: str, reason: str
    ) -> None:
        win = figures_of(stage).get("win_rate")
        against = stage.run.record["stages"].get(win["against"], {}) if win else {}
        comparison = {
            "served_as": old.name,
            "run": stage.run.name,
            "stage": stage.key,
            "weights": new.weights,
            "replaced": (place(old.origin) if old.origin else {}) | {"weights": old.weights},
            "win_rate": win,
            "direct": bool(win) and against.get("weights") == old.weights,
        }
        with self.db.writing() as tx:
            before, now = know_served(tx, old), know_stage(tx, stage, new.assistant.tokenizer)
            id = decide(tx, decision, now, replaces=before, comparison=comparison, reason=reason, author=author)
            store.note(tx, author, f"model.{decision}", id, place(stage) | {"served_as": old.name})


def place(stage: Stage) -> dict[str, str]:
    """Where a checkpoint is found again."""
    return {"run": stage.run.name, "stage": stage.key}


def promoted(db: Database, name: str) -> dict[str, str] | None:
    """`run`, `stage` and `weights` that was last given to people under `name`; None if nobody decided anything."""
    with db.reading() as tx:
        decided = decisions(tx, name)
    held = standing(decided)
    if held:
        return {key: str(held[-1].comparison[key]) for key in ("run", "stage", "weights")}
    return dict(decided[0].comparison["replaced"]) if decided else None
