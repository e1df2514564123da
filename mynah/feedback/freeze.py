"""A numbered data set that can be made again: its recipe, the evidence behind every row, and a hash over all of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from mynah import jsonl
from mynah.feedback.groups import settle
from mynah.feedback.training import RAW, Gained, Gathered, Recipe, gather
from mynah.files import sha256, write_folder, write_json
from mynah.nouns import Comparison, Demonstration
from mynah.store import content
from mynah.store.database import Database
from mynah.store.datasets import Entry, Kind, add_dataset, datasets, entries, manifest, next_number
from mynah.store.evidence import evidence

FILES = {"demonstrations": "demonstrations.jsonl", "comparisons": "rankings.jsonl"}
"""Named as `mynah data` names them."""


@dataclass(frozen=True)
class Frozen:
    """What one freezing gave."""

    number: int
    recipe: Recipe
    demonstrations: tuple[Demonstration, ...]
    comparisons: tuple[Comparison, ...]
    manifests: dict[str, str]
    """By kind."""
    gathered: Gathered


@dataclass(frozen=True)
class Rebuilt:
    """A data set made again. `rows` are those whose words are still there."""

    kind: str
    number: int
    rows: tuple[Demonstration | Comparison, ...]
    frozen: str
    """The manifest that it was frozen with."""
    manifest: str
    """That of the rows as they are now; those whose words are gone count with the key that they had."""
    erased: int

    @property
    def same(self) -> bool:
        return self.manifest == self.frozen


def freeze(db: Database, recipe: Recipe, author: str | None = None) -> Frozen:
    """Settle the sides of new prompts, gather what the recipe takes, and keep it under the next number."""
    with db.reading() as tx:
        asked = evidence(tx, recipe.until).prompts.values()
    settle(db, [row for row in asked if not row.temporary and row.source != RAW])
    with db.reading() as tx:
        gathered = gather(tx, recipe)
        recipe = replace(recipe, signs_scale=gathered.signs_scale)
        parts: dict[Kind, list[Gained]] = {
            "demonstrations": _with_words(gathered.demonstrations),
            "comparisons": _with_words(gathered.comparisons),
        }
        rows: dict[Kind, list[Entry]] = {kind: [_entry(tx, row) for row in part] for kind, part in parts.items()}
    gathered.left_out["judgements whose words are gone"] += (
        len(gathered.demonstrations) + len(gathered.comparisons) - sum(map(len, parts.values()))
    )
    with db.writing() as tx:
        number = next_number(tx)
        for kind, part in rows.items():
            add_dataset(tx, kind, number, recipe.to_json(), part, author)
    return Frozen(
        number,
        recipe,
        tuple(row.row for row in parts["demonstrations"] if isinstance(row.row, Demonstration)),
        tuple(row.row for row in parts["comparisons"] if isinstance(row.row, Comparison)),
        {kind: manifest(part) for kind, part in rows.items()},
        gathered,
    )


def rebuild(db: Database, number: int) -> list[Rebuilt]:
    """Make the data sets of this number again from their recipe; LookupError if there is none."""
    with db.reading() as tx:
        kept = datasets(tx, number)
        if not kept:
            raise LookupError(f"no data set {number}")
        gathered = gather(tx, Recipe.from_json(kept[0].recipe))
        return [
            _compared(tx, row, gathered.demonstrations if row.kind == "demonstrations" else gathered.comparisons)
            for row in kept
        ]


def write(folder: Path, frozen: Frozen) -> None:
    """The rows as files that the steps read, and data.json: number, recipe, hashes, what was left out and replaced."""

    def fill(target: Path) -> None:
        if frozen.demonstrations:
            jsonl.write_demonstrations(target / FILES["demonstrations"], frozen.demonstrations)
        if frozen.comparisons:
            jsonl.write_comparisons(target / FILES["comparisons"], frozen.comparisons)
        record = {
            "dataset": frozen.number,
            "recipe": frozen.recipe.to_json(),
            "manifests": frozen.manifests,
            "rows": {"demonstrations": len(frozen.demonstrations), "rankings": len(frozen.comparisons)},
            "left_out": dict(+frozen.gathered.left_out),
            "replaced": dict(frozen.gathered.scrubbed),
            "files": {path.name: sha256(path) for path in sorted(target.glob("*.jsonl"))},
        }
        write_json(target / "data.json", record)

    write_folder(folder, fill)


def _compared(tx: Connection, kept: Any, gained: Sequence[Gained]) -> Rebuilt:
    """The rows as frozen beside the rows as they are now."""
    found = {(row.evidence, row.id): row for row in gained}
    now, rows, erased = [], [], 0
    for entry in entries(tx, kept.id):
        row = found.pop((entry.evidence, entry.evidence_id), None)
        if row is None:
            continue
        if row.row is None:
            now.append(entry)
            erased += 1
        else:
            now.append(_entry(tx, row))
            rows.append(row.row)
    more = [_entry(tx, row) for row in found.values() if row.row]  # none, unless the rules were changed
    return Rebuilt(kept.kind, kept.number, tuple(rows), kept.manifest, manifest([*now, *more]), erased)


def _with_words(rows: Sequence[Gained]) -> list[Gained]:
    return [row for row in rows if row.row is not None]


def _entry(tx: Connection, row: Gained) -> Entry:
    """The row's key is of its text under the salts of all whose words are in it: one who leaves makes it untestable."""
    assert row.row is not None
    if isinstance(row.row, Comparison):
        plain, weight = jsonl.comparison_row(row.row), row.row.weight
    else:
        plain, weight = jsonl.demonstration_row(row.row), 1.0
    key = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    for person in row.writers:
        key = content.key(tx, person, key)
    return Entry(row.evidence, row.id, key, weight)
