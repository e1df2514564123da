"""One experiment in reading order: for each fold SFT on the chosen answers, then the search on both sides; a table.

Everything is kept in a folder of its own; what is there and was made from the same is not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.environments import Unavailable
from bench.real import judgements, result, trials
from bench.real.judgements import Fold, Judged
from bench.real.trials import Material, Scores, Setting
from bench.real.words_only import by_words
from mynah.errors import UserError
from mynah.files import sha256
from mynah.model.hub import load_config
from mynah.model.precision import Hardware
from mynah.nouns import Comparison
from mynah.progress import console
from mynah.runs import Run, code_version, weights_sha256
from mynah.step1_sft.train import SFTSettings, finetune
from mynah.tokens import ChatFormat, Tokenizer


@dataclass(frozen=True)
class Experiment:
    """What is compared on which rows, and how it is trained."""

    name: str
    home: Path
    """Holds all that it makes."""
    rows: list[Judged]
    base: Path
    """A checkpoint folder."""
    folds: int
    settings: dict[str, tuple[Setting, ...]]
    """The grid of each side."""
    sft: SFTSettings
    hardware: Hardware
    batch_size: int = 32
    """Rankings an update of the reward model; pairs for TRL, which has no rankings."""
    seed: int = 0
    threads: int = 1
    chats: bool = False
    """The base answers already, so it is every fold's SFT model, as it is."""
    limit: int = 0
    """Tokens that everyone reads at most, where that is less than the base can."""
    lora: int = 0
    """Rank of the adapters that both sides train; 0: all weights."""
    apart: bool = False
    """Each subset has reward models of its own, trained on its rankings alone, as length is fitted."""
    head_first: bool = False
    """Our score head is fitted on the checkpoint as it is, before anything is trained."""
    search_once: bool = False
    """Search on the first fold alone; the others take what it chose. Their test rows are then not wholly unseen by the
    choice of two numbers, for both sides alike."""

    @cached_property
    def all_folds(self) -> list[Fold]:
        return list(map(judgements.by_subset, judgements.folds(self.rows, self.folds)))

    def parts(self, fold: Fold) -> list[Fold]:
        """What has a reward model of its own."""
        parts = judgements.apart(fold) if self.apart else [fold]
        for part in parts:
            if not (part.train and part.dev):
                few = part.subset or self.name
                raise UserError(f"{few}: too few rows for {self.folds} folds and a dev part; give it more.")
        return parts

    def fitted(self, row: Judged) -> Comparison:
        """The row as everyone reads it, shortened to the base's context; cut once."""
        if id(row) not in self._fitted:
            self._fitted[id(row)] = judgements.fitted(row, self.chat, self.context)
        return self._fitted[id(row)]

    @cached_property
    def _fitted(self) -> dict[int, Comparison]:
        return {}

    @cached_property
    def chat(self) -> ChatFormat:
        return ChatFormat(Tokenizer.load(self.base))

    @cached_property
    def context(self) -> int:
        whole = load_config(self.base).context
        return min(whole, self.limit or whole)

    def checkpoint(self, fold: Fold) -> Path:
        """Where a fold's SFT model lies."""
        if self.chats:
            return self.base
        return self._sft_run(fold).root / "round-1" / "1-sft"

    def tuned(self, fold: Fold) -> Path:
        """`mynah sft` on the best answers of the fold's training rows."""
        if self.chats:
            return self.base
        rows = list(map(self.fitted, fold.train))
        shown = judgements.demonstrations(rows, self.chat, self.context)
        made_with = {"sft": self.sft.model_dump(), "hardware": self.hardware.model_dump()}
        made_with["start"] = {"weights": weights_sha256(self.base)}
        made_with["demonstrations"] = {"hash": judgements.digest(shown)}
        stage = self._sft_run(fold).begin("sft", 1, settings=made_with, seed=self.seed, redo=True)
        if not stage.done:
            finetune(stage, self.base, shown, self.sft, self.hardware, self.seed)
        return stage.folder

    def material(self, fold: Fold) -> Material:
        """What both sides are given, once the SFT model is there."""
        sides = {
            side: list(map(self.fitted, rows))
            for side, rows in (("train", fold.train), ("dev", fold.dev), ("test", fold.test))
        }
        checkpoint = self.checkpoint(fold)
        made = Material(
            fold.name,
            self.home,
            checkpoint,
            self.context,
            **sides,
            batch_size=self.batch_size,
            seed=self.seed,
            threads=self.threads,
            lora=self.lora,
            head_first=self.head_first,
        )
        made.write()
        return made

    def search(self, who: str, fold: Fold, material: Material, settings: Sequence[Setting]) -> tuple[Setting, Scores]:
        """Every setting; the one that does best on the dev part, with its scores."""
        train: Callable[..., Scores] = trials.ours if who == result.OURS else trials.theirs
        tried = []
        for setting in settings:
            scores = train(material, setting, self.hardware)
            accuracy = result.macro(fold.dev, scores["dev"])
            tried.append((accuracy, setting, scores))
            console.print(f"{fold.name}, {who}, {setting.name}: {accuracy:.3f} on the dev part")
        best = max(tried, key=lambda one: one[0])  # of equals the first
        return best[1], best[2]

    def run(self, numbers: Sequence[int] = ()) -> dict[str, Any]:
        """All folds, or these; returns what is written as the result."""
        done = [fold for fold in self.all_folds if not numbers or fold.number in numbers]
        parts = [part for whole in done for part in self.parts(whole)]
        found = self._baselines(done)
        chosen: dict[str, dict[str, Setting]] = {}
        first: dict[tuple[str, str], Setting] = {}
        left_out = {} if result.TRL in self.settings else {result.TRL: "not asked for"}
        for whole in done:
            self.tuned(whole)
        for fold in parts:
            material = self.material(fold)
            for who in (result.OURS, result.TRL):
                if who in left_out:
                    continue
                earlier = first.get((who, fold.subset))
                grid = (earlier,) if self.search_once and earlier else self.settings[who]
                try:
                    setting, scores = self.search(who, fold, material, grid)
                except Unavailable as why:
                    left_out[who] = str(why)
                    found.pop(who, None)
                    continue
                chosen.setdefault(who, {})[fold.name] = setting
                first.setdefault((who, fold.subset), setting)
                outcomes = result.outcomes([row.comparison for row in fold.test], scores["test"])
                found.setdefault(who, []).extend(outcomes)
        return self.described(done) | {
            "chosen": {who: {f: s.name for f, s in of_one.items()} for who, of_one in chosen.items()},
            "left_out": left_out,
            "table": result.figures(done, found),
        }

    def baselines(self) -> dict[str, Any]:
        """What no model is needed for, alone; it takes a minute."""
        return {"table": result.figures(self.all_folds, self._baselines(self.all_folds))}

    @staticmethod
    def _baselines(folds: Sequence[Fold]) -> dict[str, list[float]]:
        """What length, and what words alone tell of the test rows, fold after fold."""
        return {
            result.LENGTH: [value for fold in folds for value in result.by_length(fold)],
            result.WORDS: [value for fold in folds for value in by_words(fold)],
        }

    def described(self, done: Sequence[Fold]) -> dict[str, Any]:
        """What it was, without a word of the data."""
        base = {"weights": weights_sha256(self.base), "config": sha256(self.base / "config.json")}
        subsets = dict.fromkeys(row.subset for row in self.rows)
        shortened = sum(self.fitted(row) != row.comparison for fold in done for row in fold.test)
        return {
            "experiment": self.name,
            "base": base | {"context": self.context},
            "rankings": {subset: sum(row.subset == subset for row in self.rows) for subset in subsets},
            "data": judgements.digest([row.comparison for row in self.rows]),
            "folds": [{"fold": f.number, "train": len(f.train), "dev": len(f.dev), "test": len(f.test)} for f in done],
            "shortened_to_fit": shortened,
            "grid": {who: [setting.name for setting in grid] for who, grid in self.settings.items()},
            "searched": "on the first fold" if self.search_once else "on each fold",
            "sft": None if self.chats else self.sft.model_dump(),
            "batch_size": self.batch_size,
            "lora": self.lora,
            "apart": self.apart,
            "head_first": self.head_first,
            "hardware": self.hardware.model_dump(),
            "seed": self.seed,
            "code": code_version(),
        }

    def _sft_run(self, fold: Fold) -> Run:
        return Run(self.home, f"fold-{fold.number}-sft")
