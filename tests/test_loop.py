"""The loop decides the hardware once a run, and takes a foreign base model as step 0."""

from pathlib import Path

import pytest

from mynah import loop as loops
from mynah.config import load
from mynah.loop import Loop
from mynah.model.hub import save_policy
from mynah.model.precision import Hardware
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import initialise
from mynah.recipe import Recipe
from mynah.runs import Run
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
