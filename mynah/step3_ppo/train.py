"""PPO in reading order: roll out, score, reward, advantage, update (Ouyang 2022; Ziegler 2019; Huang 2024)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mynah.agent.assistant import encode_prompts
from mynah.engine import Engine
from mynah.errors import UserError
from mynah.files import write_folder
from mynah.model.heads import with_scalar_head
from mynah.model.hub import load_ensemble, load_policy, load_scalar, save_adapter, save_policy, save_scalar
from mynah.model.lora import adapted, frozen_and_trained, merged
from mynah.model.packed import PackedPlan
from mynah.model.precision import DTYPES, Hardware, place
from mynah.nouns import Group, PackedBatch, Prompt, SamplingParams, Trajectory
from mynah.progress import console
from mynah.runs import Stage
from mynah.step3_ppo.advantages import with_advantages
from mynah.step3_ppo.collapse import backwards, collapse
from mynah.step3_ppo.figures import describe
from mynah.step3_ppo.loss import policy_loss, value_loss
from mynah.step3_ppo.microbatch import Microbatch, microbatch
from mynah.step3_ppo.rewards import KLController, token_rewards
from mynah.step3_ppo.rollout import as_group, roll_out
from mynah.step3_ppo.scoring import Check, checked, evaluate, score
from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.watch import Watch
from mynah.tokens import ChatFormat, Tokenizer, check_fits
from mynah.train.order import batches
from mynah.train.packing import FILL, lay_out, microbatches, partition
from mynah.train.session import Session, save_state
from mynah.train.step import Learner
from mynah.train.stopwatch import Stopwatch
from mynah.train.token_loss import token_logprobs

SAME_RATIO, ROUNDED_RATIO = 1e-4, 0.1
"""How far a ratio may be from 1 while nothing has moved; the second on a GPU and for compiled blocks, which may take
other kernels where gradients are wanted: in bf16 a number is then rounded elsewhere."""


class PPO:
    """The five models of step 3 (four, where a check takes the reward model's place) and one iteration over them."""

    def __init__(
        self, start: Path, reward: Path | Check, settings: PPOSettings, hardware: Hardware, updates: int, seed: int
    ) -> None:
        dtype, device = DTYPES[hardware.dtype], hardware.device
        self.settings, self.seed = settings, seed
        self.tokenizer = Tokenizer.load(start)
        policy = place(load_policy(start, dtype, device), hardware)
        check_fits(self.tokenizer, policy.config.vocab_size)
        self.check, self.reward_model, self.ensemble = None, None, None
        if isinstance(reward, Path):
            if Tokenizer.load(reward).sha256 != self.tokenizer.sha256:
                raise UserError(
                    f"{reward}: a tokenizer that does not fit: the reward model reads other tokens than {start} writes."
                )
            reward_model = load_scalar(reward, dtype, device)
            if hardware.compile:
                reward_model.backbone.compile_blocks()
            self.reward_model, self.value_model = frozen_and_trained(reward_model, settings.lora, seed)
            self.ensemble = load_ensemble(reward, device)
            if settings.uncertainty_penalty and self.ensemble is None:
                raise UserError(
                    f"{reward}: has no ensemble, which ppo.uncertainty_penalty needs; train it with "
                    f"reward.ensemble=5, or set ppo.uncertainty_penalty=0."
                )
        else:  # nothing has learned to judge: values are read from what the policy makes of a text
            self.check, self.value_model = reward, adapted(with_scalar_head(policy, seed), settings.lora, seed)
        with torch.no_grad():  # values start at 0: the head was fitted to the ends of answers, and they stand elsewhere
            self.value_model.score.weight.zero_()
            self.value_model.bias.zero_()
        self.reference, self.policy = frozen_and_trained(policy, settings.lora, seed)
        self.policy_learner = Learner(self.policy, settings, updates)
        its_own = {"learning_rate": settings.value_learning_rate, "ema_half_life": 0.0}
        self.value_learner = Learner(self.value_model, settings.model_copy(update=its_own), updates)
        self.engine = Engine(self.policy, rows=min(128, settings.prompts * settings.completions))
        iterations = settings.kl_horizon * settings.iterations
        self.controller = KLController(settings.kl_coef, settings.kl_target, iterations)

    def iterate(
        self,
        iteration: int,
        prompts: Sequence[Sequence[int]],
        pretraining: Sequence[Group] = (),
        asked: Sequence[Prompt] = (),
    ) -> dict[str, float]:
        """Roll out, score, reward, advantage, update; returns the iteration's figures.

        Args:
            prompts: Token ids.
            asked: The same prompts as a check reads them; needed only where one takes the reward model's place.
        """
        settings, clock = self.settings, Stopwatch(self.policy.device)
        params = SamplingParams(
            settings.max_new_tokens, settings.temperature, stop=self.tokenizer.stop_ids, seed=self.seed
        )
        first = iteration * settings.prompts * settings.completions
        rollouts = roll_out(self.engine, prompts, params, settings.completions, first)
        clock.lap("rollout")
        if self.check:
            rollouts = checked(rollouts, asked, self.check, self.tokenizer, settings.missing_end_score)

        trajectories, layouts = self._evaluate(rollouts)
        trajectories = [
            [replace(t, rewards=token_rewards(t, self.controller.kl_coef)) for t in part] for part in trajectories
        ]
        flat = with_advantages(
            [t for part in trajectories for t in part], settings.gamma, settings.gae_lambda, settings.whiten
        )
        parts = iter(flat)
        packed = [
            microbatch(minibatch, layout, [next(parts) for _ in part])
            for (minibatch, layout), part in zip(layouts, trajectories, strict=True)
        ]
        clock.lap("scoring")
        figures = describe(flat, self.tokenizer.end_of_turn) | {"kl_coef": self.controller.kl_coef}
        figures |= self._update(iteration, packed, pretraining)
        self.controller.update(figures["ref_kl"])
        self.engine.refresh()
        clock.lap("update")
        return figures | clock.seconds

    def _evaluate(
        self, rollouts: Sequence[list[Trajectory]]
    ) -> tuple[list[list[Trajectory]], list[tuple[int, PackedBatch]]]:
        """Trajectories by microbatch, with all that the frozen models and the learner say of them.

        Every minibatch is laid out by itself, in as many microbatches as memory asks for: so there are always
        `minibatches` updates, and each sees the layout that its old log-probabilities were computed in.
        """
        settings = self.settings
        trajectories, layouts = [], []
        for minibatch in range(settings.minibatches):
            dealt = rollouts[minibatch :: settings.minibatches]  # prompts come in random order
            groups = [as_group(group) for group in dealt]
            for indices in partition(groups, settings.microbatch_tokens):
                batch = lay_out([groups[i] for i in indices], self.policy.device, FILL)
                part = [trajectory for i in indices for trajectory in dealt[i]]
                part = evaluate(part, batch, self.policy, self.reference, self.value_model, settings.temperature)
                if self.reward_model:
                    part = score(
                        part,
                        batch,
                        self.reward_model,
                        self.ensemble,
                        settings.uncertainty_penalty,
                        self.tokenizer.end_of_turn,
                        settings.missing_end_score,
                    )
                trajectories.append(part)
                layouts.append((minibatch, batch))
        return trajectories, layouts

    def _update(self, iteration: int, packed: list[Microbatch], pretraining: Sequence[Group]) -> dict[str, float]:
        """`epochs` passes over the minibatches, each time in another order."""
        settings = self.settings
        totals: dict[str, list[float]] = {}
        for epoch in range(settings.epochs):
            rng = random.Random(f"{self.seed}/{iteration}/{epoch}")
            for minibatch in rng.sample(range(settings.minibatches), settings.minibatches):
                chosen = [m for m in packed if m.minibatch == minibatch]
                ptx = rng.choices(pretraining, k=settings.ptx_examples) if pretraining else []
                figures = self._minibatch(chosen, ptx, first=not totals)
                for name, value in figures.items():
                    totals.setdefault(name, []).append(value)
        return {name: sum(values) / len(values) for name, values in totals.items()}

    def _minibatch(self, chosen: list[Microbatch], ptx: Sequence[Group], first: bool) -> dict[str, float]:
        """One optimiser step of the policy and one of the value model. Losses average over chosen tokens only."""
        settings, tokens = self.settings, sum(len(m.old_logprobs) for m in chosen)
        seen: list[Tensor] = []  # read once all are under way: a GPU would be waited for

        def policy_losses() -> Iterator[Tensor]:
            for m in chosen:
                logprobs = token_logprobs(self.policy, m.batch, temperature=settings.temperature)
                result = policy_loss(logprobs, m.old_logprobs, m.advantages, settings.clip_range)
                seen.append(torch.stack((result.approx_kl, result.clipped.float(), result.largest_ratio_gap)))
                yield result.loss / tokens

        def value_losses() -> Iterator[Tensor]:
            for m in chosen:
                plan = PackedPlan(m.batch, self.value_model.dtype)
                hidden = self.value_model.hidden(m.batch.tokens, m.batch.positions, plan)
                values = self.value_model.read(hidden[m.batch.sources])
                yield value_loss(values, m.old_values, m.returns, settings.value_clip) / tokens

        loss = self.policy_learner.backward(policy_losses())
        approx_kl, clipped, gaps = torch.stack(seen).cpu().unbind(1)
        if first:  # nothing has moved since the old log-probabilities were taken in this very layout
            exact = self.policy.device.type == "cpu" and not self.policy.compiled
            gap = float(gaps.max())
            assert gap < (SAME_RATIO if exact else ROUNDED_RATIO), f"first ratio is off by {gap}"
        figures = {"approx_kl": float(approx_kl.sum()) / tokens, "clip_fraction": float(clipped.sum()) / tokens}
        norm = self.policy_learner.clip()
        ptx_loss = ptx_norm = 0.0
        if ptx:  # clipped by itself, then added: one optimiser step moves along both
            ppo_gradients = self.policy_learner.take_gradients()
            count = sum(sum(group.trunk_mask) for group in ptx)
            ptx_loss = self.policy_learner.backward(
                -settings.ptx_coef * token_logprobs(self.policy, batch).sum() / count
                for batch in microbatches(ptx, settings.microbatch_tokens, self.policy.device)
            )
            ptx_norm = self.policy_learner.clip()
            self.policy_learner.add_gradients(ppo_gradients)
            ratio = ptx_norm / norm if norm else 0.0  # PPO's is 0 where all answers scored alike
            figures |= {"ptx_loss": ptx_loss, "ptx_grad_norm": ptx_norm, "ptx_gradient_ratio": ratio}
        stats = self.policy_learner.apply(loss + ptx_loss, norm + ptx_norm)
        value_stats = self.value_learner.update(value_losses())
        return figures | {
            "policy_loss": loss,
            "value_loss": value_stats.loss,
            "policy_grad_norm": norm,
            "value_grad_norm": value_stats.grad_norm,
            "learning_rate": stats.learning_rate,
            "weights_changed": stats.weights_changed,
        }

    def save_policy(self, folder: Path) -> None:
        """The policy as it is now, with its tokenizer."""
        save_policy(merged(self.policy), folder, eos=self.tokenizer.stop_ids, pad=self.tokenizer.pad)
        self.tokenizer.save(folder, self.policy.config.context)

    def state(self) -> dict[str, Any]:
        return {
            "policy": self.policy_learner.state(),
            "value": self.value_learner.state(),
            "kl_coef": self.controller.kl_coef,
            "weight_version": self.engine.weight_version,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.policy_learner.load(state["policy"])
        self.value_learner.load(state["value"])
        self.controller.kl_coef = state["kl_coef"]
        self.engine.refresh()
        self.engine.weight_version = state["weight_version"]


def train_ppo(
    stage: Stage,
    start: Path,
    reward: Path | Check,
    prompts: Sequence[Prompt],
    settings: PPOSettings,
    hardware: Hardware,
    seed: int,
    pretraining: Sequence[Group] = (),
    tensorboard: bool = False,
) -> None:
    """Train the policy in `start` against `reward` and publish its moving average in `stage`.

    Args:
        reward: A reward model's folder, or a check of the answers' text (see `scoring.Check`).
        prompts: Other ones than steps 1 and 2 saw.
        pretraining: Pieces of raw text for ptx.

    Raises:
        UserError: The settings contradict each other, a file does not fit, or the run collapsed: then the state of
            the last iteration is kept.
    """
    _refuse_contradictions(settings, reward, pretraining)
    updates = settings.iterations * settings.epochs * settings.minibatches
    ppo = PPO(start, reward, settings, hardware, updates, seed)
    encoded = encode_prompts(ChatFormat(ppo.tokenizer), prompts, ppo.engine.context - 1)
    wanted = settings.iterations * settings.prompts
    order = [i for [i] in batches(len(encoded), 1, -(-wanted // len(encoded)), seed)]  # pass after pass
    kept = {round(settings.iterations * k / settings.snapshots) for k in range(1, settings.snapshots + 1)}
    budget = settings.max_new_tokens
    watch = Watch(stage.state / "samples", prompts, encoded, settings.iterations, budget, ppo.tokenizer)
    history: list[dict[str, float]] = []
    with Session(stage, settings.iterations, "iterations", tensorboard) as session:
        if session.saved:
            ppo.load(session.saved["ppo"])
            history = session.saved["history"]
            _refuse_collapse(stage, history, settings.max_ref_kl)
        watch.look(ppo.engine, session.first)
        for iteration in range(session.first, settings.iterations):
            drawn = order[iteration * settings.prompts : (iteration + 1) * settings.prompts]
            ids, asked = [encoded[i] for i in drawn], [prompts[i] for i in drawn]
            figures = ppo.iterate(iteration, ids, pretraining if settings.ptx_coef else (), asked)
            history.append(figures)
            session.log(iteration + 1, figures, ("score", "ref_kl", "length"))
            state = lambda: {"ppo": ppo.state(), "history": history}  # noqa: E731
            if collapse(history, settings.max_ref_kl):
                save_state(stage.state, iteration + 1, state() | {"seconds": session.seconds})
                _refuse_collapse(stage, history, settings.max_ref_kl)
            watch.look(ppo.engine, iteration + 1)
            if iteration + 1 in kept:
                write_folder(stage.state / "snapshots" / f"{iteration + 1:06d}", ppo.save_policy)
            session.save_if_due(iteration + 1, state)
        assert ppo.policy_learner.step == updates, "schedule and average were laid out for another number of updates"
        _publish(stage, ppo, str(start), history, session.seconds)


def _refuse_contradictions(settings: PPOSettings, reward: Path | Check, pretraining: Sequence[Group]) -> None:
    if settings.ptx_coef and not pretraining:
        raise UserError("ppo.ptx_coef is set, but there is no raw text to mix in; give --text, or set ppo.ptx_coef=0.")
    if settings.minibatches > settings.prompts:
        raise UserError(
            f"ppo.minibatches={settings.minibatches} is more than ppo.prompts={settings.prompts}, and the rollouts of "
            f"a prompt stay together; lower the one or raise the other."
        )
    if settings.uncertainty_penalty and not isinstance(reward, Path):
        raise UserError("ppo.uncertainty_penalty is a reward model's; with ppo.reward=exact set it to 0.")


def _refuse_collapse(stage: Stage, history: Sequence[dict[str, float]], max_ref_kl: float) -> None:
    """A collapsed run is not gone on with, nor published, however often it is called."""
    if reason := collapse(history, max_ref_kl):
        raise UserError(f"{stage.key}: stopped at iteration {len(history)}, collapsed: {reason}.")


def _publish(stage: Stage, ppo: PPO, start: str, history: Sequence[dict[str, float]], seconds: float) -> None:
    """The value model beside the stage, then the averaged policy as the stage itself, and its adapter if it has one."""

    def write_value(folder: Path) -> None:
        save_scalar(merged(ppo.value_model), folder, eos=ppo.tokenizer.end_of_turn, pad=ppo.tokenizer.pad)
        ppo.tokenizer.save(folder, ppo.policy.config.context)

    write_folder(stage.folder.with_name(f"{stage.folder.name}.value"), write_value)
    if not ppo.settings.kl_target and (warning := backwards(history)):
        console.print(f"[yellow]{stage.key}: {warning}.[/yellow]")
    last = history[-1]
    names = ("objective", "score", "ref_kl", "entropy", "length", "ended", "mismatch_kl", "kl_coef")
    figures = {name: last[name] for name in names} | {"iterations": len(history)}
    figures["weights_changed"] = sum(row["weights_changed"] for row in history) / len(history)
    figures |= {name: round(sum(row[name] for row in history), 1) for name in last if name.endswith("_seconds")}
    ppo.policy_learner.optimiser.copy_ema_to(ppo.policy)
    adapter = partial(save_adapter, ppo.policy, base=start) if ppo.settings.lora.rank else None
    stage.finish(ppo.save_policy, seconds, figures, adapter)
