"""The verbs that use what was made: chat, report, export. (`eval` is in measure.py, `data` in data.py.)"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

from mynah.agent.assistant import Assistant
from mynah.agent.keyboard import Keyboard
from mynah.agent.talk import Talk
from mynah.agent.terminal import Chat, Models
from mynah.errors import UserError
from mynah.evals.report import render
from mynah.evals.summary import curves, summarise
from mynah.files import read_json, write_folder, write_json, write_text
from mynah.loop import Loop
from mynah.model.gguf.write import write_gguf
from mynah.model.hub import load_config, load_policy, save_policy
from mynah.model.precision import DTYPES, resolve
from mynah.nouns import SamplingParams
from mynah.recipe import Recipe
from mynah.runs import Run, Stage
from mynah.tokens import Tokenizer
from mynah.verbs.say import say
from mynah.verbs.where import HERE, Where, checkpoint


def chat(
    *overrides: str,
    stage: str = "",
    system: str = "",
    temperature: float = 0.7,
    int8: bool = False,
    where: Where = HERE,
) -> None:
    """Talk to the newest policy of a run. Ctrl-C stops the answer, Ctrl-D leaves, /help lists the commands.

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
    int8
        Read the weights in 8 bits, which a CPU does faster.
    """
    loop = where.loop(overrides)
    talk(loop, stage, temperature, (), system, int8)


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
    same = earlier.get("weights") == fresh["weights"]  # else the exam and the win rates are of other models
    merged = earlier | fresh | {"seconds": earlier["seconds"] | fresh["seconds"]} if same else dict(fresh)
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


def talk(
    loop: Loop,
    stage: str,
    temperature: float,
    starters: tuple[str, ...] | list[str],
    system: str = "",
    int8: bool = False,
) -> None:
    run, home = loop.run, loop.run.root.parent.parent

    def load(key: str) -> tuple[Assistant, dict[str, Any]]:
        assistant = Assistant.load(checkpoint(run, key), loop.recipe.hardware, run.name, rows=1, int8=int8)
        return assistant, {
            "run": run.name,
            "stage": key,
            "weights": run.record["stages"].get(key, {}).get("weights", ""),
        }

    stages = [key for key, record in run.record["stages"].items() if record["stage"] in {"sft", "feedme", "ppo"}]
    key = stage or run.newest("ppo", "sft")
    context = load_config(checkpoint(run, key)).context
    Chat(
        Models(load, stages, key),
        SamplingParams(min(512, context // 2), temperature, seed=loop.seed),
        home / "evidence" / "chat.jsonl",
        Talk(system),
        Keyboard(home / "evidence" / "chat-history", stages),
    ).run(starters)
