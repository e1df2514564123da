"""PPO with adapters: no second copy of anything, ratio 1, a toy reward rises, resumes bitwise."""

from pathlib import Path

import pytest
import torch

from mynah.errors import Interrupted
from mynah.files import sha256
from mynah.model.hub import load_policy, load_scalar
from mynah.model.lora import LoRA, adapters
from mynah.runs import Stage
from mynah.step3_ppo import train
from mynah.step3_ppo.loss import policy_loss
from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.train import train_ppo
from mynah.train.metrics import read_metrics
from tests import toys

PROMPTS = toys.prompts(20, seed=7)
RANK_4 = LoRA(rank=4)


def run(home: Path, settings: PPOSettings) -> Stage:
    stage = toys.stage(home, "ppo")
    train_ppo(stage, toys.policy_folder(), toys.reward_folder(), PROMPTS, settings, toys.CPU, 0)
    return stage


def pointers(model: torch.nn.Module) -> set[int]:
    return {weight.data_ptr() for weight in model.parameters()}


def frozen(model: torch.nn.Module) -> set[int]:
    return {weight.data_ptr() for weight in model.parameters() if not weight.requires_grad}


def test_policy_and_reference_share_a_base_and_so_do_value_and_reward_model(make, prompts):
    ppo = make(lora=RANK_4, learning_rate=1e-2)
    assert frozen(ppo.policy) == pointers(ppo.reference)
    assert frozen(ppo.value_model) < pointers(ppo.reward_model)  # the value head is its own
    assert len(pointers(ppo.reward_model) - frozen(ppo.value_model)) == 1
    assert not any(weight.requires_grad for model in (ppo.reference, ppo.reward_model) for weight in model.parameters())
    for iteration in range(2):
        ppo.iterate(iteration, prompts())
    for model, folder, load in (
        (ppo.reference, toys.policy_folder(), load_policy),
        (ppo.reward_model, toys.reward_folder(), load_scalar),
    ):
        original = load(folder, torch.float32).parameters()
        assert all(torch.equal(now, then) for now, then in zip(model.parameters(), original, strict=True))
    assert all(layer.lora_B.any() for model in (ppo.policy, ppo.value_model) for layer in adapters(model).values())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_at_learning_rate_0_the_ratio_is_1_and_nothing_leaves_the_reference(make, prompts, monkeypatch, dtype):
    gaps = []

    def watched(*arguments):
        result = policy_loss(*arguments)
        gaps.append(float(result.largest_ratio_gap))
        return result

    monkeypatch.setattr(train, "policy_loss", watched)
    ppo = make(dtype=dtype, lora=RANK_4, learning_rate=0.0, value_learning_rate=0.0, epochs=2)
    figures = ppo.iterate(0, prompts())
    assert len(gaps) == 4
    assert max(gaps) < 1e-6
    assert figures["weights_changed"] == 0
    assert abs(figures["ref_kl"]) < 1e-6
    assert abs(figures["mismatch_kl"]) <= (1e-4 if dtype == "float32" else 0.02)


def test_a_toy_reward_rises(tmp_path):
    settings = PPOSettings(
        iterations=10,
        prompts=24,
        minibatches=2,
        epochs=2,
        max_new_tokens=10,
        learning_rate=3e-3,
        value_learning_rate=3e-3,
        kl_coef=0.1,
        lora=LoRA(rank=8),
    )
    stage = run(tmp_path, settings)
    scores = [row["score"] for row in read_metrics(stage.state / "metrics.jsonl")]
    assert sum(scores[-3:]) / 3 > sum(scores[:3]) / 3 + 0.7
    assert stage.adapter.is_dir()


def test_four_iterations_are_two_and_two_after_ctrl_c(tmp_path, monkeypatch, settings):
    chosen = settings(lora=RANK_4, ema_half_life=0.3, snapshots=1)
    straight = run(tmp_path / "straight", chosen)
    with monkeypatch.context() as patch:
        patch.setattr(train, "roll_out", toys.ctrl_c_at(2, train.roll_out))
        with pytest.raises(Interrupted, match="stopped after 2 of 4"):
            run(tmp_path / "resumed", chosen)
    resumed = run(tmp_path / "resumed", chosen)
    for name in (
        "3-ppo/model",
        "3-ppo.value/model",
        "3-ppo.adapter/adapter_model",
        "3-ppo.state/snapshots/000004/model",
    ):
        one, other = (sha256(stage.folder.parent / f"{name}.safetensors") for stage in (straight, resumed))
        assert one == other
    names = load_policy(resumed.folder, torch.float32).state_dict().keys()  # plain, without adapters
    assert not any("lora" in name for name in names)
