"""The verbs that use what was made: eval, chat, data, report, export."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from mynah import jsonl
from mynah.agent.assistant import Assistant
from mynah.agent.scorer import Scorer
from mynah.agent.terminal import chat as chat_in_terminal
from mynah.data.summary import summarise as summarise_file
from mynah.errors import UserError
from mynah.evals.report import render
from mynah.evals.reward_accuracy import accuracy
from mynah.evals.summary import curves, summarise
from mynah.files import read_json, write_folder, write_json, write_text
from mynah.loop import Loop
from mynah.model.gguf import write_gguf
from mynah.model.hub import load_policy, save_policy
from mynah.model.precision import DTYPES, resolve
from mynah.nouns import SamplingParams
from mynah.progress import console
from mynah.recipe import Recipe
from mynah.runs import Run, Stage
from mynah.step0_pretrain.corpus import build as build_corpus
from mynah.tokens import Tokenizer
from mynah.train.bits import bits_per_byte
from mynah.verbs.where import HERE, Where, checkpoint, say


def evaluate(*overrides: str, rankings: Path | None = None, text: Path | None = None, where: Where = HERE) -> None:
    """Measure the newest models: the reward model on rankings, the policy's bits per byte on text.

    ```
    mynah eval --run mine --rankings heldout.jsonl
    mynah eval --run mine --text book.txt
    ```

    Parameters
    ----------
    overrides
        Settings, as `table.key=value`.
    rankings
        Rankings or pairs that the reward model has not seen.
    text
        Raw text that the policy has not seen.
    """
    loop = where.loop(overrides)
    run, hardware = loop.run, loop.recipe.hardware
    if not rankings and not text:
        raise UserError("name what to measure on: --rankings FILE for the reward model, --text FILE for the policy.")
    if rankings:
        key = run.newest("reward")
        result = accuracy(Scorer.load(run.root / key, hardware), jsonl.read_comparisons(rankings))
        print(f"{key}: accuracy {result.value:.1%} [{result.low:.1%}, {result.high:.1%}], n = {result.n} pairs")
    if text:
        key = run.newest("ppo", "sft", "pretrain")
        assistant = Assistant.load(run.root / key, hardware)
        texts = jsonl.read_texts(text)
        corpus = build_corpus(texts, assistant.tokenizer, assistant.model.config.context, heldout=1.0)
        bits = bits_per_byte(
            assistant.model, list(corpus.heldout), corpus.heldout_bytes, loop.recipe.pretrain.microbatch_tokens
        )
        print(f"{key}: {bits:.4f} bits per byte, n = {corpus.heldout_bytes:,} bytes")


def chat(*overrides: str, stage: str = "", system: str = "", temperature: float = 0.7, where: Where = HERE) -> None:
    """Talk to the newest policy of a run. Ctrl-C stops the answer, Ctrl-D leaves.

    ```
    mynah chat --run demo
    mynah chat --run demo --stage round-1/1-sft
    ```

    Parameters
    ----------
    overrides
        Settings, as `table.key=value`.
    stage
        Another checkpoint of the run than the newest.
    system
        A system message.
    temperature
        0 always takes the likeliest token.
    """
    loop = where.loop(overrides)
    talk(loop, stage, temperature, (), system)


def data(files: list[Path]) -> None:
    """Check data files and say what they hold; mistakes are named by file, line and field.

    ```
    mynah data demonstrations.jsonl rankings.jsonl
    ```

    A row is one of

    ```
    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"prompt": [{"role": "user", "content": "…"}], "completions": [[…], …], "ranks": [1, 2, 2, 4]}
    {"prompt": […], "chosen": […], "rejected": […]}
    {"prompt": […]}
    {"text": "…"}
    ```

    Parameters
    ----------
    files
        JSONL files.
    """
    for path in files:
        figures = summarise_file(path)
        warnings = figures.pop("warnings")
        print(f"{path}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))
        for warning in warnings:
            console.print(f"[yellow]{path}: {warning}[/yellow]", soft_wrap=True)


def report(where: Where = HERE) -> None:
    """Write report.html from all that the run has so far.

    ```
    mynah report --run mine
    ```
    """
    run = Run.existing(where.home, where.run)
    path = run.root / "report.json"
    earlier = read_json(path) if path.exists() else {}
    fresh = summarise(run)
    merged = earlier | fresh | {"seconds": earlier.get("seconds", {}) | fresh["seconds"]}
    if earlier.get("reward", {}).get("weights") == fresh.get("reward", {}).get("weights", ""):
        merged["reward"] = earlier["reward"]  # the demo measured the same model on prompts that no step saw
    write_json(path, merged)
    write_text(run.root / "report.html", render(merged, curves(run)))
    say(run.root / "report.html")


def export(
    target: Path,
    *,
    what: Literal["policy", "reward", "adapter"] = "policy",
    format: Literal["huggingface", "gguf"] = "huggingface",
    stage: str = "",
    dtype: str = "",
    where: Where = HERE,
) -> None:
    """Copy a checkpoint out of a run, as the Hugging Face folder that it is, or a policy as a GGUF file for llama.cpp.

    ```
    mynah export ./my-assistant --run demo
    mynah export ./my-reward-model --run demo --what reward
    mynah export ./my-adapter --run demo --what adapter --stage round-1/1-sft
    mynah export ./my-assistant --run demo --dtype float32
    mynah export ./my-assistant.gguf --run demo --format gguf --dtype q8_0
    ```

    Parameters
    ----------
    target
        A folder, or with --format gguf a file, that does not exist yet.
    what
        The newest policy, the newest reward model, or the LoRA adapter alone that is merged into the newest policy.
    format
        Hugging Face's folder, or one file for llama.cpp.
    stage
        A checkpoint of the run by its folder, as round-1/1-sft.
    dtype
        Write a policy's weights as float32 or bfloat16 instead of as they are; in GGUF float16 and q8_0 too.
    """
    run = Run.existing(where.home, where.run)
    key = stage or (run.newest("reward") if what == "reward" else run.newest("ppo", "sft", "pretrain"))
    source = checkpoint(run, key)
    if target.exists():
        raise UserError(f"{target}: exists already; name a new one.")
    if what == "adapter":
        export_adapter(run.stage(key), target)
    elif format == "gguf":
        write_gguf(source, target, dtype, run.name)
    else:
        export_folder(source, target, dtype if what == "policy" else "")
    say(target)


def export_folder(source: Path, target: Path, dtype: str) -> None:
    """The checkpoint `source`, its weights in another number format if one is named."""

    def write(folder: Path) -> None:
        for path in source.iterdir():
            shutil.copy2(path, folder / path.name)
        if dtype:
            tokenizer = Tokenizer.load(source)
            hardware = resolve(Recipe().hardware.model_copy(update={"dtype": dtype, "device": "cpu"}))
            save_policy(load_policy(source, DTYPES[hardware.dtype]), folder, eos=tokenizer.stop_ids, pad=tokenizer.pad)

    write_folder(target, write)


def export_adapter(stage: Stage, target: Path) -> None:
    """The adapter that a stage trained; where the model is that it belongs on stands in its adapter_config.json."""
    if not stage.adapter.is_dir():
        raise UserError(f"{stage.folder}: was trained without LoRA, so there is no adapter; export the policy.")

    def write(folder: Path) -> None:
        shutil.copytree(stage.adapter, folder, dirs_exist_ok=True)

    write_folder(target, write)


def talk(loop: Loop, stage: str, temperature: float, starters: tuple[str, ...] | list[str], system: str = "") -> None:
    key = stage or loop.run.newest("ppo", "sft")
    assistant = Assistant.load(checkpoint(loop.run, key), loop.recipe.hardware, loop.run.name, rows=1)
    budget = min(512, assistant.model.config.context // 2)
    chat_in_terminal(assistant, SamplingParams(budget, temperature, seed=loop.seed), system, starters)
