"""Chat in 8-bit weights against our own bf16: one person, and a few at once, for whom it is not made."""

from __future__ import annotations

from bench.cells import Cell
from bench.contender import Entry
from bench.table import Options, Table

GOALS = {("m125", 1): 1.5}


def cells(options: Options) -> list[Cell]:
    return [
        Cell(
            "8-bit weights, 64 + 64",
            model,
            batch,
            "tokens/s",
            {"do": "batch", "batch": batch, "prompt": 64, "new": 64},
            GOALS.get((model, batch)),
        )
        for model in (("m30",) if options.quick else ("m30", "m125"))
        for batch in (1, 4, 16)
    ]


def entries(options: Options) -> list[Entry]:
    return [
        Entry("mynah", "mynah_generation", choices={"int8": [True]}),
        Entry("mynah, bf16", "mynah_generation", choices={"int8": [False]}),
    ]


TABLE = Table("int8", "Weights in 8 bits", cells, entries)
