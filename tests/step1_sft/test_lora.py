"""SFT with adapters: learns, resumes bitwise, publishes the merged model and the adapter beside it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mynah.errors import Interrupted
from mynah.files import sha256
from mynah.model.hub import load_policy
from mynah.model.lora import LoRA
from mynah.nouns import Demonstration, Message
from mynah.runs import Stage
from mynah.step1_sft.train import SFTSettings, finetune
from mynah.train.metrics import read_metrics
from tests import toys

SMALL = SFTSettings(epochs=5, batch_size=3, heldout=0.0, learning_rate=1e-2, dropout=0.1, lora=LoRA(rank=4))
ROWS = [Demonstration((*toys.user(f"what is in the hill {i}"), Message("assistant", "gold sun"))) for i in range(6)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys.save(toys.model(), tmp_path_factory.mktemp("base"))


def sft(home: Path, base: Path, settings: SFTSettings = SMALL, quality=None, dtype: str = "float32") -> Stage:
    stage = toys.stage(home, "sft")
    finetune(stage, base, ROWS, settings, toys.CPU.model_copy(update={"dtype": dtype}), 0, quality=quality)
    return stage


def files(stage: Stage) -> list[str]:
    paths = (stage.folder / "model.safetensors", stage.adapter / "adapter_model.safetensors")
    return [sha256(path) for path in paths]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_train_10_is_train_5_and_resume_5_bitwise(base, tmp_path, ctrl_c, dtype):
    settings = SMALL.model_copy(update={"ema_half_life": 0.3})
    straight = sft(tmp_path / "straight", base, settings, dtype=dtype)
    ctrl_c(5)
    with pytest.raises(Interrupted, match="stopped after 5 of 10"):
        sft(tmp_path / "resumed", base, settings, dtype=dtype)
    assert files(sft(tmp_path / "resumed", base, settings, dtype=dtype)) == files(straight)


def test_it_learns_and_what_is_published_is_base_and_adapter(base, tmp_path):
    before = sha256(base / "model.safetensors")
    stage = sft(tmp_path, base, SMALL.model_copy(update={"epochs": 20}))
    losses = [row["loss"] for row in read_metrics(stage.state / "metrics.jsonl")]
    assert losses[-1] < 0.6 * losses[0]  # the base is untrained, and its embeddings and head stay so
    assert sha256(base / "model.safetensors") == before
    old, new = (load_policy(folder, torch.float32).state_dict() for folder in (base, stage.folder))
    adapter = load_file(stage.adapter / "adapter_model.safetensors")
    assert len(adapter) == 2 * 7 * 2
    for name, weight in new.items():
        key = f"base_model.model.model.{name.removesuffix('.weight')}"
        if f"{key}.lora_A.weight" in adapter:
            product = adapter[f"{key}.lora_B.weight"] @ adapter[f"{key}.lora_A.weight"] * (32 / 4)
            torch.testing.assert_close(weight, old[name] + product, rtol=0, atol=1e-6)
            assert not torch.equal(weight, old[name])
        else:
            assert torch.equal(weight, old[name]), name
    [saved] = stage.state.glob("*.pt")
    masters = torch.load(saved, weights_only=True)["learner"]["optimiser"]["masters"]
    assert sum(map(torch.numel, masters)) == sum(map(torch.numel, adapter.values()))  # nothing of the base is in it


def test_the_epoch_that_is_liked_best_is_published(base, tmp_path):
    likes = iter([0.0, 1.0, 0.5, 0.2, 0.1])
    stage = sft(tmp_path / "liked", base, quality=lambda model: next(likes))
    assert stage.record["figures"]["epoch"] == 2
    assert files(stage) != files(sft(tmp_path / "last", base))


def test_without_lora_no_adapter_of_an_earlier_training_stays(base, tmp_path):
    stage = sft(tmp_path, base)
    assert stage.adapter.is_dir()
    for path in stage.state.glob("*.pt"):
        path.unlink()
    assert not sft(tmp_path, base, SMALL.model_copy(update={"lora": LoRA()})).adapter.exists()
