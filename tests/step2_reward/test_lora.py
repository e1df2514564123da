"""A reward model of adapters and a head: orders a toy preference, leaves the base alone, resumes bitwise."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mynah.errors import Interrupted
from mynah.files import sha256
from mynah.model.hub import load_policy, load_scalar
from mynah.model.lora import LoRA
from mynah.runs import Stage
from mynah.step2_reward.train import RewardSettings, train_reward
from tests import toys

SETTINGS = RewardSettings(batch_size=8, epochs=2, learning_rate=1e-2, ensemble=2, lora=LoRA(rank=8))
RANKINGS = toys.rankings(120)


def run(home: Path) -> Stage:
    stage = toys.stage(home, "reward")
    train_reward(stage, toys.policy_folder(), RANKINGS, [], SETTINGS, toys.CPU, seed=0)
    return stage


def test_it_learns_leaves_the_base_alone_and_resumes_bitwise(tmp_path, ctrl_c):
    straight = run(tmp_path / "straight")
    assert straight.record["figures"]["accuracy"] > 0.9
    base = load_policy(toys.policy_folder(), torch.float32).state_dict()
    model = load_scalar(straight.folder, torch.float32)
    for name, weight in model.backbone.state_dict().items():
        assert torch.equal(weight, base[name]) == ("_proj" not in name), name
    adapter = load_file(straight.adapter / "adapter_model.safetensors")
    assert torch.equal(adapter["base_model.model.score.weight"], model.score.weight)
    ctrl_c(12)
    with pytest.raises(Interrupted):
        run(tmp_path / "resumed")
    resumed = run(tmp_path / "resumed")
    for name in (
        "2-reward/model.safetensors",
        "2-reward/ensemble.safetensors",
        "2-reward.adapter/adapter_model.safetensors",
    ):
        one, other = (sha256(stage.folder.parent / name) for stage in (straight, resumed))
        assert one == other
