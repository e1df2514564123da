"""Growth: what a token costs as context, batch, samples of a prompt, its share and the model grow; ours alone."""

from __future__ import annotations

from bench.cells import Cell
from bench.contender import Entry
from bench.machine import decode_limit
from bench.table import Options, Table

NEW = 32
LENGTH = 512
"""Of prompt and answer, as the prompt's share of it grows."""


def cells(options: Options) -> list[Cell]:
    points = [("context", "m8", 8, prompt, NEW, 1) for prompt in (256, 512, 1024, 2048, 4096)]
    points += [("batch", "m8", batch, 256, NEW, 1) for batch in (1, 4, 16, 64)]
    points += [("samples of a prompt", "m8", 32, 1024, NEW, samples) for samples in (1, 4, 16)]
    points += [("share of the prompt", "m8", 16, prompt, LENGTH - prompt, 1) for prompt in (64, 256, 448)]
    points += [("model", model, 16, 256, NEW, 1) for model in ("m8", "m30", "m125")]
    return [
        Cell(
            f"growth: {axis}, {prompt} + {new}, {samples} a prompt",
            model,
            batch,
            "tokens/s",
            {"do": "batch", "batch": batch, "prompt": prompt, "new": new, "samples": samples},
            limit=decode_limit(dict(options.machine), model, batch, prompt, new),
        )
        for axis, model, batch, prompt, new, samples in points[: 4 if options.quick else None]
    ]


def entries(options: Options) -> list[Entry]:
    return [Entry("mynah", "mynah_generation")]


TABLE = Table("growth", "Growth", cells, entries)
