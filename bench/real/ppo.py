"""PPO against an experiment's reward model: does held-out reward rise, at which KL, without collapse, on every seed?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.real import judgements, result, trials
from bench.real.experiment import Experiment
from bench.real.judgements import Fold
from mynah import jsonl
from mynah.agent.assistant import Assistant
from mynah.agent.scorer import Scorer
from mynah.errors import UserError
from mynah.evals.intervals import bootstrap_mean
from mynah.nouns import Prompt, Samples, SamplingParams
from mynah.runs import Run, weights_sha256
from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.train import train_ppo
from mynah.train.order import share


def ppo(
    experiment: Experiment, fold: Fold, settings: PPOSettings, seeds: Sequence[int], limit: int = 300
) -> dict[str, Any]:
    """For each seed: reward of sampled answers to held-out prompts before and after, and how far the policy went.

    Prompts are those of the fold's test rows, which neither SFT nor the reward model saw; one half, by first human
    turn, is trained on, and of the other `limit` are asked.
    A run that collapsed has the sentence that says so in place of its figures.
    """
    room = settings.max_new_tokens
    halves = [[row for row in fold.test if (share(f"ppo {row.turn}") < 0.5) == side] for side in (True, False)]
    learned, held = (judgements.prompts(rows, experiment.chat, experiment.context, room) for rows in halves)
    held = held[:limit]
    start, material = experiment.checkpoint(fold), experiment.material(fold)
    setting, _ = experiment.search(result.OURS, fold, material, experiment.settings[result.OURS])
    reward = Run(experiment.home, trials.reward_run(fold.name, setting)).root / "round-1" / "2-reward"
    scorer = Scorer.load(reward, experiment.hardware)
    found: dict[str, Any] = {
        "fold": fold.name,
        "reward": setting.name,
        "prompts": len(learned),
        "held_out": len(held),
    }
    for seed in seeds:
        run = Run(experiment.home, f"{fold.name}-ppo-{seed}")
        made_with = {"ppo": settings.model_dump(), "hardware": experiment.hardware.model_dump()}
        made_with["start"] = {"policy": weights_sha256(start), "reward": weights_sha256(reward)}
        made_with["prompts"] = {"hash": judgements.digest(learned)}
        stage = run.begin("ppo", 1, settings=made_with, seed=seed, redo=True)
        try:
            if not stage.done:
                train_ppo(stage, start, reward, learned, settings, experiment.hardware, seed)
        except UserError as why:
            found[f"seed {seed}"] = {"stopped": str(why)}
            continue
        params = SamplingParams(room, settings.temperature, seed=seed)
        before, after = (_answers(experiment, folder, held, params) for folder in (start, stage.folder))
        for name, rows in (("before", before), ("after", after)):  # to be read: figures alone do not show nonsense
            jsonl.write_samples(run.root / f"{name}.jsonl", rows)
        scores = [_rewards(scorer, rows, settings.missing_end_score) for rows in (before, after)]
        turns = [repr(prompt.messages[0].content) for prompt in held]
        gained = [new - old for old, new in zip(*scores, strict=True)]
        found[f"seed {seed}"] = {
            "sft": bootstrap_mean(scores[0], turns).to_json("mean"),
            "ppo": bootstrap_mean(scores[1], turns).to_json("mean"),
            "gained": bootstrap_mean(gained, turns).to_json("mean"),
            "words": [_words(before), _words(after)],
            "ended": [_ended(before), _ended(after)],
        } | {name: stage.record["figures"][name] for name in ("ref_kl", "entropy", "iterations")}
    return found


def seeds_of(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise UserError(f"--ppo {text!r}: seeds are needed, as in 0,1,2.") from None


def _answers(experiment: Experiment, folder: Any, prompts: Sequence[Prompt], params: SamplingParams) -> list[Samples]:
    return Assistant.load(folder, experiment.hardware).sample(prompts, params, 1)


def _rewards(scorer: Scorer, rows: Sequence[Samples], unfinished: float) -> list[float]:
    """As PPO counts them."""
    scored = scorer.score([row.prompt for row in rows], [row.completions for row in rows])
    return [
        float(scores.scores[0]) if row.finish_reasons[0] == "stop" else unfinished
        for row, scores in zip(rows, scored, strict=True)
    ]


def _words(rows: Sequence[Samples]) -> float:
    return round(sum(len(row.completions[0].split()) for row in rows) / len(rows), 1)


def _ended(rows: Sequence[Samples]) -> float:
    return round(sum(row.finish_reasons[0] == "stop" for row in rows) / len(rows), 3)
