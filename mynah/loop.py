"""The loop as a team runs it: each step of each round on the newest artifacts, recorded, resumed or skipped.

0 pretrain → 1 sft → [ sample → rank → 2 reward → 3 ppo (or feedme) ] → the bracket again on the newest policy
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from mynah import jsonl
from mynah.agent.assistant import Assistant
from mynah.agent.few_shot import FewShot
from mynah.agent.scorer import Scorer, as_demonstrations
from mynah.config import Settings
from mynah.errors import UserError
from mynah.evals import exact_answer
from mynah.files import append_lines, sha256
from mynah.model.hub import load_config, load_policy, save_policy
from mynah.model.precision import resolve
from mynah.model.transformer import Transformer
from mynah.nouns import Demonstration, Group, Prompt, SamplingParams
from mynah.recipe import Recipe, SampleSettings
from mynah.runs import Run, Stage, weights_sha256
from mynah.step0_pretrain.corpus import build as build_corpus
from mynah.step0_pretrain.train import pretrain
from mynah.step1_sft.train import finetune
from mynah.step2_reward.train import train_reward
from mynah.step3_ppo.train import train_ppo
from mynah.tokens import Tokenizer, check_fits

SAMPLE_CHUNK = 256
"""Prompts sampled between two writes: what a kill may cost."""


@dataclass(frozen=True)
class Loop:
    """A run with its recipe. Every method does one step, or returns at once if it is done with the same settings."""

    run: Run
    recipe: Recipe
    seed: int = 0
    redo: bool = False
    tensorboard: bool = False

    @classmethod
    def on(cls, run: Run, recipe: Recipe, seed: int = 0, redo: bool = False, tensorboard: bool = False) -> Loop:
        """With the hardware decided: as the run decided before, if it is on the same device.

        A machine near the threshold might time bfloat16 as fast today and as slow tomorrow.
        """
        asked, hardware = recipe.hardware, resolve(recipe.hardware)
        settled = run.record.get("hardware", {})
        if asked.dtype == "auto" and settled.get("device") == hardware.device:
            hardware = hardware.model_copy(update={"dtype": settled["dtype"]})
        return cls(run, recipe.model_copy(update={"hardware": hardware}), seed, redo, tensorboard)

    def pretrain(self, text: Path) -> Stage:
        """Step 0 on a file of raw text."""
        recipe = self.recipe
        tables = {"tokenizer": recipe.tokenizer, "model": recipe.model, "pretrain": recipe.pretrain}
        stage = self._begin("pretrain", 1, tables, {}, {"text": text})
        if not stage.done:
            texts = jsonl.read_texts(text)
            tokenizer = Tokenizer.train(texts, recipe.tokenizer.vocab_size)
            corpus = build_corpus(texts, tokenizer, recipe.model.context, recipe.pretrain.heldout)
            pretrain(
                stage, corpus, tokenizer, recipe.model, recipe.pretrain, recipe.hardware, self.seed, self.tensorboard
            )
        return stage

    def adopt(self, folder: Path, kind: Literal["pretrain", "sft"] = "pretrain") -> Stage:
        """In place of step 0, or of steps 0 and 1: a Hugging Face checkpoint folder, its weights bit for bit."""
        tokenizer, config, hardware = Tokenizer.load(folder), load_config(folder), self.recipe.hardware
        check_fits(tokenizer, config.vocab_size)
        data = {path.name: path for path in sorted(folder.glob("model*.safetensors"))}
        settings = {"imported": True, "hardware": hardware.model_dump()}
        self.run.settle("hardware", hardware.model_dump())
        stage = self.run.begin(kind, 1, settings=settings, seed=self.seed, data=data, redo=self.redo)

        def write(target: Path) -> None:
            model = load_policy(folder, dtype=None)
            save_policy(model, target, eos=tokenizer.stop_ids, pad=tokenizer.pad)
            tokenizer.save(target, config.context)

        if not stage.done:
            stage.finish(write, 0.0, {"parameters": config.parameters()})
        return stage

    def sft(self, demonstrations: Path, round: int = 1, text: Path | None = None) -> Stage:
        """Step 1 on the base model; `text` is mixed in where the recipe says so."""
        parent = self.run.newest("pretrain")
        raw = self._raw(text, self.recipe.sft.pretraining_mix)
        data = {"demonstrations": demonstrations, **raw}
        stage = self._begin("sft", round, {"sft": self.recipe.sft}, {"base": parent}, data)
        if not stage.done:
            rows = jsonl.read_demonstrations(demonstrations)
            folder, recipe, pretraining = self.run.root / parent, self.recipe, self._pretraining(parent, raw)
            finetune(
                stage, folder, rows, recipe.sft, recipe.hardware, self.seed, pretraining, tensorboard=self.tensorboard
            )
        return stage

    def policy(self, round: int) -> str:
        """The key of the policy that round `round` starts from: PPO's of the round before, else the newest SFT."""
        before = f"round-{round - 1}/3-ppo"
        return before if self.run.stage(before).done else self.run.newest("sft")

    def reward_model(self, round: int) -> str:
        """The key of the reward model that round `round` uses: its own, else the newest."""
        own = self.run.path("reward", round)
        return own if self.run.stage(own).done else self.run.newest("reward")

    def sample(
        self,
        prompts: Path,
        out: Path,
        policy: str,
        settings: SampleSettings | None = None,
        examples: Sequence[Demonstration] = (),
    ) -> Path:
        """`settings.n` answers of a policy to each prompt, as JSONL; goes on where it was stopped.

        A base model is asked in plain text, behind `examples`.
        """
        settings = settings or self.recipe.sample
        made_from = {
            "policy": {"stage": policy, "weights": self._weights(policy)},
            "prompts": sha256(prompts),
            "settings": settings.model_dump() | {"seed": self.seed},
        }
        if examples:
            made_from["examples"] = hashlib.sha256(repr(examples).encode()).hexdigest()
        if out.is_dir():
            raise UserError(f"{out}: is a folder; name a file for the answers.")
        if out.exists() and self.run.made_from(out) == made_from:
            return out
        rows = jsonl.read_prompts(prompts)
        params = SamplingParams(settings.max_new_tokens, settings.temperature, top_p=settings.top_p, seed=self.seed)
        assistant = self._assistant(policy, settings.rows, examples)
        try:
            assistant.check(rows, settings.max_new_tokens)
        except UserError as error:
            raise UserError(f"{prompts}: {error}") from None
        partial = out.with_name(f"{out.name}.partial")
        if self.run.made_from(partial) != made_from:
            partial.unlink(missing_ok=True)
            self.run.note(partial, made_from)
        append_lines(partial, ())  # takes back a line that a kill cut off
        done = jsonl.read_samples(partial) if partial.stat().st_size else []
        for start in range(len(done), len(rows), SAMPLE_CHUNK):
            chunk = assistant.sample(rows[start : start + SAMPLE_CHUNK], params, settings.n, f"sample {policy}", start)
            append_lines(partial, map(jsonl.sample_row, chunk))
        partial.rename(out)
        self.run.note(out, made_from)
        return out

    def _weights(self, policy: str) -> str:
        """The hash of a checkpoint's weights: as recorded, or of a snapshot, which no record names."""
        recorded = self.run.record["stages"].get(policy, {}).get("weights")
        return recorded or weights_sha256(self.run.root / policy)

    def _assistant(self, policy: str, rows: int, examples: Sequence[Demonstration]) -> Assistant | FewShot:
        folder, hardware = self.run.root / policy, self.recipe.hardware
        assistant = Assistant.load(folder, hardware, policy, rows)
        if policy != self.run.path("pretrain", 1):
            return assistant
        return FewShot(assistant.model, assistant.tokenizer, examples, policy, rows)

    def reward(self, rankings: Sequence[Path], demonstrations: Path | None, round: int = 1) -> Stage:
        """Step 2 on all rankings so far; starts from the SFT model, each round anew."""
        parent = self.run.newest("sft")
        data = {f"rankings-{i}": path for i, path in enumerate(rankings, 1)}
        if demonstrations:
            data["demonstrations"] = demonstrations
        stage = self._begin("reward", round, {"reward": self.recipe.reward}, {"sft": parent}, data)
        if not stage.done:
            train_reward(
                stage,
                self.run.root / parent,
                [row for path in rankings for row in jsonl.read_comparisons(path)],
                jsonl.read_demonstrations(demonstrations) if demonstrations else [],
                self.recipe.reward,
                self.recipe.hardware,
                self.seed,
                self.tensorboard,
            )
        return stage

    def feedme(self, samples: Path, round: int = 1, text: Path | None = None, policy: str = "") -> Stage:
        """Step 1 again, on the best of n of the policy's own samples (the recipe of text-davinci-002).

        Args:
            policy: The key of the policy that the samples are of and that is trained; by default the round's.
        """
        parents = {"policy": policy or self.policy(round), "reward": self.reward_model(round)}
        raw = self._raw(text, self.recipe.sft.pretraining_mix)
        stage = self._begin("feedme", round, {"sft": self.recipe.sft}, parents, {"samples": samples, **raw})
        if stage.done:
            return stage
        recipe, folder = self.recipe, self.run.root / parents["policy"]
        scorer = Scorer.load(self.run.root / parents["reward"], recipe.hardware)
        rows = jsonl.read_samples(samples)
        held = [row.prompt for row in rows[: max(16, len(rows) // 10)]]
        tokenizer = Tokenizer.load(folder)
        params = SamplingParams(recipe.sample.max_new_tokens, recipe.sample.temperature, seed=self.seed)

        def quality(model: Transformer) -> float:
            """Mean reward-model score of an answer to each of some prompts."""
            answered = Assistant(model, tokenizer, "feedme").sample(held, params, 1)
            scores = scorer.score(held, [row.completions for row in answered])
            return float(torch.cat([score.scores for score in scores]).mean())

        best = as_demonstrations(scorer.best(rows))
        if not best:
            raise UserError(f"{samples}: no sample ended within its budget; raise sample.max_new_tokens.")
        pretraining = self._pretraining(parents["policy"], raw)
        finetune(stage, folder, best, recipe.sft, recipe.hardware, self.seed, pretraining, quality, self.tensorboard)
        return stage

    def ppo(self, prompts: Path, text: Path | None = None, round: int = 1) -> Stage:
        """Step 3 from the round's policy or the SFT model, against the newest reward model or a check of exact answers.

        Args:
            text: For ptx.
        """
        recipe, exact = self.recipe, self.recipe.ppo.reward == "exact"
        origin = self.run.newest("sft") if recipe.ppo.start == "sft" else self.policy(round)
        parents = {"start": origin} | ({} if exact else {"reward": self.reward_model(round)})
        raw = self._raw(text, recipe.ppo.ptx_coef)
        stage = self._begin("ppo", round, {"ppo": recipe.ppo}, parents, {"prompts": prompts, **raw})
        if not stage.done:
            start, pretraining = self.run.root / parents["start"], self._pretraining(parents["start"], raw)
            rows = jsonl.read_problems(prompts) if exact else jsonl.read_prompts(prompts)
            reward = _exact if exact else self.run.root / parents["reward"]
            seed = self.seed + 1000 * (round - 1)  # another round meets the prompts in another order
            train_ppo(stage, start, reward, rows, recipe.ppo, recipe.hardware, seed, pretraining, self.tensorboard)
        return stage

    @staticmethod
    def _raw(text: Path | None, wanted: float) -> dict[str, Path]:
        """The raw text as a step's data, if the recipe wants some of it."""
        return {"text": text} if text and wanted else {}

    def _pretraining(self, policy: str, raw: dict[str, Path]) -> list[Group]:
        if "text" not in raw:
            return []
        folder = self.run.root / policy
        tokenizer, context = Tokenizer.load(folder), load_config(folder).context
        return list(build_corpus(jsonl.read_texts(raw["text"]), tokenizer, context, heldout=0.0).train)

    def _begin(
        self, kind: Any, round: int, tables: dict[str, Settings], parents: dict[str, str], data: dict[str, Path]
    ) -> Stage:
        settings = {name: table.model_dump() for name, table in {"hardware": self.recipe.hardware, **tables}.items()}
        self.run.settle("hardware", settings["hardware"])
        return self.run.begin(
            kind, round, settings=settings, seed=self.seed, parents=parents, data=data, redo=self.redo
        )


def _exact(prompt: Prompt, text: str) -> float:
    return exact_answer.score(text, prompt.answers)
