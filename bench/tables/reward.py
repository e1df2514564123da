"""The reward model on rankings of four answers: pairs a second, against TRL's RewardTrainer on the same pairs."""

from __future__ import annotations

from bench.cells import Cell
from bench.contender import Entry
from bench.table import Options, Table
from bench.tables.sft import TRL_CHOICES


def cells(options: Options) -> list[Cell]:
    if options.device == "cuda":
        request = {"do": "reward", "batch": 8, "examples": 96}
        return [Cell("reward model, rankings of 4", "m125", 8, "pairs/s", request)]
    request = {"do": "reward", "batch": 8, "examples": 8 if options.quick else 16}
    return [
        Cell("reward model, rankings of 4", model, 8, "pairs/s", request, 8.0)
        for model in (("m8",) if options.quick else ("m8", "m30"))
    ]


def entries(options: Options) -> list[Entry]:
    return [Entry("mynah", "mynah_training"), Entry("TRL", "trl_training", "transformers", choices=dict(TRL_CHOICES))]


TABLE = Table("reward", "Reward model", cells, entries)
