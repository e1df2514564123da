"""TRL's SFTTrainer and RewardTrainer on the same token ids: a pass over the examples, timed from its second update's
worth of warm-up on."""

from __future__ import annotations

import json
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

from bench.contenders.line import Line

TRIAL = 32
"""Dialogues, or pairs, of a trial of settings: the same for a pack an update and for 32 rows."""
DIALOGUES_A_PACK = 3
"""About, of 1024 tokens: for the length of the warm-up."""


class Training:
    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.tokenizer = AutoTokenizer.from_pretrained(job["checkpoint"])

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        """Supervised tokens (or pairs) a second."""
        rows, counts = getattr(self, f"_{request['do']}_rows")()
        batch = request["batch_of"]["rows"] * (DIALOGUES_A_PACK if request["batch_of"]["packed"] else 1)
        everything = request["examples"] * (6 if request["do"] == "reward" else 1)
        examples = min(TRIAL, everything) if request.get("trial") else everything
        self._train(request, rows[-2 * batch :])
        start = time.perf_counter()
        seconds = self._train(request, rows[:examples])
        assert seconds <= time.perf_counter() - start
        return {"figure": sum(counts[:examples]) / seconds}

    def _sft_rows(self) -> tuple[list[dict[str, Any]], list[int]]:
        rows = json.loads(Path(self.job["demonstrations"]).read_text())
        made = [
            {
                "input_ids": row["ids"],
                "labels": [id_ if said else -100 for id_, said in zip(row["ids"], row["mask"], strict=True)],
            }
            for row in rows
        ]
        return made, [sum(row["mask"]) for row in rows]

    def _reward_rows(self) -> tuple[list[dict[str, Any]], list[int]]:
        rows = json.loads(Path(self.job["rankings"]).read_text())
        made = [
            {"chosen_ids": row["prompt"] + better, "rejected_ids": row["prompt"] + worse}
            for row in rows
            for better, worse in combinations(row["completions"], 2)
        ]
        return made, [1] * len(made)

    def _train(self, request: dict[str, Any], rows: list[dict[str, Any]]) -> float:
        """Seconds of one pass, without the making of model and trainer."""
        with tempfile.TemporaryDirectory() as folder:
            trainer = self._trainer(request, Dataset.from_list(rows), folder)
            start = time.perf_counter()
            trainer.train()
            return time.perf_counter() - start

    def _trainer(self, request: dict[str, Any], rows: Dataset, folder: str) -> Any:
        settings: dict[str, Any] = {
            "output_dir": folder,
            "per_device_train_batch_size": request["batch_of"]["rows"],
            "num_train_epochs": 1,
            "gradient_checkpointing": request["checkpointing"],
            "bf16": request["dtype"] == "mixed",
            "use_cpu": self.job["device"] == "cpu",
            "report_to": [],
            "save_strategy": "no",
            "logging_steps": 1000,
            "disable_tqdm": True,
            "max_length": 1024,
            "optim": "adamw_torch_fused",
        }
        weights = torch.bfloat16 if request["dtype"] == "bfloat16" else torch.float32
        if request["do"] == "sft":
            model = AutoModelForCausalLM.from_pretrained(self.job["checkpoint"], dtype=weights)
            config = SFTConfig(**settings, packing=request["batch_of"]["packed"])
            return SFTTrainer(model, config, train_dataset=rows, processing_class=self.tokenizer)
        model = AutoModelForSequenceClassification.from_pretrained(self.job["checkpoint"], num_labels=1, dtype=weights)
        model.config.pad_token_id = self.tokenizer.pad_token_id
        return RewardTrainer(model, RewardConfig(**settings), train_dataset=rows, processing_class=self.tokenizer)


def main() -> None:
    line = Line()
    torch.set_num_threads(line.job["threads"])
    line.serve(Training(line.job).measure)


if __name__ == "__main__":
    main()
