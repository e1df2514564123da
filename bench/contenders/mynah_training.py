"""Ours: passes of SFT and of the reward model over fixed token ids, as `finetune` and `train_reward` make them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from bench.checkpoints import read
from bench.contenders.line import Line
from bench.flops import BOTH_WAYS, forward
from mynah.model.heads import fresh_ensemble, with_scalar_head
from mynah.model.hub import load_policy
from mynah.model.precision import DTYPES, Hardware, place, resolve
from mynah.nouns import Group
from mynah.step0_pretrain.train import PretrainSettings
from mynah.step1_sft.train import SFTSettings
from mynah.step2_reward.comparisons import RankedGroup
from mynah.step2_reward.train import RewardSettings, _losses
from mynah.train.packing import microbatches
from mynah.train.scoring import unsupervised
from mynah.train.step import Learner
from mynah.train.token_loss import token_logprobs

STEPS = 10**6
"""Of the schedule; the learning rate does not matter here."""


class Training:
    """A learner of each kind on the checkpoint; it goes on learning from turn to turn."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job, self.hardware = job, resolve(Hardware(device=job["device"]))
        self.learners: dict[str, Learner[Any]] = {}

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        return getattr(self, request["do"])(request)

    def sft(self, request: dict[str, Any]) -> dict[str, Any]:
        """One pass over `examples` dialogues, `batch` an update: supervised tokens a second."""
        settings = SFTSettings()
        rows = read(self.job["demonstrations"])
        groups = [Group(tuple(row["ids"]), tuple(map(bool, row["mask"]))) for row in rows]
        if "sft" not in self.learners:
            self.learners["sft"] = Learner(self._policy(), settings, STEPS)
        learner = self.learners["sft"]
        model = learner.model

        def train(some: list[Group]) -> int:
            total = 0
            for start in range(0, len(some), request["batch"]):
                batch = some[start : start + request["batch"]]
                tokens = sum(sum(group.trunk_mask) for group in batch)
                learner.update(
                    -token_logprobs(model, packed).sum() / tokens
                    for packed in microbatches(batch, settings.microbatch_tokens, model.device)
                )
                total += tokens
            return total

        train(groups[-2 * request["batch"] :])
        start = time.perf_counter()
        tokens = train(groups[: request["examples"]])
        seconds = time.perf_counter() - start
        flops = sum(
            forward(model.config, len(g.trunk), predicted=sum(g.trunk_mask)) for g in groups[: request["examples"]]
        )
        return self._answer(tokens, seconds, BOTH_WAYS * flops)

    def pretrain(self, request: dict[str, Any]) -> dict[str, Any]:
        """Updates of `batch` random pieces of `tokens` tokens: tokens a second. Blocks are compiled."""
        if "pretrain" not in self.learners:
            self.hardware = self.hardware.model_copy(update={"compile": True})
            self.learners = {"pretrain": Learner(self._policy(), PretrainSettings(), STEPS)}
        learner, length = self.learners["pretrain"], request["tokens"]
        model = learner.model
        ids = torch.randint(300, model.config.vocab_size, (request["batch"], length)).tolist()
        groups = [Group(tuple(row), (False,) + (True,) * (length - 1)) for row in ids]

        def update() -> None:
            count = len(groups) * (length - 1)
            packed = microbatches(groups, request["microbatch"], model.device)
            learner.update(-token_logprobs(model, batch).sum() / count for batch in packed)

        update()
        start = time.perf_counter()
        for _ in range(request["updates"]):
            update()
        seconds = (time.perf_counter() - start) / request["updates"]
        flops = len(groups) * forward(model.config, length, predicted=length - 1)
        return self._answer(len(groups) * length, seconds, BOTH_WAYS * flops)

    def reward(self, request: dict[str, Any]) -> dict[str, Any]:
        """One pass over `examples` rankings of K answers, `batch` prompts an update: pairs a second."""
        settings = RewardSettings()
        groups = [ranked(row) for row in read(self.job["rankings"])]
        if "reward" not in self.learners:
            model = with_scalar_head(self._policy(), seed=0)
            heads = fresh_ensemble(settings.ensemble, model.backbone.config.width, seed=1).to(model.device)
            self.learners = {
                "reward": Learner(model, settings, STEPS),
                "ensemble": Learner(heads, settings, STEPS),
            }
        learner, ensemble = self.learners["reward"], self.learners["ensemble"]

        def train(some: list[RankedGroup]) -> int:
            for start in range(0, len(some), request["batch"]):
                batch = some[start : start + request["batch"]]
                drawn = torch.ones(len(batch), settings.ensemble)
                losses = _losses(learner.model, ensemble.model, batch, drawn, settings.microbatch_tokens)
                learner.update(losses)
                ensemble.optimiser.collect()
                ensemble.apply(0.0, ensemble.clip())
            return sum(len(group.pairs) for group in some)

        train(groups[-2 * request["batch"] :])
        start = time.perf_counter()
        pairs = train(groups[: request["examples"]])
        seconds, shape = time.perf_counter() - start, learner.model.backbone.config
        trees = [(len(g.group.trunk), list(map(len, g.group.branches))) for g in groups[: request["examples"]]]
        return self._answer(pairs, seconds, BOTH_WAYS * sum(forward(shape, *tree) for tree in trees))

    def _answer(self, amount: int, seconds: float, flops: int) -> dict[str, Any]:
        details = {"dtype": self.hardware.dtype, "flops_per_unit": round(flops / amount)}
        return {"figure": amount / seconds, "details": details}

    def _policy(self) -> Any:
        return place(
            load_policy(Path(self.job["checkpoint"]), DTYPES[self.hardware.dtype], self.hardware.device), self.hardware
        )


def ranked(row: dict[str, Any]) -> RankedGroup:
    """A ranking without ties, the first answer best."""
    group, count = unsupervised(row["prompt"], row["completions"]), len(row["completions"])
    weight = 2 / (count * (count - 1))
    pairs = tuple((better, worse, weight) for better in range(count) for worse in range(better + 1, count))
    return RankedGroup(group, pairs, heldout=False)


def main() -> None:
    line = Line()
    torch.set_num_threads(line.job["threads"])
    line.serve(Training(line.job).measure)


if __name__ == "__main__":
    main()
