"""TRL 1.10.0's PPOTrainer, the last line of releases with one: an iteration of the same episodes for each request."""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl.experimental.ppo import PPOConfig, PPOTrainer

from bench.contenders.line import Line

MANY = 1000
"""Iterations before the trainer would stop by itself."""


class Enough(Exception):
    """No request is left, or the settings are to change."""


class OneARequest(TrainerCallback):
    """Holds the trainer between two iterations until the next request comes; the first one warms up."""

    def __init__(self, line: Line, settings: dict[str, Any]) -> None:
        self.line, self.settings, self.warm = line, settings, False
        self.request: dict[str, Any] | None = None
        self.start = 0.0

    def on_step_end(self, *_: Any, **__: Any) -> None:
        seconds = time.perf_counter() - self.start
        if self.warm:
            self.line.answer({"figure": self.settings["batch"] / seconds})
            self.request = self.line.next()
            if self.request is None or settings_of(self.request) != self.settings:
                raise Enough
        self.warm = True
        self.start = time.perf_counter()


def settings_of(request: dict[str, Any]) -> dict[str, Any]:
    return {name: request[name] for name in ("batch", "new", "samples", "dtype", "checkpointing", "train_batch")}


def train(line: Line, request: dict[str, Any]) -> dict[str, Any] | None:
    """Answer requests of one kind; returns the first of another kind, None when there are no more."""
    watch = OneARequest(line, settings_of(request))
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(line.job, request, folder, watch)
        with suppress(Enough):
            trainer.train()
    return watch.request


def make_trainer(job: dict[str, Any], request: dict[str, Any], folder: str, watch: TrainerCallback) -> PPOTrainer:
    tokenizer = AutoTokenizer.from_pretrained(job["checkpoint"], padding_side="left")
    weights = torch.bfloat16 if request["dtype"] == "bfloat16" else torch.float32

    def scalar() -> Any:
        model = AutoModelForSequenceClassification.from_pretrained(job["checkpoint"], num_labels=1, dtype=weights)
        model.config.pad_token_id = tokenizer.pad_token_id
        return model

    policy, reference = (AutoModelForCausalLM.from_pretrained(job["checkpoint"], dtype=weights) for _ in range(2))
    prompts = json.loads(Path(job["prompts"]).read_text())[: request["batch"] // request["samples"]]
    rows = Dataset.from_list([{"input_ids": prompt} for prompt in prompts for _ in range(request["samples"])])
    config = PPOConfig(
        output_dir=folder,
        per_device_train_batch_size=request["train_batch"],
        gradient_accumulation_steps=request["batch"] // request["train_batch"],
        num_mini_batches=1,
        num_ppo_epochs=1,
        total_episodes=request["batch"] * MANY,
        response_length=request["new"],
        local_rollout_forward_batch_size=request["batch"],
        bf16=request["dtype"] == "mixed",
        use_cpu=job["device"] == "cpu",
        gradient_checkpointing=request["checkpointing"],
        report_to=[],
        save_strategy="no",
        num_sample_generations=0,
        learning_rate=3e-6,
        temperature=1.0,
        missing_eos_penalty=None,
        kl_coef=0.05,
        disable_tqdm=True,
    )
    return PPOTrainer(
        args=config,
        processing_class=tokenizer,
        model=policy,
        ref_model=reference,
        reward_model=scalar(),
        value_model=scalar(),
        train_dataset=rows,
        eval_dataset=rows.select(range(min(8, len(rows)))),
        callbacks=[watch],
    )


def main() -> None:
    line = Line()
    torch.set_num_threads(line.job["threads"])
    line.answer({"ready": True})
    request = line.next()
    while request is not None:
        request = train(line, request)


if __name__ == "__main__":
    main()
