"""The verbs that make something: import, pretrain, sft, sample, label, reward, ppo."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from mynah import jsonl
from mynah.config import load, validate
from mynah.errors import UserError
from mynah.feedback.simulated import label as label_simulated
from mynah.feedback.terminal import label as label_by_hand
from mynah.model.fetch import checkpoint
from mynah.model.hub import load_config
from mynah.primer.worlds import WORLDS, world_of
from mynah.progress import console
from mynah.recipe import Recipe, SampleSettings
from mynah.verbs.say import say
from mynah.verbs.where import HERE, Where


def import_(
    source: str, as_: Annotated[Literal["base", "sft"], Parameter(name="--as")] = "base", where: Where = HERE
) -> None:
    """Take an open checkpoint (Llama, Mistral, SmolLM, Qwen2, Qwen3, GPT-2) as the base model of a run.

    ```
    mynah import Qwen/Qwen3-0.6B --run support
    mynah import HuggingFaceTB/SmolLM2-135M-Instruct@main --run support
    mynah import ~/models/Qwen3-0.6B --run support
    mynah import ~/models/SmolLM2-135M-Instruct.Q8_0.gguf --as sft --run support
    ```

    Parameters
    ----------
    source
        A folder that holds config.json, model.safetensors (or shards) and tokenizer.json; or a model of the Hugging
        Face Hub, with the revision behind an @; or a GGUF file (Llama, Qwen2, Qwen3), which needs the package gguf.
    as_
        `base`: step 1 comes next. `sft`: the model chats already, and its answers are to be ranked as they are.
    """
    loop = where.loop(new=True)
    with checkpoint(source, loop.run.root) as folder:
        stage = loop.adopt(folder, "sft" if as_ == "sft" else "pretrain")
    config = load_config(stage.folder)
    console.print(f"{stage.folder}: {config.parameters():,} parameters, {config.architecture}", soft_wrap=True)
    if config.context == config.window:
        console.print(
            f"{stage.folder}: reads {config.context:,} tokens at most, its sliding window, which mynah does not slide.",
            soft_wrap=True,
        )


def pretrain(text: Path, *overrides: str, where: Where = HERE) -> None:
    """Step 0: a tokenizer and a base model from raw text.

    ```
    mynah pretrain corpus.jsonl --run mine
    mynah pretrain book.txt --run mine model.width=256 pretrain.epochs=4
    ```

    Parameters
    ----------
    text
        JSONL of {"text": …}, or a text file whose documents are parted by blank lines.
    overrides
        Settings, as `table.key=value`.
    """
    say(where.loop(overrides, new=True).pretrain(text).folder)


def sft(
    data: Path | None = None,
    *overrides: str,
    feedme: Path | None = None,
    round: int = 1,
    text: Path | None = None,
    where: Where = HERE,
) -> None:
    """Step 1: fine-tune the base model on demonstrations; or, with --feedme, the policy on its best-rated samples.

    ```
    mynah sft demonstrations.jsonl --run mine
    mynah sft demonstrations.jsonl --run mine sft.lora.rank=16
    mynah sft --feedme samples.jsonl --run mine
    mynah sft demonstrations.jsonl --run mine --text corpus.jsonl sft.pretraining_mix=0.1
    ```

    Parameters
    ----------
    data
        JSONL of {"messages": […]}.
    overrides
        Settings, as `table.key=value`.
    feedme
        Samples (of `mynah sample`); the reward model's best of each prompt become the demonstrations.
    round
        The round it belongs to.
    text
        Raw text to mix in, so that less of the base model is forgotten.
    """
    loop = where.loop(overrides)
    if feedme:
        say(loop.feedme(feedme, round, text).folder)
    elif data:
        say(loop.sft(data, round, text).folder)
    else:
        raise UserError("name a file of demonstrations, or --feedme with a file of samples.")


def sample(
    prompts: Path, *overrides: str, out: Path | None = None, n: int = 0, round: int = 1, where: Where = HERE
) -> None:
    """Answers of the newest policy to prompts, K of each, for ranking.

    ```
    mynah sample prompts.jsonl --run mine --n 4
    ```

    Parameters
    ----------
    prompts
        JSONL of {"prompt": […]}.
    overrides
        Settings, as `table.key=value`.
    out
        Where to write; by default round-R/data/samples.jsonl in the run.
    n
        Answers to each prompt; the recipe's sample.n by default.
    round
        The round whose policy answers.
    """
    loop = where.loop(overrides)
    drawn = loop.recipe.sample.model_dump() | ({"n": n} if n else {})
    settings = validate(SampleSettings, drawn, "--n")
    target = out or loop.run.round_folder(round) / "data" / "samples.jsonl"
    say(loop.sample(prompts, target, loop.policy(round), settings))


def label(
    samples: Path, *overrides: str, out: Path | None = None, simulated: bool = False, where: Where = HERE
) -> None:
    """Rank answers by hand in the terminal; every ranking is on disk at once.

    ```
    mynah label runs/mine/round-1/data/samples.jsonl
    mynah label samples.jsonl --out rankings.jsonl
    ```

    Parameters
    ----------
    samples
        Output of `mynah sample`.
    overrides
        Settings, as `table.key=value`.
    out
        Where to write; by default rankings.jsonl beside the samples.
    simulated
        Let simulated labellers rank; only for prompts of the embedded worlds, which carry their answer keys.
    """
    rows, target = jsonl.read_samples(samples), out or samples.with_name("rankings.jsonl")
    if not simulated:
        if not any(len(row.completions) > 1 for row in rows):
            raise UserError(f"{samples}: has one answer to each prompt; to rank, draw more: mynah sample … --n 4.")
        count = label_by_hand(rows, target, _login())
        console.print(f"{count} rankings added to {target}", soft_wrap=True)
        return
    world = world_of([row.prompt for row in rows])
    if world is None:
        raise UserError(
            f"{samples}: simulated labellers know the embedded worlds only; rank these by hand, without --simulated."
        )
    settings, rate = load(Recipe, where.recipe or world, overrides).label, WORLDS[world].rate
    jsonl.write_comparisons(target, label_simulated(rows, rate, settings.noise, settings.labellers, where.seed))
    say(target)


def _login() -> str:
    """Who sits here; a container may know people by number alone."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def reward(*rankings: str, demonstrations: Path | None = None, round: int = 1, where: Where = HERE) -> None:
    """Step 2: a reward model from rankings or pairs; starts from the SFT model.

    ```
    mynah reward rankings.jsonl --run mine --demonstrations demonstrations.jsonl
    mynah reward round1.jsonl round2.jsonl --run mine reward.epochs=2
    ```

    Parameters
    ----------
    rankings
        Files of {"prompt", "completions", "ranks"} or {"prompt", "chosen", "rejected"}, joined; and settings, as
        `table.key=value`.
    demonstrations
        Answers that shall score 0 on average; without them the ranked ones do.
    round
        The round it belongs to.
    """
    overrides = tuple(item for item in rankings if re.match(r"[a-z_][a-z0-9_.]*=", item))
    files = [Path(item) for item in rankings if item not in overrides]
    if not files:
        raise UserError("name at least one file of rankings or pairs.")
    say(where.loop(overrides).reward(files, demonstrations, round).folder)


def ppo(prompts: Path, *overrides: str, text: Path | None = None, round: int = 1, where: Where = HERE) -> None:
    """Step 3: PPO from the round's policy against the newest reward model; or, with ppo.reward=exact, against the key.

    ```
    mynah ppo prompts.jsonl --run mine
    mynah ppo problems.jsonl --run mine ppo.reward=exact
    mynah ppo prompts.jsonl --run mine ppo.kl_coef=0.1 ppo.iterations=100
    mynah ppo prompts.jsonl --run mine ppo.lora.rank=16 ppo.learning_rate=1e-4
    mynah ppo prompts.jsonl --run mine --text corpus.jsonl ppo.ptx_coef=1
    ```

    Parameters
    ----------
    prompts
        JSONL of {"prompt": […]}; other ones than steps 1 and 2 saw. With ppo.reward=exact of {"prompt": […], "answer":
        "72"}: an answer that ends in the right one, as `mynah eval --exact` tells, scores 1, any other 0.
    overrides
        Settings, as `table.key=value`.
    text
        Raw text to mix in (PPO-ptx).
    round
        The round it belongs to.
    """
    say(where.loop(overrides).ppo(prompts, text, round).folder)
