"""Pretraining: predict the next token of raw text; bits per byte on documents held out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field

from mynah.config import Amount, Count, Settings, Share
from mynah.model.hub import save_policy
from mynah.model.precision import Hardware, place
from mynah.model.sizes import Architecture, ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.runs import Stage
from mynah.step0_pretrain.corpus import Corpus
from mynah.tokens import Tokenizer
from mynah.train.bits import bits_per_byte
from mynah.train.optim import OptimSettings
from mynah.train.order import batches
from mynah.train.packing import microbatches
from mynah.train.session import Session
from mynah.train.step import Learner
from mynah.train.token_loss import token_logprobs


class TokenizerSettings(Settings):
    """The tokenizer trained before the base model."""

    vocab_size: Count = 4096
    """Number of token ids, special tokens and the 256 bytes included."""


class ModelSettings(Settings):
    """The base model's size; width and layers decide, the rest derives."""

    width: Count = 256
    """Size of the residual stream; a multiple of 32, from 512 on of 64."""
    layers: Count = 8
    """Number of blocks."""
    context: Annotated[int, Field(ge=2)] = 512
    """Longest sequence in tokens."""
    tied: bool = True
    """Share the embedding matrix with the output head."""
    architecture: Architecture = "llama"
    """The Hugging Face family the folder is saved as: llama, qwen2 (q/k/v biases), qwen3 (q/k norm), gpt2, …"""


class PretrainSettings(OptimSettings):
    """Step 0."""

    learning_rate: Amount = 3e-3
    """Peak learning rate; small models want large ones."""
    weight_decay: Amount = 0.1
    """Decoupled decay of matrices."""
    epochs: Count = 1
    """Passes over the corpus."""
    batch_size: Count = 64
    """Documents (or context-long pieces) an update."""
    microbatch_tokens: Count = 16_384
    """Tokens in one forward pass; a matter of memory, not of results."""
    heldout: Share = 0.02
    """Share of the documents kept out of training to measure bits per byte."""


def pretrain(
    stage: Stage,
    corpus: Corpus,
    tokenizer: Tokenizer,
    size: ModelSettings,
    settings: PretrainSettings,
    hardware: Hardware,
    seed: int,
    tensorboard: bool = False,
) -> None:
    """Train a base model from nothing and publish it in `stage`."""
    shape = ModelConfig.of_size(
        size.width, size.layers, tokenizer.vocab_size, size.context, size.tied, size.architecture
    )
    model = place(initialise(shape, seed), hardware)
    plan = batches(len(corpus.train), settings.batch_size, settings.epochs, seed)
    learner = Learner(model, settings, len(plan))
    with Session(stage, len(plan), "updates", tensorboard) as session:
        if session.saved:
            learner.load(session.saved["learner"])
        for step in range(session.first, len(plan)):
            groups = [corpus.train[i] for i in plan[step]]
            tokens = sum(map(len, groups)) - len(groups)
            packed = microbatches(groups, settings.microbatch_tokens, model.device)
            stats = learner.update(-token_logprobs(model, batch).sum() / tokens for batch in packed)
            session.log(step + 1, {**vars(stats), "tokens": tokens})
            session.save_if_due(step + 1, lambda: {"learner": learner.state()})
        learner.optimiser.copy_ema_to(model)
        redraw_unseen(model, corpus.train.tokens, seed)
        figures: dict[str, float] = {"parameters": shape.parameters(), "documents": len(corpus.train)}
        if corpus.heldout:
            bpb = bits_per_byte(model, list(corpus.heldout), corpus.heldout_bytes, settings.microbatch_tokens)
            figures["bits_per_byte"] = round(bpb, 4)

        def write(folder: Path) -> None:
            save_policy(model, folder, eos=(tokenizer.end_of_text,), pad=tokenizer.pad)
            tokenizer.save(folder, size.context)

        stage.finish(write, session.seconds, figures)


@torch.no_grad()
def redraw_unseen(model: Transformer, tokens: Iterable[int], seed: int) -> None:
    """Give tokens that the corpus never held (roles, tool calls) embeddings drawn like the others' (Hewitt 2021).

    The softmax has pushed them all the same way, out of reach: to a fine-tuned model every role would look alike.
    """
    unseen = torch.ones(model.config.vocab_size, dtype=torch.bool)
    unseen[torch.tensor(sorted(set(tokens)))] = False
    generator = torch.Generator().manual_seed(seed)
    tables = [model.embed_tokens.weight] if model.config.tied else [model.embed_tokens.weight, model.lm_head.weight]
    for table in tables:
        seen = table[~unseen.to(table.device)].float().cpu()
        noise = torch.empty(int(unseen.sum()), seen.shape[1]).normal_(generator=generator)
        table[unseen.to(table.device)] = (seen.mean(0) + seen.std(0) * noise).to(table)
