"""A home with one run that really was trained, in a few steps of a tiny model: base, SFT, reward model, PPO, report."""

from __future__ import annotations

import random
from pathlib import Path

from mynah import jsonl
from mynah.evals.summary import curves, summarise
from mynah.examine import write_report
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import initialise
from mynah.nouns import Demonstration, Message, Samples
from mynah.runs import Run, Stage
from mynah.step1_sft.train import SFTSettings, finetune
from mynah.step2_reward.train import RewardSettings, train_reward
from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.train import train_ppo
from tests import toys

ITERATIONS = 6


def train(home: Path, name: str = "demo", iterations: int = ITERATIONS) -> Run:
    """The run, with every file that a page shows."""
    run, rng = Run(home, name), random.Random(1)
    run.begin_with("mini")
    hardware = {"hardware": toys.CPU.model_dump()}
    base = run.begin("pretrain", 1, settings={"imported": True, **hardware}, seed=0)
    config = ModelConfig.of_size(32, 2, toys.tokenizer().vocab_size, toys.CONTEXT, True, "llama")
    base.finish(lambda folder: void(toys.save(initialise(config, 0), folder)), 0.0, {"parameters": config.parameters()})

    rows = [Demonstration((*toys.user(toys.question(rng)), Message("assistant", toys.answer(rng)))) for _ in range(160)]
    data = run.root / "data"
    jsonl.write_demonstrations(data / "demonstrations.jsonl", rows)
    jsonl.write_prompts(data / "prompts.jsonl", toys.prompts(24))
    sft_settings = SFTSettings(learning_rate=1e-2, epochs=2, batch_size=16, heldout=0.0)
    files = {"demonstrations": data / "demonstrations.jsonl"}
    sft = begin(run, "sft", {"sft": sft_settings.model_dump()} | hardware, {"base": base.key}, files)
    finetune(sft, base.folder, rows, sft_settings, toys.CPU, 0)

    reward_settings = RewardSettings(epochs=1, batch_size=16, learning_rate=3e-3)
    reward = begin(run, "reward", {"reward": reward_settings.model_dump()} | hardware, {"sft": sft.key}, files)
    train_reward(reward, sft.folder, toys.rankings(64), [], reward_settings, toys.CPU, 0)

    settings = PPOSettings(iterations=iterations, prompts=8, minibatches=2, max_new_tokens=6, missing_end_score=0.0)
    parents = {"start": sft.key, "reward": reward.key}
    ppo = begin(run, "ppo", {"ppo": settings.model_dump()} | hardware, parents, {"prompts": data / "prompts.jsonl"})
    train_ppo(ppo, sft.folder, reward.folder, toys.prompts(24), settings, toys.CPU, 0)
    examine(run)
    return run


def begin(run: Run, kind: str, settings: dict, parents: dict[str, str], data: dict[str, Path]) -> Stage:
    return run.begin(kind, 1, settings=settings, seed=0, parents=parents, data=data)


def examine(run: Run) -> None:
    """report.json, report.html and the frontier's answers, in the forms that `mynah demo` writes."""
    for name, words in (("start", "a red cat"), ("000003", "gold gold"), ("000006", "gold")):
        samples = [Samples(prompt, (words,), ("stop",), name) for prompt in toys.prompts(12)]
        jsonl.write_samples(run.root / "exam" / f"dev-frontier-{name}.jsonl", samples)
    win = {"rate": 0.62, "low": 0.55, "high": 0.69, "n": 200}
    exam = {
        "base": {"all": {"rate": 0.1, "n": 50}},
        "sft": {"all": {"rate": 0.4, "n": 50}},
        "ppo": {"all": {"rate": 0.6, "n": 50}},
    }
    sample = {
        "behaviour": "place",
        "prompt": [{"role": "user", "content": "what is in the hill 7 <script>alert(1)</script>"}],
        "answers": {"base": "hill hill", "sft": "a red cat", "ppo": "gold"},
    }
    report = summarise(run) | {"simulated": True, "exam": exam, "win_rate": {"ppo_vs_sft": win}, "samples": [sample]}
    write_report(run.root, report, curves(run))


def void(_: object) -> None:
    return None
