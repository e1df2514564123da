"""The main job on an embedded world: base → SFT → [ sample → rank → reward model → PPO ], again; and FeedME."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from mynah import jsonl
from mynah.evals.report import headline
from mynah.feedback.simulated import label
from mynah.files import sha256
from mynah.loop import Loop
from mynah.primer.world import World
from mynah.progress import console
from mynah.runs import code_sha256

MODELS = ("base", "sft", "feedme", "best_of_n", "ppo")


@dataclass(frozen=True)
class Demo:
    """One world, one run."""

    world: World
    loop: Loop
    rounds: int = 0
    """How often steps 2 and 3 are made; 0: as often as the recipe shares out the prompts for ranking."""
    from_scratch: bool = False
    """Pretrain the base model, even if the world has one."""

    def train(self) -> None:
        """All steps; each is skipped when it is done, and resumed when it was stopped."""
        loop, data = self.loop, self._write_world()
        if self._adopts():
            assert self.world.base
            self._say("0", "A base model that has read the world's text", loop.adopt(self.world.base).key)
        else:
            self._say("0", "A base model learns to predict the world's text", loop.pretrain(data["corpus"]).key)
        text = data.get("text")
        self._say("1", "It is fine-tuned on demonstrations", loop.sft(data["demonstrations"], text=text).key)
        samples, rankings = [], []
        rounds = self.rounds or loop.recipe.label.rounds
        for round in range(1, rounds + 1):
            policy, folder = loop.policy(round), loop.run.round_folder(round) / "data"
            prompts = self._deal(data["ranking"], folder / "prompts.jsonl", round)
            start = time.monotonic()
            samples.append(loop.sample(prompts, folder / "samples.jsonl", policy))
            rankings.append(self._rank(samples[-1], folder / "rankings.jsonl"))
            asked = {name: getattr(loop.recipe, name).model_dump(mode="json") for name in ("sample", "label")}
            loop.run.spent(f"round-{round}/sample", time.monotonic() - start, asked)
            self._say(
                "2",
                f"A reward model learns from rankings of {'its' if round == 1 else 'the newest'} answers",
                loop.reward(rankings, data["demonstrations"], round).key,
            )
            self._say("3", "PPO against the reward model", loop.ppo(data["ppo"], text, round).key)
        feedme = loop.feedme(samples[0], rounds, text, loop.run.newest("sft"))  # of SFT's own answers
        self._say("2½", "FeedME, to compare with: fine-tuned on the best of n answers", feedme.key)

    def _adopts(self) -> bool:
        return self.world.base is not None and not self.from_scratch

    def _write_world(self) -> dict[str, Path]:
        """The world's files, as anybody would bring theirs: `mynah sft` and the others take them.

        The raw text only where it is read: a large world takes a while to tell. What this code has written is kept.
        """
        run, world, seed = self.loop.run, self.world, self.loop.seed
        folder = run.root / "data"
        told = 0 if world.base else seed  # a shipped base has read the text of seed 0
        made_from = {"world": world.name, "seed": seed, "code": code_sha256()}
        paths: dict[str, Path] = {}

        def tell(name: str, write: Callable[[Path, Any], None], rows: Callable[[], Any]) -> None:
            paths[name] = folder / f"{name}.jsonl"
            if not run.kept(paths[name], made_from):
                write(paths[name], rows())
                run.keep(paths[name], made_from)

        tell("demonstrations", jsonl.write_demonstrations, partial(world.demonstrations, seed))
        for split in ("ranking", "ppo", "dev", self.loop.recipe.eval.exam):
            tell(split, jsonl.write_prompts, partial(world.prompts, seed, split))
        if not self._adopts():
            tell("corpus", jsonl.write_texts, partial(world.corpus, told))
        if self.loop.recipe.sft.pretraining_mix or self.loop.recipe.ppo.ptx_coef:
            tell("text", jsonl.write_texts, partial(world.excerpt or world.corpus, told))
        return paths

    def _deal(self, ranking: Path, out: Path, round: int) -> Path:
        """The round's share of the prompts for ranking; all of it in every round, if one round has them all."""
        shares = self.loop.recipe.label.rounds
        if shares == 1:
            return ranking
        made_from = {"prompts": sha256(ranking), "share": [(round - 1) % shares, shares]}
        if not self.loop.run.kept(out, made_from):
            jsonl.write_prompts(out, jsonl.read_prompts(ranking)[(round - 1) % shares :: shares])
            self.loop.run.keep(out, made_from)
        return out

    def _rank(self, samples: Path, out: Path) -> Path:
        run, settings, seed = self.loop.run, self.loop.recipe.label, self.loop.seed
        made_from = {
            "samples": sha256(samples),
            "label": settings.model_dump(mode="json"),
            "seed": seed,
            "code": code_sha256(),
        }
        if not run.kept(out, made_from):
            rows = jsonl.read_samples(samples)
            jsonl.write_comparisons(out, label(rows, self.world.rate, settings.noise, settings.labellers, seed))
            run.keep(out, made_from)
        return out

    def _say(self, step: str, what: str, key: str) -> None:
        seconds = self.loop.run.stage(key).record["seconds"]
        console.print(f"[bold]{step:>2}[/bold]  {what}  [dim]{key}, {seconds:.0f} s[/dim]")


def show(report: dict[str, Any], path: Path) -> None:
    """The report in a terminal."""
    table = Table(title=headline(report), title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("right answers")
    for model in MODELS:
        table.add_column(model.replace("_", "-"), justify="right")
    for behaviour in report["exam"]["sft"]:
        table.add_row(behaviour, *(f"{report['exam'][model][behaviour]['rate']:.0%}" for model in MODELS))
    gold = report["gold"]
    table.add_row("gold score", *(f"{gold[model]['mean']:.2f}" for model in MODELS))
    console.print(table)
    console.print(f"gold score: ppo {_interval(gold['ppo'])}, sft {_interval(gold['sft'])}")
    for name, win in report["win_rate"].items():
        words = name.replace("_vs_", " against ").replace("_", "-")
        console.print(f"{words}: preferred {win['rate']:.0%} [{win['low']:.0%}, {win['high']:.0%}], n = {win['n']}")
    console.print(f"Report: {path}", soft_wrap=True)


def _interval(score: dict[str, float]) -> str:
    return f"{score['mean']:.2f} [{score['low']:.2f}, {score['high']:.2f}]"


def figures(report: dict[str, Any]) -> str:
    """The part of a report that the same seed must repeat: no times, memory or versions."""
    kept = {key: report[key] for key in ("exam", "gold", "win_rate", "reward", "ppo", "seed")}
    return json.dumps(kept, sort_keys=True)
