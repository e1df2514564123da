"""One trial: a reward model of ours, or of TRL's RewardTrainer, from the same SFT checkpoint on the same rows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cells import Finished
from bench.contender import Contender, Entry
from mynah import jsonl
from mynah.agent.scorer import Scorer, answered
from mynah.files import read_json, sha256, write_json
from mynah.model.lora import LoRA
from mynah.model.precision import Hardware
from mynah.nouns import Comparison
from mynah.runs import Run, Stage, weights_sha256
from mynah.step2_reward.train import RewardSettings, train_reward
from mynah.tokens import ChatFormat, Tokenizer

TRL = Entry("TRL", "trl_reward", "transformers")
HELDOUT = 0.02
"""Of our training rows: all that our own progress figures need, since the dev part is what counts."""


@dataclass(frozen=True)
class Setting:
    """A point of the grid that is searched for both sides."""

    learning_rate: float
    epochs: int

    @property
    def name(self) -> str:
        return f"{self.learning_rate:g}-x{self.epochs}"


@dataclass(frozen=True)
class Material:
    """What both sides are given in one fold: the checkpoint, and rows that fit its context."""

    fold: str
    """Its name."""
    home: Path
    checkpoint: Path
    """The SFT model."""
    context: int
    train: list[Comparison]
    dev: list[Comparison]
    test: list[Comparison]
    batch_size: int
    seed: int
    threads: int
    lora: int = 0
    """Rank of the adapters where anything but a head is trained; 0: all weights are."""
    head_first: bool = False
    """Ours fits the score head before anything else."""

    @property
    def rankings(self) -> Path:
        """The training rows as a file that `mynah reward` takes."""
        return self.home / "data" / f"{self.fold}.rankings.jsonl"

    @property
    def ids(self) -> Path:
        """All rows as token ids, for those who have no chat format of ours."""
        return self.home / "data" / f"{self.fold}.ids.json"

    def write(self) -> None:
        """Both files."""
        chat = ChatFormat(Tokenizer.load(self.checkpoint))
        jsonl.write_comparisons(self.rankings, self.train)
        write_json(self.ids, {side: _ids(chat, getattr(self, side)) for side in ("train", "dev", "test")})

    def key(self, setting: Setting) -> str:
        """A short hash of all that decides a trial's result, but for the code."""
        start = weights_sha256(self.checkpoint)
        asked = [value for value in (self.lora if setting.epochs else 0, self.head_first) if value]
        return Finished.key(start, sha256(self.ids), vars(setting), self.batch_size, self.seed, *asked)


def result_file(home: Path, fold: str, who: str, setting: Setting) -> Path:
    """Where a trial's scores lie."""
    return home / "trials" / fold / f"{who}-{setting.name}.json"


def reward_run(fold: str, setting: Setting) -> str:
    """The run of one of our trials."""
    return f"{fold}-reward-{setting.name}"


Scores = dict[str, Any]
"""{"dev": [[score of each answer] of each row], "test": …, "seconds": …, "key": …}: no text."""


def finished(material: Material, who: str, setting: Setting) -> Scores | None:
    """The trial's result, if it was made from just this."""
    path = result_file(material.home, material.fold, who, setting)
    found = read_json(path) if path.exists() else None
    return found if found and found["key"] == material.key(setting) else None


def ours(material: Material, setting: Setting, hardware: Hardware) -> Scores:
    """`mynah reward`, then its scores; resumed where it was stopped."""
    if found := finished(material, "mynah", setting):
        return found
    settings = RewardSettings(
        learning_rate=setting.learning_rate,
        epochs=setting.epochs,
        batch_size=material.batch_size,
        heldout=HELDOUT,
        ensemble=0,
        lora=LoRA(rank=material.lora if setting.epochs else 0),
        head_first=material.head_first,
    )
    stage = our_stage(material, setting, settings, hardware)
    if not stage.done:
        train_reward(stage, material.checkpoint, material.train, [], settings, hardware, material.seed)
    for state in stage.state.glob("*.pt"):  # what it would have been resumed from
        state.unlink()
    scorer = Scorer.load(stage.folder, hardware)
    made = {side: _scored(scorer, getattr(material, side)) for side in ("dev", "test")}
    return _kept(material, "mynah", setting, made | {"seconds": stage.record["seconds"]})


def our_stage(material: Material, setting: Setting, settings: RewardSettings, hardware: Hardware) -> Stage:
    """The run's stage of a setting; each has a run of its own."""
    run = Run(material.home, reward_run(material.fold, setting))
    made_with = {"reward": settings.model_dump(), "hardware": hardware.model_dump()}
    made_with["start"] = {"weights": weights_sha256(material.checkpoint)}
    data = {"rankings": material.rankings}
    return run.begin("reward", 1, settings=made_with, seed=material.seed, data=data, redo=True)


def theirs(material: Material, setting: Setting, hardware: Hardware) -> Scores:
    """The same by TRL's RewardTrainer, in its own environment, on the same token ids.

    Raises Unavailable where TRL cannot be installed or fails.
    """
    if found := finished(material, "TRL", setting):
        return found
    job = {
        "model": material.fold,
        "threads": material.threads,
        "checkpoint": str(material.checkpoint),
        "rows": str(material.ids),
        "device": hardware.device,
    }
    request = {
        "learning_rate": setting.learning_rate,
        "epochs": setting.epochs,
        "batch_size": material.batch_size,
        "context": material.context,
        "seed": material.seed,
        "mixed": hardware.dtype == "bfloat16",
        "lora": LoRA(rank=material.lora).model_dump() if material.lora else None,
        "folder": str(material.home / "trl" / f"{material.fold}-{setting.name}-{material.key(setting)}"),
    }
    start = time.monotonic()
    with Contender(TRL, job) as contender:
        answer = contender.measure(request)
    shutil.rmtree(str(request["folder"]))  # what it would have been resumed from
    return _kept(material, "TRL", setting, answer | {"seconds": time.monotonic() - start})


def _kept(material: Material, who: str, setting: Setting, scores: Scores) -> Scores:
    scores = scores | {"key": material.key(setting)}
    write_json(result_file(material.home, material.fold, who, setting), scores)
    return scores


def _scored(scorer: Scorer, rows: Sequence[Comparison]) -> list[list[float]]:
    found = scorer.score([row.prompt for row in rows], [row.completions for row in rows])
    return [scores.scores.tolist() for scores in found]


def _ids(chat: ChatFormat, rows: Sequence[Comparison]) -> list[dict[str, Any]]:
    made = []
    for row in rows:
        group = answered(chat, row.prompt, row.completions, 10**9)
        made.append({"prompt": group.trunk, "completions": group.branches, "pairs": row.pairs()})
    return made
