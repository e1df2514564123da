"""Ours: whole PPO iterations, rollouts to update, of a fixed number of episodes of fixed length."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from bench.checkpoints import read
from bench.contenders.line import Line
from bench.flops import ppo_iteration
from mynah.model.heads import with_scalar_head
from mynah.model.hub import load_policy, save_scalar
from mynah.model.precision import Hardware, resolve
from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.train import PPO
from mynah.tokens import Tokenizer


class NeverStops:
    """The tokenizer, no token of which ends an answer: every episode has its whole length, as the rival's has."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.stop_ids, self.end_of_turn, self.pad = (), tokenizer.end_of_turn, tokenizer.pad


class Iterations:
    def __init__(self, job: dict[str, Any]) -> None:
        self.job, self.trainers = job, dict[int, PPO]()
        self.prompts = read(job["prompts"])
        self.reward = Path(job["checkpoint"]).with_name(f"{Path(job['checkpoint']).name}-reward")
        if not self.reward.exists():
            tokenizer = Tokenizer.load(Path(job["checkpoint"]))
            model = with_scalar_head(load_policy(Path(job["checkpoint"]), torch.bfloat16), seed=0)
            self.reward.mkdir()
            save_scalar(model, self.reward, eos=tokenizer.end_of_turn, pad=tokenizer.pad)
            tokenizer.save(self.reward)

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        """`batch` episodes, `samples` of each prompt, one update: episodes a second, and the seconds of each phase."""
        samples = request["samples"]
        if samples not in self.trainers:
            self.trainers = {samples: self._trainer(request)}
            self._iterate(self.trainers[samples], request, 0)
        seconds, figures = self._iterate(self.trainers[samples], request, 1)
        count, prompt = request["batch"] // samples, len(self.prompts[0])
        flops = ppo_iteration(self.trainers[samples].policy.config, count, samples, prompt, request["new"])
        details = {
            "dtype": str(self.trainers[samples].policy.dtype).removeprefix("torch."),
            "flops_per_unit": round(flops / request["batch"]),
            "seconds": {name: round(value, 3) for name, value in figures.items() if name.endswith("_seconds")},
        }
        return {"figure": request["batch"] / seconds, "details": details}

    def _iterate(self, trainer: PPO, request: dict[str, Any], number: int) -> tuple[float, dict[str, float]]:
        count = request["batch"] // request["samples"]
        start = time.perf_counter()
        figures = trainer.iterate(number, self.prompts[number * count : (number + 1) * count])
        return time.perf_counter() - start, figures

    def _trainer(self, request: dict[str, Any]) -> PPO:
        settings = PPOSettings(
            prompts=request["batch"] // request["samples"],
            completions=request["samples"],
            minibatches=1,
            max_new_tokens=request["new"],
            learning_rate=3e-6,
            value_learning_rate=3e-6,
        )
        trainer = PPO(
            Path(self.job["checkpoint"]),
            self.reward,
            settings,
            resolve(Hardware(device=self.job["device"])),
            1000,
            seed=0,
        )
        trainer.tokenizer = NeverStops(trainer.tokenizer)  # type: ignore[assignment]
        return trainer


def main() -> None:
    line = Line()
    torch.set_num_threads(line.job["threads"])
    line.serve(Iterations(line.job).measure)


if __name__ == "__main__":
    main()
