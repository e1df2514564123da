"""The main job on an embedded world: base → SFT → sample → rank → reward model → FeedME, PPO → exam → report."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from mynah import jsonl
from mynah.agent.scorer import Scorer
from mynah.evals.exam import exam_rates, gold_score
from mynah.evals.report import headline, render
from mynah.evals.reward_accuracy import accuracy, accuracy_gold
from mynah.evals.summary import curves, peak_memory_mb, summarise
from mynah.evals.win_rate import win_rate
from mynah.feedback.simulated import agreement, label
from mynah.files import write_json, write_text
from mynah.loop import Loop
from mynah.nouns import Samples
from mynah.primer.world import World
from mynah.progress import console
from mynah.recipe import SampleSettings

MODELS = ("base", "sft", "feedme", "best_of_n", "ppo")


@dataclass(frozen=True)
class Demo:
    """One world, one run."""

    world: World
    loop: Loop
    rounds: int = 1

    def train(self) -> None:
        """All steps; each is skipped when it is done, and resumed when it was stopped."""
        loop, data = self.loop, self._write_world()
        self._say("0", "A base model learns to predict the world's text", loop.pretrain(data["corpus"]).key)
        self._say("1", "It is fine-tuned on demonstrations", loop.sft(data["demonstrations"]).key)
        rankings = []
        for round in range(1, self.rounds + 1):
            policy, folder = loop.policy(round), loop.run.round_folder(round) / "data"
            samples = loop.sample(data["ranking"], folder / "samples.jsonl", policy)
            rankings.append(self._rank(samples, folder / "rankings.jsonl"))
            self._say(
                "2",
                "A reward model learns from rankings of its answers",
                loop.reward(rankings, data["demonstrations"], round).key,
            )
            self._say("2½", "FeedME: fine-tuning on the best of n answers", loop.feedme(samples, round).key)
            self._say("3", "PPO against the reward model", loop.ppo(data["ppo"], data["corpus"], round).key)

    def report(self) -> dict[str, Any]:
        """Examine every model, write report.json and report.html; returns the former."""
        start = time.monotonic()
        answers = self._answers()
        world, run = self.world, self.loop.run
        report = summarise(run) | {
            "simulated": True,
            "exam": {
                model: {behaviour: rate.to_json() for behaviour, rate in exam_rates(rows, world.mark).items()}
                for model, rows in answers.items()
            },
            "gold": {model: gold_score(rows, world.gold).to_json("mean") for model, rows in answers.items()},
            "win_rate": {
                f"{model}_vs_sft": win_rate(answers[model], answers["sft"], world.judge)
                for model in ("ppo", "best_of_n", "feedme")
            },
            "samples": _side_by_side(answers),
        }
        report["reward"] |= self._reward_figures()
        report["seconds"]["eval"] = round(time.monotonic() - start, 1)
        report["peak_memory_mb"] = peak_memory_mb()
        write_json(run.root / "report.json", report)
        write_text(run.root / "report.html", render(report, curves(run)))
        return report

    def _write_world(self) -> dict[str, Path]:
        """The world's files, as anybody would bring theirs; `mynah sft --data …` works on them too."""
        folder, seed = self.loop.run.root / "data", self.loop.seed
        paths = {
            name: folder / f"{name}.jsonl" for name in ("corpus", "demonstrations", "ranking", "ppo", "dev", "exam")
        }
        jsonl.write_texts(paths["corpus"], self.world.corpus(seed))
        jsonl.write_demonstrations(paths["demonstrations"], self.world.demonstrations(seed))
        for split in ("ranking", "ppo", "dev", "exam"):
            jsonl.write_prompts(paths[split], self.world.prompts(seed, split))
        return paths

    def _rank(self, samples: Path, out: Path) -> Path:
        settings = self.loop.recipe.label
        rows = jsonl.read_samples(samples)
        jsonl.write_comparisons(out, label(rows, self.world.rate, settings.noise, settings.labellers, self.loop.seed))
        return out

    def _answers(self) -> dict[str, list[Samples]]:
        """Every model's answer to every exam question, at one temperature."""
        loop, run = self.loop, self.loop.run
        recipe = loop.recipe
        prompts, folder = run.root / "data" / "exam.jsonl", run.root / "exam"
        one = recipe.sample.model_copy(update={"n": 1, "temperature": recipe.eval.temperature, "top_p": 1.0})
        many = one.model_copy(update={"n": recipe.eval.best_of})
        examples = jsonl.read_demonstrations(run.root / "data" / "demonstrations.jsonl")[: recipe.eval.few_shot]

        def answers(name: str, kind: Any, settings: SampleSettings) -> list[Samples]:
            return jsonl.read_samples(
                loop.sample(prompts, folder / f"{name}.jsonl", run.newest(kind), settings, examples)
            )

        scorer = Scorer.load(run.root / run.newest("reward"), recipe.hardware)
        return {
            "base": answers("base", "pretrain", one),
            "sft": answers("sft", "sft", one),
            "feedme": answers("feedme", "feedme", one),
            "best_of_n": scorer.best(answers("sft-many", "sft", many)),
            "ppo": answers("ppo", "ppo", one),
        }

    def _reward_figures(self) -> dict[str, Any]:
        """Accuracy on rankings of prompts that no step has seen, against the labellers and against gold."""
        loop, run, world = self.loop, self.loop.run, self.world
        settings = loop.recipe.label
        path = loop.sample(run.root / "data" / "dev.jsonl", run.root / "exam" / "dev.jsonl", run.newest("sft"))
        rows = jsonl.read_samples(path)
        rankings = label(rows, world.rate, settings.noise, settings.labellers, loop.seed + 1)
        scorer = Scorer.load(run.root / run.newest("reward"), loop.recipe.hardware)
        share, _ = agreement(rows, world.rate, settings.noise, loop.seed)
        return accuracy(scorer, rankings).to_json("accuracy") | {
            "accuracy_gold": round(accuracy_gold(scorer, rankings, world.gold).value, 4),
            "labeller_agreement": round(share, 4),
        }

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
    table.add_row(
        "gold score", *(f"{gold[m]['mean']:.2f} [{gold[m]['low']:.2f}, {gold[m]['high']:.2f}]" for m in MODELS)
    )
    console.print(table)
    for name, win in report["win_rate"].items():
        words = name.replace("_vs_", " against ").replace("_", "-")
        console.print(f"{words}: preferred {win['rate']:.0%} [{win['low']:.0%}, {win['high']:.0%}], n = {win['n']}")
    console.print(f"Report: {path}", soft_wrap=True)


def figures(report: dict[str, Any]) -> str:
    """The part of a report that the same seed must repeat: no times, memory or versions."""
    kept = {key: report[key] for key in ("exam", "gold", "win_rate", "reward", "ppo", "seed")}
    return json.dumps(kept, sort_keys=True)


def _side_by_side(answers: dict[str, list[Samples]]) -> list[dict[str, Any]]:
    """One exam question of each behaviour, one where SFT and PPO differ if there is one, with every model's answer."""
    chosen: dict[str, int] = {}
    pairs: Sequence[tuple[Samples, Samples]] = list(zip(answers["sft"], answers["ppo"], strict=True))
    for differ in (True, False):
        for i, (sft, ppo) in enumerate(pairs):
            if not differ or sft.completions[0] != ppo.completions[0]:
                chosen.setdefault(sft.prompt.meta["behaviour"], i)
    return [
        {
            "behaviour": behaviour,
            "prompt": [message.to_json() for message in pairs[i][0].prompt.messages],
            "answers": {model: rows[i].completions[0] for model, rows in answers.items()},
        }
        for behaviour, i in chosen.items()
    ]
