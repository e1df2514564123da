"""TRL's RewardTrainer on rankings as token ids, every strict pair a row; then the scores of held-out answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, TaskType
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer

from bench.contenders.line import Line

SAVES = 4
"""Checkpoints an epoch: what a stopped trial goes on from."""
ROWS = {"cpu": 8, "cuda": 32}
"""Sequences in one forward pass; a matter of memory, not of results."""


class Reward:
    """The SFT checkpoint with a fresh score head, for each request anew."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job, self.at_once = job, ROWS[torch.device(job["device"]).type]
        self.tokenizer = AutoTokenizer.from_pretrained(job["checkpoint"])
        self.rows: dict[str, list[dict[str, Any]]] = json.loads(Path(job["rows"]).read_text())

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        """Train by the request's settings; the scores of the dev and the test rows' answers."""
        pairs = [
            {
                "chosen_ids": row["prompt"] + row["completions"][better],
                "rejected_ids": row["prompt"] + row["completions"][worse],
            }
            for row in self.rows["train"]
            for better, worse in row["pairs"]
        ]
        torch.manual_seed(request["seed"])
        model = AutoModelForSequenceClassification.from_pretrained(
            self.job["checkpoint"], num_labels=1, dtype=torch.float32
        )
        model.config.pad_token_id = self.tokenizer.pad_token_id
        trainer = RewardTrainer(
            model,
            self._config(request, len(pairs)),
            train_dataset=Dataset.from_list(pairs),
            processing_class=self.tokenizer,
            peft_config=_adapters(request["lora"]),
        )
        folder = Path(request["folder"])
        trainer.train(resume_from_checkpoint=any(folder.glob("checkpoint-*")) or None)
        model = trainer.model.eval()
        return {side: self._scores(model, self.rows[side], request["mixed"]) for side in ("dev", "test")}

    def _config(self, request: dict[str, Any], pairs: int) -> RewardConfig:
        batch = request["batch_size"]
        return RewardConfig(
            output_dir=request["folder"],
            learning_rate=request["learning_rate"],
            num_train_epochs=request["epochs"],
            lr_scheduler_type="cosine",
            warmup_steps=max(1, round(0.03 * request["epochs"] * pairs / batch)),
            per_device_train_batch_size=min(self.at_once, batch),
            gradient_accumulation_steps=max(1, batch // self.at_once),
            gradient_checkpointing=False,
            bf16=request["mixed"],
            use_cpu=self.job["device"] == "cpu",
            seed=request["seed"],
            max_length=request["context"] + 1,  # an end of turn may stand one past it, as for ours
            optim="adamw_torch_fused",
            report_to=[],
            save_strategy="steps",
            save_steps=max(1, pairs // batch // SAVES),
            save_total_limit=1,
            logging_steps=50,
            disable_tqdm=True,
        )

    @torch.no_grad()
    def _scores(self, model: Any, rows: list[dict[str, Any]], mixed: bool) -> list[list[float]]:
        """[score of each answer] of each row, sequences of like lengths together."""
        sequences = [(i, row["prompt"] + answer) for i, row in enumerate(rows) for answer in row["completions"]]
        found: list[list[float]] = [[] for _ in rows]
        scores: dict[int, float] = {}
        order = sorted(range(len(sequences)), key=lambda k: len(sequences[k][1]))
        for start in range(0, len(order), 4 * self.at_once):
            chosen = order[start : start + 4 * self.at_once]
            batch = self.tokenizer.pad({"input_ids": [sequences[k][1] for k in chosen]}, return_tensors="pt").to(
                model.device
            )
            with torch.autocast(model.device.type, torch.bfloat16, enabled=mixed):
                logits = model(**batch).logits
            scores |= dict(zip(chosen, logits.float().squeeze(-1).tolist(), strict=True))
        for k, (i, _) in enumerate(sequences):
            found[i].append(scores[k])
        return found


def _adapters(lora: dict[str, Any] | None) -> LoraConfig | None:
    """Ours: on every linear layer of the blocks, the score head trained with them."""
    if lora is None:
        return None
    return LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=lora["rank"],
        lora_alpha=lora["alpha"],
        target_modules="all-linear",
        modules_to_save=["score"],
    )


def main() -> None:
    line = Line()
    torch.set_num_threads(line.job["threads"])
    line.serve(Reward(line.job).measure)


if __name__ == "__main__":
    main()
