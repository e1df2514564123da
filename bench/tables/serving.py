"""Chat beside rollouts: how long eight people wait for a first token while the engine is full of rollouts."""

from __future__ import annotations

from bench.cells import Cell
from bench.contender import Entry
from bench.table import Options, Table


def cells(options: Options) -> list[Cell]:
    return [
        Cell(
            "first token of 8 chats beside rollouts",
            model,
            64,
            "ms",
            {"do": "first_token", "batch": 64, "streams": 8},
            0.5,
            less_is_better=True,
        )
        for model in ("m8", "m30")
    ]


def entries(options: Options) -> list[Entry]:
    """The rival is our own engine with nothing else to do; half its speed is the goal."""
    return [
        Entry("mynah", "mynah_generation", choices={"rollouts": [64]}),
        Entry("mynah, idle", "mynah_generation", choices={"rollouts": [0]}),
    ]


TABLE = Table("serving", "Chat beside rollouts", cells, entries)
