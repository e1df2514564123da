"""The loop decides the hardware once a run, takes a foreign base model as step 0, and starts PPO where it should."""

import shutil
from pathlib import Path

import pytest

from mynah import jsonl
from mynah import loop as loops
from mynah.config import load
from mynah.errors import UserError
from mynah.loop import Loop
from mynah.model.hub import save_policy
from mynah.model.precision import Hardware
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import initialise
from mynah.nouns import Demonstration, Message, Prompt
from mynah.recipe import Recipe
from mynah.runs import Kind, Run
from mynah.tokens import Tokenizer


def on(home: Path, *overrides: str) -> Loop:
    return Loop.on(Run(home, "r"), load(Recipe, "mini", overrides))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A tiny foreign checkpoint."""
    tokenizer = Tokenizer.train(["the quick brown fox jumps over the lazy dog"] * 4, 300)
    folder = tmp_path / "foreign"
    folder.mkdir()
    config = ModelConfig(tokenizer.vocab_size, 32, 1, 2, 1, 16, 64, 64)
    save_policy(initialise(config, 0), folder, eos=(tokenizer.end_of_text,), pad=tokenizer.pad)
    tokenizer.save(folder, 64)
    return folder


def test_a_base_model_is_adopted_once(tmp_path: Path, base: Path):
    loop = on(tmp_path, "hardware.dtype=float32")
    stage = loop.adopt(base)
    assert stage.done
    assert stage.key == loop.run.newest("pretrain")
    before = (stage.folder / "model.safetensors").stat().st_mtime_ns
    assert loop.adopt(base).done
    assert (stage.folder / "model.safetensors").stat().st_mtime_ns == before


def test_the_number_format_is_decided_once_a_run(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch):
    """A machine near the probe's threshold must not refuse its own run the next day."""

    def probe(dtype: str) -> None:
        monkeypatch.setattr(loops, "resolve", lambda hardware: Hardware(device="cpu", dtype=dtype))

    probe("bfloat16")
    on(tmp_path).adopt(base)
    probe("float32")
    again = on(tmp_path)
    assert again.recipe.hardware.dtype == "bfloat16"
    assert again.adopt(base).done
    assert on(tmp_path, "hardware.dtype=float32").recipe.hardware.dtype == "float32", "what was asked for is taken"


@pytest.mark.parametrize(("setting", "wanted"), [("newest", "round-1/3-ppo"), ("sft", "round-1/1-sft")])
def test_a_later_round_starts_where_the_recipe_says(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch, setting: str, wanted: str
):
    loop = on(tmp_path, "hardware.dtype=float32", f"ppo.start={setting}")
    made: tuple[tuple[Kind, int], ...] = (("sft", 1), ("reward", 1), ("ppo", 1), ("reward", 2))
    for kind, round in made:
        stage = loop.run.begin(kind, round, settings={}, seed=0)
        stage.finish(lambda folder: shutil.copy(base / "model.safetensors", folder), 0.0, {})
    given: list[tuple[Path, Path]] = []
    monkeypatch.setattr(loops, "train_ppo", lambda _, start, reward, *more: given.append((start, reward)))
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": [{"role": "user", "content": "fox?"}]}\n')
    loop.ppo(prompts, round=2)
    assert given == [(loop.run.root / wanted, loop.run.root / "round-2/2-reward")]
    assert loop.run.record["stages"]["round-2/3-ppo"]["parents"]["start"]["stage"] == wanted


def test_answers_behind_other_examples_are_drawn_anew(tmp_path: Path, base: Path):
    loop = on(tmp_path, "hardware.dtype=float32", "sample.max_new_tokens=4", "sample.n=1")
    loop.adopt(base)
    prompts, out = tmp_path / "prompts.jsonl", tmp_path / "answers.jsonl"
    jsonl.write_prompts(prompts, [Prompt((Message("user", "dog?"),))])
    example = Demonstration((Message("user", "fox?"), Message("assistant", "quick")))
    drawn = []
    for examples in ([], [example], [example, example], [example, example]):
        before = out.stat().st_mtime_ns if out.exists() else 0
        loop.sample(prompts, out, loop.run.newest("pretrain"), examples=examples)
        drawn.append(out.stat().st_mtime_ns != before)
    assert drawn == [True, True, True, False]


def test_what_is_missing_is_named_by_the_step_that_comes_first(tmp_path: Path, base: Path):
    loop = on(tmp_path, "hardware.dtype=float32")
    loop.adopt(base)
    with pytest.raises(UserError, match="has no sft checkpoint yet; make one with `mynah sft --run r`"):
        loop.run.newest("ppo", "sft")
    with pytest.raises(UserError, match="1-stf: no such checkpoint; the newest of this run are 0-pretrain"):
        loop.run.stage("round-1/1-stf")
