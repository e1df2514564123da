"""Reward model: all pairs of one prompt in one batch element, over one forward pass that shares the prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from mynah.config import Amount, Count, Share
from mynah.model.heads import EnsembleHeads, ScalarModel, fresh_ensemble, with_scalar_head
from mynah.model.hub import load_policy, save_adapter, save_ensemble, save_scalar
from mynah.model.lora import LoRA, adapted, merged
from mynah.model.packed import PackedPlan
from mynah.model.precision import DTYPES, Hardware, place
from mynah.model.send import send
from mynah.nouns import Comparison, Demonstration, Group
from mynah.runs import Stage
from mynah.step2_reward.calibration import PairFigures, pair_figures
from mynah.step2_reward.comparisons import RankedGroup, build
from mynah.step2_reward.ensemble import bootstrap_weights
from mynah.step2_reward.head import fit_heads
from mynah.step2_reward.loss import ranking_loss
from mynah.tokens import ChatFormat, Tokenizer, check_fits
from mynah.train.optim import OptimSettings
from mynah.train.order import batches
from mynah.train.packing import FILL, lay_out, partition
from mynah.train.scoring import read_ends, score_ends, score_groups, unsupervised
from mynah.train.session import Session
from mynah.train.step import Learner

MEASURED = 1024
"""So many prompts, and so many demonstrations, tell the scores' spread and mean to a few hundredths."""


class RewardSettings(OptimSettings):
    """Step 2."""

    learning_rate: Amount = 1e-3
    """Peak learning rate. InstructGPT: 9e-6 for 6B parameters."""
    head_first: bool = False
    """First fit the score head on the policy as it is: one pass more; for strong checkpoints and few rankings."""
    epochs: Annotated[int, Field(ge=0)] = 1
    """Passes over the prompts; more overfit soon. 0, with head_first: the head alone is fitted."""
    batch_size: Count = 32
    """Prompts an update, each with all its completions."""
    microbatch_tokens: Count = 16_384
    """Tokens in one forward pass; a matter of memory, not of results."""
    heldout: Share = 0.15
    """Share of the prompts kept out of training to measure accuracy; with 0 it is that on the training prompts."""
    ensemble: Annotated[int, Field(ge=0)] = 5
    """Bootstrap heads whose disagreement tells where the rankings are silent; 0 for none."""
    ensemble_learning_rate: Amount = 1e-2
    """Learning rate of the ensemble's heads; linear on frozen features, so larger."""
    lora: LoRA = LoRA()
    """Train adapters and the score head only."""

    @model_validator(mode="after")
    def _something_is_trained(self) -> Self:
        if not (self.epochs or self.head_first):
            raise ValueError("epochs=0 trains nothing unless head_first=true")
        return self


