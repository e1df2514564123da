"""Runs, for admins: the list, one run, its curves as they grow, samples, the report; and asking a stage to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse

from mynah import store
from mynah.server.errors import APIError
from mynah.server.identity import Caller, admin
from mynah.server.metrics_file import read_on
from mynah.server.run_view import all_runs, find_run, find_stage, over_time, side_by_side, state, whole_run
from mynah.store.database import Database

REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The report is one page with its styles inside, and words that models and strangers wrote: no scripts, no requests, an
origin of its own."""


def routes(home: Path, db: Database) -> APIRouter:
    """The runs in `home`. Plain functions: they read files, so they run in threads."""
    api = APIRouter(prefix="/api/runs", tags=["runs"], dependencies=[Depends(admin)])

    @api.get("")
    def runs() -> dict[str, Any]:
        """Every run, the one that changed last first."""
        return {"items": all_runs(home), "next": None}

    @api.get("/{name}")
    def run(name: str) -> dict[str, Any]:
        """One run: its stages with settings, parents, data hashes and figures."""
        return whole_run(find_run(home, name))

    @api.get("/{name}/metrics")
    def metrics(name: str, stage: str, after: str = "") -> dict[str, Any]:
        """The curves of a stage; `after` is the `next` of an earlier answer, and gives what came since."""
        found = find_stage(find_run(home, name), stage)
        return read_on(found.state / "metrics.jsonl", after) | {"stage": stage, "state": state(found)}

    @api.post("/{name}/stop", status_code=202)
    def stop(name: str, stage: str, who: Annotated[Caller, Depends(admin)]) -> dict[str, Any]:
        """Ask a stage at work to save and end after its step. Its process reads the wish, if it is alive."""
        found = find_stage(find_run(home, name), stage)
        if state(found) != "running":
            raise APIError(409, f"{name}/{stage} is not at work; there is nothing to stop.", code="not_running")
        with db.writing() as tx:
            store.note(tx, who.user, "run.stop", name, {"run": name, "stage": stage})
        found.wish.touch()
        return {"run": name, "stage": stage, "stopping": True}

    @api.get("/{name}/samples")
    def samples(
        name: str, after: Annotated[int, Query(ge=0, le=10**6)] = 0, limit: Annotated[int, Query(ge=1, le=50)] = 10
    ) -> dict[str, Any]:
        """Answers to the same prompts: of every model, and of the policy as PPO went on."""
        found = find_run(home, name)
        items, more = over_time(found, after, limit)
        return {
            "side_by_side": [] if after else side_by_side(found),
            "items": items,
            "next": str(after + limit) if more else None,
        }

    @api.get("/{name}/report")
    def report(name: str) -> FileResponse:
        """The run's report page."""
        path = find_run(home, name).root / "report.html"
        if not path.is_file():
            message = f"The run '{name}' has no report yet; write one with `mynah report --run {name}`."
            raise APIError(404, message, code="no_report")
        headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-store"}
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)

    return api
