"""Supervised fine-tuning: the token loss on what assistants said in demonstrations, and on nothing else."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mynah.config import Amount, Count, Share
from mynah.errors import UserError
from mynah.model.hub import load_policy, save_adapter, save_policy
from mynah.model.lora import LoRA, adapted, merged
from mynah.model.precision import DTYPES, Hardware, place
from mynah.model.transformer import Transformer
from mynah.nouns import Demonstration, Group
from mynah.runs import Stage
from mynah.step1_sft.demonstrations import build
from mynah.tokens import ChatFormat, Tokenizer, check_fits
from mynah.train.optim import OptimSettings
from mynah.train.order import batches
from mynah.train.packing import microbatches
from mynah.train.session import Session
from mynah.train.step import Learner
from mynah.train.token_loss import token_logprobs


class SFTSettings(OptimSettings):
    """Step 1."""

    learning_rate: Amount = 1e-3
    """Peak learning rate. Billions of parameters want about 1e-5."""
    epochs: Count = 3
    """Passes over the demonstrations. InstructGPT took 16: held-out loss rises after one, yet people like it."""
    batch_size: Count = 32
    """Demonstrations an update."""
    dropout: Share = 0.0
    """Dropout on residual branches; InstructGPT took 0.2."""
    pretraining_mix: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of an update's pieces that are raw text, against forgetting (InstructGPT, for what PPO starts from: 0.1);
    pieces may be longer than demonstrations, and tokens count alike."""
    microbatch_tokens: Count = 16_384
    """Tokens in one forward pass; a matter of memory, not of results."""
    heldout: Share = 0.05
    """Share of the demonstrations kept out of training to measure the loss."""
    lora: LoRA = LoRA()
    """Train adapters only."""


@dataclass
class BestEpoch:
    """The weights after the epoch that somebody liked best."""

    quality: float = -math.inf
    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Trained ones only."""

    def offer(self, model: Transformer, epoch: int, quality: float) -> None:
        """Keep the weights, if they are better than those before."""
        if quality > self.quality:
            self.quality, self.epoch = quality, epoch
            trained = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
            self.weights = {name: weight.detach().clone() for name, weight in trained}


def finetune(
    stage: Stage,
    parent: Path,
    demonstrations: Sequence[Demonstration],
    settings: SFTSettings,
    hardware: Hardware,
    seed: int,
    pretraining: Sequence[Group] = (),
    quality: Callable[[Transformer], float] | None = None,
    tensorboard: bool = False,
) -> None:
    """Fine-tune the policy in `parent` and publish it in `stage`.

    Args:
        pretraining: Pieces of raw text to mix in.
        quality: Scores a policy after each epoch, by a reward model or held-out win rate, when there is one; the
            epoch that it likes best is published, since held-out loss is no guide (Ouyang 2022). Without it, the last.

    Raises:
        UserError: Raw text is to be mixed in, and there is none.
    """
    if settings.pretraining_mix and not pretraining:
        raise UserError("sft.pretraining_mix is set, but there is no raw text; give --text, or sft.pretraining_mix=0.")
    tokenizer = Tokenizer.load(parent)
    model = place(load_policy(parent, DTYPES[hardware.dtype], hardware.device), hardware)
    check_fits(tokenizer, model.config.vocab_size)
    model = adapted(model, settings.lora, seed)
    train, held = build(demonstrations, ChatFormat(tokenizer), model.config.context, settings.heldout)
    plan = batches(len(train), settings.batch_size, settings.epochs, seed)
    per_epoch = len(plan) // settings.epochs
    learner = Learner(model, settings, len(plan))
    best = BestEpoch()
    with Session(stage, len(plan), "updates", tensorboard) as session:
        if session.saved:
            learner.load(session.saved["learner"])
            best = BestEpoch(**session.saved["best"])
        for step in range(session.first, len(plan)):
            torch.manual_seed(seed * 1_000_003 + step)  # dropout draws the same after a resume
            raw = round(len(plan[step]) * settings.pretraining_mix / (1 - settings.pretraining_mix))
            batch = [train[i] for i in plan[step]]
            batch += random.Random(f"{seed}/raw/{step}").choices(pretraining, k=raw) if raw else []
            tokens = sum(sum(group.trunk_mask) for group in batch)
            stats = learner.update(
                -token_logprobs(model, packed, settings.dropout).sum() / tokens
                for packed in microbatches(batch, settings.microbatch_tokens, model.device)
            )
            figures: dict[str, float] = {**vars(stats), "tokens": tokens}
            if (step + 1) % per_epoch == 0:
                if held:
                    figures["heldout_loss"] = heldout_loss(model, held, settings)
                if quality:
                    figures["quality"] = quality(model)
                    best.offer(model, (step + 1) // per_epoch, figures["quality"])
            session.log(step + 1, figures)
            session.save_if_due(step + 1, lambda: {"learner": learner.state(), "best": vars(best)})
        if best.weights:
            model.load_state_dict(best.weights, strict=False)  # without those that are frozen
        else:
            learner.optimiser.copy_ema_to(model)

        def write(folder: Path) -> None:
            save_policy(merged(model), folder, eos=tokenizer.stop_ids, pad=tokenizer.pad)
            tokenizer.save(folder, model.config.context)

        adapter = partial(save_adapter, model, base=str(parent)) if settings.lora.rank else None
        chosen = {"epoch": best.epoch or settings.epochs, "demonstrations": len(train)}
        stage.finish(write, session.seconds, chosen, adapter)


@torch.no_grad()
def heldout_loss(model: Transformer, groups: Sequence[Group], settings: SFTSettings) -> float:
    """Mean loss in nats per supervised token."""
    total = count = 0.0
    for batch in microbatches(groups, settings.microbatch_tokens, model.device):
        logprobs = token_logprobs(model, batch)
        total, count = total - float(logprobs.sum()), count + len(logprobs)
    return total / count
