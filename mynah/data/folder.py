"""The folder that a conversion makes: a file for each kind of row, a folder for each side, and their origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mynah import jsonl
from mynah.data.convert import Source, kinds
from mynah.data.rows import KINDS, Kind, Row
from mynah.data.splitting import Side
from mynah.errors import UserError
from mynah.files import sha256, write_folder, write_json

RECORD = "data.json"
SIDES: tuple[Side, ...] = ("train", "heldout", "test")
WRITE: dict[Kind, Any] = {
    "demonstrations": jsonl.write_demonstrations,
    "rankings": jsonl.write_comparisons,
    "samples": jsonl.write_samples,
    "prompts": jsonl.write_prompts,
    "text": jsonl.write_texts,
}


def check_target(out: Path, sources: Sequence[Path]) -> None:
    """UserError unless `out` is free, or holds only what an earlier conversion made and is not read from now."""
    if out.resolve() == Path.cwd():
        raise UserError(f"{out}: is the folder that you stand in, and would be replaced; name a new one below it.")
    if out.suffix.lower() in {".jsonl", ".json"} or out.is_file():
        raise UserError(f"{out}: --out is a folder, which gets a file for each kind of row; name one.")
    ours = {RECORD, *SIDES, *(f"{kind}.jsonl" for kind in KINDS)}
    if out.is_dir() and not {path.name for path in out.iterdir()} <= ours:
        raise UserError(f"{out}: exists and holds other files than `mynah data` writes; name a new folder.")
    for path in sources:
        if out.resolve() in path.resolve().parents:
            raise UserError(f"{out}: would be replaced while {path} is read from it; name a new folder.")


def write(
    out: Path,
    rows: Mapping[str, Sequence[Row]],
    sources: Sequence[Source],
    left_out: Mapping[str, int],
    settings: dict[str, Any],
) -> None:
    """Write the rows of every side, whole or not at all; the side "" stands in `out` itself."""
    origin = [
        {
            "file": source.path.name,
            "sha256": sha256(source.path),
            "form": source.form,
            "records": source.records,
            "malformed": len(source.broken),
        }
        for source in sources
    ]
    parted = {side: kinds(of_side) for side, of_side in rows.items()}
    counts = {side or "all": {kind: len(part) for kind, part in parts.items()} for side, parts in parted.items()}

    def fill(folder: Path) -> None:
        for side, parts in parted.items():
            for kind, part in parts.items():
                WRITE[kind](folder / side / f"{kind}.jsonl", part)
        record = {"sources": origin, "settings": settings, "left_out": dict(left_out), "rows": counts}
        write_json(folder / RECORD, record)

    write_folder(out, fill)
