"""Examining a run on a world: every model's answers marked, judged and compared; what report.json says of them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mynah import jsonl
from mynah.agent.scorer import Scorer
from mynah.evals.exam import exam_rates, gold_score, paired
from mynah.evals.intervals import wilson
from mynah.evals.report import render
from mynah.evals.reward_accuracy import accuracy, accuracy_gold
from mynah.evals.rubric import against_the_founding_document, wins_by_item
from mynah.evals.summary import curves, summarise
from mynah.evals.win_rate import same_length, win_rate
from mynah.feedback.blind import votes
from mynah.feedback.simulated import agreement, label
from mynah.files import read_json, sha256, write_json, write_text
from mynah.loop import Loop
from mynah.nouns import Prompt, Samples
from mynah.primer.world import World
from mynah.runs import Kind, code_sha256
from mynah.train.metrics import read_metrics

TEMPERATURES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Among which SFT's best is sought, on the dev split."""
SHOWN = 10
"""Questions of each behaviour among which a conversation is chosen for the report."""
TALKERS: dict[str, Kind] = {"base": "pretrain", "sft": "sft", "feedme": "feedme", "ppo": "ppo"}
Answers = dict[str, list[Samples]]


@dataclass(frozen=True)
class Examiner:
    """One world, one run that has all its stages."""

    world: World
    loop: Loop

    def report(self) -> dict[str, Any]:
        """Examine every model, write report.json and report.html; returns the former. Kept while nothing changed."""
        world, run = self.world, self.loop.run
        made_from = self._made_from()
        if all(run.kept(run.root / name, made_from) for name in ("report.json", "report.html")):
            return read_json(run.root / "report.json")
        start = time.monotonic()
        answers = self.answers()
        report: dict[str, Any] = {
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
            "paired": {
                behaviour: difference.to_json("difference")
                for behaviour, difference in paired(answers["ppo"], answers["sft"], world.mark).items()
            },
            "win_rate_by": self._by(answers),
            "frontier": self.frontier(),
            "samples": side_by_side(self.conversations()),
        }
        if world.items:
            report["win_items"] = wins_by_item(answers["ppo"], answers["sft"], world.items)
            report["founding"] = {
                model: against_the_founding_document(answers[model], world.items) for model in ("base", "sft", "ppo")
            }
        of_reward_model = self._reward_figures()
        run.spent("eval", time.monotonic() - start, {key: made_from[key] for key in ("stages", "recipe")})
        report = summarise(run) | report | self.visitor(answers)
        report["reward"] |= of_reward_model
        self._write(report)
        return report

    def count_votes(self) -> dict[str, Any]:
        """The report again, with the visitor's own win rate as it is now."""
        report = read_json(self.loop.run.root / "report.json") | self.visitor(self.voted_on())
        self._write(report)
        return report

    def voted_on(self) -> Answers:
        """The answers that a visitor is shown in pairs."""
        run, temperature = self.loop.run, self.loop.recipe.eval.temperature
        return {key: self.answer(key, run.newest(key), temperature) for key in ("ppo", "sft")}

    def _write(self, report: dict[str, Any]) -> None:
        run = self.loop.run
        write_report(run.root, report, curves(run))
        for name in ("report.json", "report.html"):
            run.keep(run.root / name, self._made_from())

    def _made_from(self) -> dict[str, Any]:
        run, votes = self.loop.run, self.loop.run.root / "visitor.jsonl"
        return {
            "stages": {key: stage.get("weights") for key, stage in run.record["stages"].items()},
            "recipe": self.loop.recipe.model_dump(mode="json"),
            "seed": self.loop.seed,
            "votes": sha256(votes) if votes.exists() else "",
            "code": code_sha256(),
        }

    @cached_property
    def scorer(self) -> Scorer:
        """The newest reward model."""
        run = self.loop.run
        return Scorer.load(run.root / run.newest("reward"), self.loop.recipe.hardware)

    def visitor(self, answers: Answers) -> dict[str, Any]:
        """The visitor's own win rate of PPO over SFT, if there are votes on these answers."""
        cast = votes(self.loop.run.root / "visitor.jsonl", answers["ppo"], answers["sft"])
        wins = [float(row["wins"]) for row in cast]
        return {"visitor": wilson(sum(wins), len(wins)).to_json()} if wins else {}

    def answers(self) -> Answers:
        """Every model's answer to every exam question, at one temperature."""
        recipe, run = self.loop.recipe, self.loop.run
        examples = jsonl.read_demonstrations(run.root / "data" / "demonstrations.jsonl")[: recipe.eval.few_shot]
        temperature = recipe.eval.temperature
        return {
            "base_zero_shot": self.answer("base-zero-shot", run.newest("pretrain"), temperature),
            "base": self.answer("base", run.newest("pretrain"), temperature, examples=examples),
            "sft": self.answer("sft", run.newest("sft"), temperature),
            "feedme": self.answer("feedme", run.newest("feedme"), temperature),
            "best_of_n": self.scorer.best(
                self.answer("sft-many", run.newest("sft"), temperature, n=recipe.eval.best_of)
            ),
            "ppo": self.answer("ppo", run.newest("ppo"), temperature),
        }

    def conversations(self) -> Answers:
        """Every model's likeliest answers to some exam questions of each behaviour: as one would talk to it."""
        recipe, run = self.loop.recipe, self.loop.run
        asked: dict[str, list[Prompt]] = {}
        for prompt in jsonl.read_prompts(run.root / "data" / f"{recipe.eval.exam}.jsonl"):
            asked.setdefault(prompt.meta["behaviour"], []).append(prompt)
        some = [prompt for of_one in asked.values() for prompt in of_one[:SHOWN]]
        jsonl.write_prompts(run.root / "data" / "shown.jsonl", some)
        few = jsonl.read_demonstrations(run.root / "data" / "demonstrations.jsonl")[: recipe.eval.few_shot]
        return {
            name: self.answer(name, run.newest(kind), 0.0, split="shown", examples=few if name == "base" else ())
            for name, kind in TALKERS.items()
        }

    def answer(
        self, name: str, key: str, temperature: float, n: int = 1, split: str = "", examples: Sequence[Any] = ()
    ) -> list[Samples]:
        """`n` answers of a checkpoint to each prompt of a split, by default the exam; kept for the next call."""
        loop, split = self.loop, split or self.loop.recipe.eval.exam
        settings = loop.recipe.sample.model_copy(update={"n": n, "temperature": temperature, "top_p": 1.0})
        root = loop.run.root
        out = root / "exam" / f"{split}-{name}.jsonl"
        return jsonl.read_samples(loop.sample(root / "data" / f"{split}.jsonl", out, key, settings, examples))

    def _by(self, answers: Answers) -> dict[str, Any]:
        """PPO against SFT in other lights: answers of like length; both greedy; SFT at its best temperature."""
        judge, run = self.world.judge, self.loop.run
        found = {"same_length": win_rate(*same_length(answers["ppo"], answers["sft"]), judge)}
        if not self.loop.recipe.eval.thorough:
            return found
        sft, ppo = run.newest("sft"), run.newest("ppo")
        greedy = self.answer("sft-greedy", sft, 0.0)
        found["greedy"] = win_rate(self.answer("ppo-greedy", ppo, 0.0), greedy, judge)

        def quality(temperature: float) -> float:
            rows = self.answer(f"sft-at-{temperature:g}", sft, temperature, split="dev")
            return gold_score(rows, self.world.gold).value

        best = max(TEMPERATURES, key=quality)
        calm = self.answer(f"sft-at-{best:g}", sft, best)
        found["sft_at_its_best"] = win_rate(answers["ppo"], calm, judge) | {"temperature": best}
        found["best_of_n_vs_sft_at_its_best"] = win_rate(answers["best_of_n"], calm, judge) | {"temperature": best}
        return found

    def frontier(self) -> list[dict[str, Any]]:
        """Gold and proxy score against √ref_kl along the newest PPO's way: start, snapshots, end (Gao 2022)."""
        run = self.loop.run
        stage = run.stage(run.newest("ppo"))
        snapshots = sorted((stage.state / "snapshots").glob("*"))
        if not snapshots:
            return []
        rows = read_metrics(stage.state / "metrics.jsonl")
        origin = stage.record["parents"]["start"]["stage"]
        label = "SFT" if origin == run.newest("sft") else origin
        start = {"sqrt_kl": 0.0, "label": label} | self._on_dev(origin, "start")
        points = [start]
        for folder in snapshots:
            iteration = int(folder.name)
            kl = rows[min(iteration, len(rows) - 1)]["ref_kl"]  # the row after: of rollouts that this policy made
            key = str(folder.relative_to(run.root))
            point = {"sqrt_kl": round(math.sqrt(max(0.0, kl)), 4), "label": f"iteration {iteration}"}
            points.append(point | self._on_dev(key, folder.name))
        return points

    def _on_dev(self, key: str, name: str) -> dict[str, float]:
        rows = self.answer(f"frontier-{name}", key, 1.0, split="dev")
        scores = self.scorer.score([row.prompt for row in rows], [row.completions for row in rows])
        mean = sum(float(score.scores[0]) for score in scores) / len(scores)
        gold = gold_score(rows, self.world.gold).to_json("gold")
        return {"gold": gold["gold"], "gold_low": gold["low"], "gold_high": gold["high"], "score": round(mean, 4)}

    def _reward_figures(self) -> dict[str, Any]:
        """Accuracy on rankings of prompts that no step has seen, against the labellers and against gold."""
        loop, world = self.loop, self.world
        settings = loop.recipe.label
        sample = loop.recipe.sample
        rows = self.answer("ranked", loop.run.newest("sft"), sample.temperature, n=sample.n, split="dev")
        rankings = label(rows, world.rate, settings.noise, settings.labellers, loop.seed + 1)
        share, _ = agreement(rows, world.rate, settings.noise, loop.seed)
        return accuracy(self.scorer, rankings).to_json("accuracy") | {
            "accuracy_gold": round(accuracy_gold(self.scorer, rankings, world.gold).value, 4),
            "labeller_agreement": round(share, 4),
        }


def write_report(root: Path, report: dict[str, Any], curves: dict[str, list[dict[str, Any]]]) -> None:
    write_json(root / "report.json", report)
    write_text(root / "report.html", render(report, curves))


def side_by_side(answers: Answers) -> list[dict[str, Any]]:
    """One exam question of each behaviour, one where SFT and PPO differ if there is one, with every model's answer."""
    chosen: dict[str, int] = {}
    pairs = list(zip(answers["sft"], answers["ppo"], strict=True))
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