def train_reward(
    stage: Stage,
    parent: Path,
    comparisons: Sequence[Comparison],
    demonstrations: Sequence[Demonstration],
    settings: RewardSettings,
    hardware: Hardware,
    seed: int,
    tensorboard: bool = False,
) -> None:
    """Train a reward model that starts from the policy in `parent`, and publish it in `stage`.

    Args:
        demonstrations: Their last answers score 0 on average after normalisation; none: the ranked answers do.
    """
    tokenizer, model, heads = _begin(parent, settings, hardware, seed)
    chat, context = ChatFormat(tokenizer), model.backbone.config.context
    ranked = build(comparisons, chat, context, settings.heldout)
    train = [group for group in ranked if not group.heldout]
    held = [group for group in ranked if group.heldout]
    counts = bootstrap_weights(len(train), len(heads.bias), seed)
    plan = batches(len(train), settings.batch_size, settings.epochs, seed)
    faster = settings.model_copy(update={"learning_rate": settings.ensemble_learning_rate})
    with Session(stage, len(plan), "updates", tensorboard) as session:
        if settings.head_first and not session.saved:
            fit_first(model, heads, train, counts, settings.microbatch_tokens, session.show)
        learner, ensemble = Learner(model, settings, len(plan)), Learner(heads, faster, len(plan))

        def state() -> dict[str, Any]:
            return {"learner": learner.state(), "ensemble": ensemble.state()}

        if session.saved:
            learner.load(session.saved["learner"])
            ensemble.load(session.saved["ensemble"])
        elif settings.head_first:
            session.save_if_due(0, state)
        for step in range(session.first, len(plan)):
            groups, weights = [train[i] for i in plan[step]], counts[plan[step]]
            stats = learner.update(_losses(model, heads, groups, weights, settings.microbatch_tokens))
            ensemble.optimiser.collect()
            ensemble.apply(0.0, ensemble.clip())
            figures = dict(vars(stats))
            if step + 1 == len(plan) or (step + 1) % max(1, len(plan) // 5) == 0:
                figures["accuracy"] = evaluate(model, held or train, settings)[0].accuracy
            session.log(step + 1, figures, ("loss", "accuracy"))
            session.save_if_due(step + 1, state)
        learner.optimiser.copy_ema_to(model)
        ensemble.optimiser.copy_ema_to(heads)
        pairs, spread = evaluate(model, held or train, settings, heads)
        shown = _demonstrated(demonstrations, chat, context)
        gain = normalise(model, heads, [one.group for one in train], shown, settings.microbatch_tokens)

        figures = {**vars(pairs), "ensemble_spread": spread, "gain": gain, "train_prompts": len(train)}
        figures["heldout_prompts"] = len(held)

        def write(folder: Path) -> None:
            save_scalar(merged(model), folder, eos=tokenizer.end_of_turn, pad=tokenizer.pad)
            tokenizer.save(folder, context)
            if settings.ensemble:
                save_ensemble(heads, folder)

        adapter = partial(save_adapter, model, base=str(parent)) if settings.lora.rank else None
        stage.finish(write, session.seconds, figures, adapter)


def _begin(
    parent: Path, settings: RewardSettings, hardware: Hardware, seed: int
) -> tuple[Tokenizer, ScalarModel, EnsembleHeads]:
    """The policy's tokenizer; its copy with a head drawn at random, and adapters where they are wanted; an ensemble."""
    tokenizer = Tokenizer.load(parent)
    policy = place(load_policy(parent, DTYPES[hardware.dtype], hardware.device), hardware)
    check_fits(tokenizer, policy.config.vocab_size)
    model = adapted(with_scalar_head(policy, seed), settings.lora, seed)
    heads = fresh_ensemble(max(1, settings.ensemble), policy.config.width, seed + 1).to(model.device)
    return tokenizer, model, heads


def _losses(
    model: ScalarModel, heads: EnsembleHeads, groups: Sequence[RankedGroup], counts: Tensor, budget: int
) -> Iterator[Tensor]:
    """The mean ranking loss over `groups`, in microbatches; with it the ensemble's, on features held fixed.

    counts: [groups, M], how often each head drew each group.
    """
    for indices in partition([ranked.group for ranked in groups], budget):
        batch = lay_out([groups[i].group for i in indices], model.device, FILL)
        ends = model.hidden(batch.tokens, batch.positions, PackedPlan(batch, model.dtype))[batch.ends]  # [S, D]
        better, worse, shares, drawn, first = [], [], [], [], 0
        for i in indices:
            for preferred, other, share in groups[i].pairs:
                better.append(first + preferred)
                worse.append(first + other)
                shares.append(share / len(groups))
                drawn.append(counts[i])
            first += len(groups[i].group.branches)
        weights = torch.tensor(shares)
        tables = torch.tensor([better, worse]), weights, weights[:, None] * torch.stack(drawn).to(weights)
        (high, low), of_model, of_heads = (send(table, model.device) for table in tables)
        ranking_loss(heads(ends.detach()), high, low, of_heads).backward()
        yield ranking_loss(model.read(ends), high, low, of_model)


def evaluate(
    model: ScalarModel, groups: Sequence[RankedGroup], settings: RewardSettings, heads: EnsembleHeads | None = None
) -> tuple[PairFigures, float]:
    """(pair figures, mean spread of the ensemble in units of the score's own spread) on `groups`."""
    scored = score_groups(model, [ranked.group for ranked in groups], settings.microbatch_tokens, heads)
    figures = pair_figures(groups, [scores for scores, _ in scored])
    if heads is None:
        return figures, 0.0
    parts = torch.cat([parts for _, parts in scored])  # [S, M]
    centred = (parts - parts.mean(0)) / parts.std(0).clamp(min=1e-6)
    return figures, float(centred.std(dim=1, correction=0).mean())


@torch.no_grad()
def fit_first(
    model: ScalarModel,
    heads: EnsembleHeads,
    train: Sequence[RankedGroup],
    counts: Tensor,
    budget: int,
    show: Callable[..., None],
) -> None:
    """Put heads that are fitted on the model as it is in the place of those drawn at random.

    The hidden states of all answers are held at once, for the fit three times in fp32: 12 bytes · answers · width, and
    as much again for each pair while their sizes are compared.

    Args:
        show: Told how far it is; may raise, so that it can be stopped.
    """
    found: dict[int, Tensor] = {}
    for ends in read_ends(model, [ranked.group for ranked in train], budget):
        found |= zip(ends.indices, ends.states.float().cpu().split(ends.counts), strict=True)
        show(head=f"reading {len(found)}/{len(train)}")
    fitted = fit_heads([found[index] for index in range(len(train))], train, counts, show)
    model.score.weight.copy_(fitted[:1])
    heads.weight.copy_(fitted[1:])


@torch.no_grad()
def normalise(
    model: ScalarModel, heads: EnsembleHeads, ranked: Sequence[Group], demonstrated: Sequence[Group], budget: int
) -> float:
    """Fold in a gain, so that the ranked samples' scores have unit spread, and a bias, so that demonstrations (without
    any, the samples) score 0 on average (Ziegler 2019); each head of the ensemble by itself. Returns the gain.

    Of more than MEASURED prompts or demonstrations an even selection is read.
    """
    samples, shown = (list(read_ends(model, _some(groups), budget)) for groups in (ranked, demonstrated))
    scores = score_ends(model, samples, heads)
    spread = torch.cat([scores for scores, _ in scores]).std().clamp(min=1e-6)
    spreads = torch.cat([parts for _, parts in scores]).std(0).clamp(min=1e-6).to(heads.bias)
    model.score.weight.div_(spread)
    heads.weight.div_(spreads[:, None])
    # the bias is measured after the gain was rounded into the weights' format
    origin = score_ends(model, shown or samples, heads)
    model.bias.sub_(torch.cat([scores for scores, _ in origin]).mean().to(model.bias))
    heads.bias.sub_(torch.cat([parts for _, parts in origin]).mean(0).to(heads.bias))
    return 1 / float(spread)


def _some(groups: Sequence[Group]) -> Sequence[Group]:
    return groups[:: max(1, -(-len(groups) // MEASURED))]


def _demonstrated(demonstrations: Sequence[Demonstration], chat: ChatFormat, context: int) -> list[Group]:
    """The last answer of each demonstration behind what came before it."""
    groups = []
    for demonstration in demonstrations:
        last = max(i for i, message in enumerate(demonstration.messages) if message.role == "assistant")
        if last == 0:
            continue
        prompt = chat.encode_prompt(demonstration.messages[:last])
        answer = chat.encode_answer(demonstration.messages[last].content)
        if len(prompt) + len(answer) <= context:
            groups.append(unsupervised(prompt, [answer]))
    return groups
