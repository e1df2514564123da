"""PPO: whole iterations, 64 episodes of 64 + 64 tokens and one epoch, against the last TRL with a PPOTrainer."""

from __future__ import annotations

from typing import Any

from bench.cells import Cell
from bench.contender import Entry
from bench.table import Options, Table

GOALS = {1: 2.5, 4: 3.5}
"""By the number of rollouts of a prompt."""
CHOICES: dict[str, list[Any]] = {
    "dtype": ["mixed", "bfloat16"],
    "checkpointing": [False, True],
    "train_batch": [16, 64],
}


def cells(options: Options) -> list[Cell]:
    models = ("m125",) if options.device == "cuda" else ("m8",) if options.quick else ("m8", "m30")
    return [
        Cell(
            f"PPO, {64 // samples} prompts × {samples}",
            model,
            64,
            "episodes/s",
            {"do": "ppo", "batch": 64, "new": 64, "samples": samples},
            None if options.device == "cuda" else GOALS[samples],
        )
        for model in models
        for samples in (1, 4)
    ]


def entries(options: Options) -> list[Entry]:
    quick = {name: values[:1] for name, values in CHOICES.items()}
    return [
        Entry("mynah", "mynah_ppo"),
        Entry("TRL 1.10", "trl_ppo", "trl-ppo", choices=quick if options.quick else dict(CHOICES)),
    ]


TABLE = Table("ppo", "PPO", cells, entries)
