"""SFT on dialogues: supervised tokens a second, against TRL's SFTTrainer."""

from __future__ import annotations

from typing import Any

from bench.cells import Cell
from bench.contender import Entry
from bench.table import Options, Table

TRL_CHOICES: dict[str, list[Any]] = {
    "dtype": ["mixed", "float32", "bfloat16"],
    "checkpointing": [True, False],
    "batch_of": [{"rows": 8, "packed": False}, {"rows": 32, "packed": False}],
}
"""TRL trains at its best of these; `bfloat16` keeps no fp32 masters, as ours does, and may take part all the same."""


def cells(options: Options) -> list[Cell]:
    if options.device == "cuda":
        updates = {"do": "pretrain", "batch": 128, "tokens": 512, "microbatch": 32_768, "updates": 5}
        return [
            Cell("SFT, dialogues", "m125", 32, "supervised tokens/s", {"do": "sft", "batch": 32, "examples": 640}),
            Cell("pretraining, pieces of 512", "m125", 128, "tokens/s", updates, only=("mynah",)),
        ]
    request = {"do": "sft", "batch": 32, "examples": 32 if options.quick else 64}
    return [
        Cell("SFT, dialogues", model, 32, "supervised tokens/s", request, 4.5)
        for model in (("m8",) if options.quick else ("m8", "m30"))
    ]


def entries(options: Options) -> list[Entry]:
    packs = [{"rows": packs, "packed": True} for packs in (1, 2)]  # of 1024 tokens; a mask keeps dialogues apart
    choices = TRL_CHOICES | {"batch_of": [*TRL_CHOICES["batch_of"], *packs]}
    return [Entry("mynah", "mynah_training"), Entry("TRL", "trl_training", "transformers", choices=choices)]


TABLE = Table("sft", "Supervised fine-tuning", cells, entries)
