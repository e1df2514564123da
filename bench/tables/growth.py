"""Growth: what a token costs as context, batch, samples of a prompt and the model grow; ours alone."""

from __future__ import annotations

from bench.cells import Cell
from bench.contender import Entry
from bench.machine import decode_limit
from bench.table import Options, Table

NEW = 32


def cells(options: Options) -> list[Cell]:
    points = [("context", "m8", 8, prompt, 1) for prompt in (256, 512, 1024, 2048, 4096)]
    points += [("batch", "m8", batch, 256, 1) for batch in (1, 4, 16, 64)]
    points += [("samples of a prompt", "m8", 32, 1024, samples) for samples in (1, 4, 16)]
    points += [("model", model, 16, 256, 1) for model in ("m8", "m30", "m125")]
    return [
        Cell(
            f"growth: {axis}, {prompt} + {NEW}, {samples} a prompt",
            model,
            batch,
            "tokens/s",
            {"do": "batch", "batch": batch, "prompt": prompt, "new": NEW, "samples": samples},
            limit=decode_limit(dict(options.machine), model, batch, prompt, NEW),
        )
        for axis, model, batch, prompt, samples in points[: 4 if options.quick else None]
    ]


def entries(options: Options) -> list[Entry]:
    return [Entry("mynah", "mynah_generation")]


TABLE = Table("growth", "Growth", cells, entries)
