"""Frozen data sets, for admins: make one of what people judged, and take its rows along as JSONL.

Every export is a numbered data set of docs/feedback.md: consent counts at the moment of freezing, secrets are replaced,
and what was taken can be told from its number for good.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from sqlalchemy import Row

from mynah import store
from mynah.feedback.freeze import FILES, freeze, rebuild
from mynah.feedback.training import Recipe, Split
from mynah.jsonl import comparison_row, demonstration_row
from mynah.nouns import Demonstration
from mynah.server.api.feedback_list import utc
from mynah.server.errors import APIError
from mynah.server.identity import Caller, admin
from mynah.server.requests import Body
from mynah.store import Database
from mynah.store.datasets import Kind, datasets, every_dataset
from mynah.store.feedback_list import Kind as OpinionKind
from mynah.store.feedback_list import Wanted, listed_ids
from mynah.store.schema import now

Admin = Annotated[Caller, Depends(admin)]


class Listed(Body):
    """The filters of the feedback list (feedback_list.py)."""

    kind: OpinionKind | None = None
    model: Annotated[str, Field(max_length=200)] = ""
    rating: Annotated[int, Field(ge=-1, le=1)] | None = None
    since: Annotated[datetime | None, Field(alias="from", strict=False)] = None
    until: Annotated[datetime | None, Field(alias="to", strict=False)] = None
    q: Annotated[str, Field(max_length=200)] = ""

    def wanted(self) -> Wanted:
        return Wanted(self.kind, self.model, self.rating, utc(self.since), utc(self.until), self.q.strip())

    def to_json(self) -> dict[str, str]:
        """Those that leave something out."""
        chosen = self.model_dump(mode="json", by_alias=True)
        return {name: str(value) for name, value in chosen.items() if value not in (None, "")}


class Freeze(Body):
    """`POST /api/datasets`"""

    split: Split = "train"
    listed: Listed | None = None
    """Only what the feedback list shows under these filters; without, all that people judged, rankings too."""


def routes(db: Database) -> APIRouter:
    """Plain functions: freezing reads the whole store, so they run in threads."""
    api = APIRouter(prefix="/api/datasets", tags=["data sets"])

    @api.get("")
    def known(who: Admin) -> dict[str, Any]:
        """Every data set, the newest first; one of each kind shares a number."""
        with db.reading() as tx:
            return {"items": [_described(row) for row in every_dataset(tx)], "next": None}

    @api.post("")
    def make(body: Freeze, who: Admin) -> dict[str, Any]:
        """Freeze what people who consent have judged so far, or of it what is listed under some filters."""
        frozen = freeze(db, _recipe(db, body, who), who.user)
        with db.writing() as tx:
            store.note(tx, who.user, "dataset.freeze", str(frozen.number))
        with db.reading() as tx:
            made = [_described(row) for row in datasets(tx, frozen.number)]
        gathered = frozen.gathered
        return {
            "number": frozen.number,
            "items": made,
            "left_out": dict(+gathered.left_out),
            "replaced": dict(gathered.scrubbed),
        }

    @api.get("/{number}/{kind}")
    def rows(number: int, kind: Kind, who: Admin) -> Response:
        """The rows as `mynah sft` and `mynah reward` read them, less those whose words were erased since."""
        made = _rebuilt(number)
        [part] = [one for one in made if one.kind == kind] or [None]
        if part is None:
            raise _unknown(number)
        if not part.same:
            message = f"Data set {number} cannot be made again as it was: the rules have changed since."
            raise APIError(409, message, code="dataset_changed")
        with db.writing() as tx:
            store.note(tx, who.user, "dataset.download", str(number), {"kind": kind})
        lines = (demonstration_row(row) if isinstance(row, Demonstration) else comparison_row(row) for row in part.rows)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        name = f"data-set-{number}-{FILES[kind]}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(text, media_type="application/jsonl", headers=headers)

    def _rebuilt(number: int) -> list[Any]:
        try:
            return rebuild(db, number)
        except (LookupError, OverflowError):
            raise _unknown(number) from None

    return api


def _recipe(db: Database, body: Freeze, who: Caller) -> Recipe:
    """Thumbs that were asked for by themselves are not held down to their share of a whole set."""
    recipe, listed = Recipe(now(), body.split), body.listed
    if listed is None or not listed.to_json():
        return recipe
    with db.reading() as tx:
        ids = listed_ids(tx, who.user, listed.wanted())
    share = 1.0 if listed.kind == "thumb" or listed.rating is not None else recipe.signs_share
    return replace(recipe, only=tuple(ids), listed=listed.to_json(), signs_share=share)


def _unknown(number: int) -> APIError:
    return APIError(404, f"There is no data set {number}.", param="number", code="dataset_not_found")


def _described(row: Row[Any]) -> dict[str, Any]:
    return {
        "number": row.number,
        "kind": row.kind,
        "rows": row.rows,
        "split": row.recipe.get("split", "train"),
        "listed": row.recipe.get("listed") or {},
        "manifest": row.manifest,
        "created_at": row.created_at.isoformat(),
    }
