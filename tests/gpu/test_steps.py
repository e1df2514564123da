"""The three steps on an NVIDIA GPU, in bf16, on the toys; left out where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mynah.agent.assistant import Assistant
from mynah.agent.scorer import Scorer
from mynah.errors import Interrupted
from mynah.model.lora import LoRA
from mynah.model.precision import Hardware, resolve
from mynah.nouns import Demonstration, Group, Message, SamplingParams
from mynah.runs import Stage
from mynah.step0_pretrain.corpus import build
from mynah.step0_pretrain.train import ModelSettings, PretrainSettings, pretrain
from mynah.step1_sft.train import SFTSettings, finetune
from mynah.step2_reward.train import RewardSettings, train_reward
from mynah.step3_ppo import train
from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.train import train_ppo
from mynah.train.metrics import read_metrics
from tests import toys

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")

GPU = Hardware(device="cuda", dtype="bfloat16")
TEXT = [Group((0, *ids), (False,) + (True,) * len(ids)) for ids in toys.tokenizer().encode_many(["gold sun", "a hill"])]
LORA = LoRA(rank=4)


def golden(folder: Path) -> float:
    answers = Assistant.load(folder, GPU).sample(toys.prompts(150, seed=11), SamplingParams(10, seed=2), 1)
    return sum(toys.likes_gold(row.completions[0]) for row in answers) / len(answers)


def ppo(home: Path, **changes: object) -> Stage:
    made = toys.stage(home, "ppo")
    settings = PPOSettings.model_validate(
        {"iterations": 20, "prompts": 32, "minibatches": 2, "epochs": 2, "max_new_tokens": 10, "learning_rate": 1e-3}
        | {"kl_coef": 0.1}
        | changes
    )
    start, reward = toys.policy_folder(), toys.reward_folder()
    train_ppo(made, start, reward, toys.prompts(20, seed=7), settings, GPU, 0, pretraining=TEXT)
    return made


def test_a_gpu_is_taken_by_itself_in_bf16() -> None:
    assert resolve(Hardware()) == Hardware(device="cuda", dtype="bfloat16")


def test_pretraining_predicts_text(tmp_path: Path) -> None:
    texts = [f"the {word} in the {place} is {word}" for word in toys.WORDS for place in toys.PLACES] * 40
    corpus = build(texts, toys.tokenizer(), 32, 0.1)
    size, settings = (
        ModelSettings(width=64, layers=2, context=32),
        PretrainSettings(optimiser="muon", learning_rate=1e-2, batch_size=8),
    )
    made = toys.stage(tmp_path, "pretrain")
    pretrain(made, corpus, toys.tokenizer(), size, settings, GPU, 0)
    assert made.record["figures"]["bits_per_byte"] < 1.0


@pytest.mark.parametrize("lora", [LoRA(), LORA], ids=["all weights", "adapters"])
def test_sft_learns_to_answer(tmp_path: Path, lora: LoRA) -> None:
    rows = [Demonstration((*prompt.messages, Message("assistant", "gold cat"))) for prompt in toys.prompts(400)]
    made = toys.stage(tmp_path, "sft")
    settings = SFTSettings(learning_rate=1e-2, epochs=6, dropout=0.05, lora=lora)
    finetune(made, toys.policy_folder(), rows, settings, GPU, 0)
    losses = [row["loss"] for row in read_metrics(made.state / "metrics.jsonl")]
    assert losses[-1] < 0.7 * losses[0]
    assert golden(made.folder) > golden(toys.policy_folder()) + 0.2


@pytest.mark.parametrize("lora", [LoRA(), LORA], ids=["all weights", "adapters"])
def test_a_reward_model_orders_what_it_never_saw(tmp_path: Path, lora: LoRA) -> None:
    made = toys.stage(tmp_path, "reward")
    settings = RewardSettings(epochs=3, batch_size=16, learning_rate=3e-3, lora=lora)
    train_reward(made, toys.policy_folder(), toys.rankings(500), [], settings, GPU, 0)
    scorer = Scorer.load(made.folder, GPU)
    prompts = toys.prompts(40, seed=5)
    for scores in scorer.score(prompts, [["red cat", "red gold", "sun dog"]] * 40):
        assert scores.scores.argmax() == 1


@pytest.mark.parametrize(
    "changes",
    [{}, {"lora": LORA, "learning_rate": 3e-3}, {"ptx_coef": 0.5}, {"uncertainty_penalty": 0.5}],
    ids=["plain", "adapters", "ptx", "ensemble"],
)
def test_ppo_raises_a_toy_reward(tmp_path: Path, changes: dict[str, object]) -> None:
    made = ppo(tmp_path, **changes)
    rows = read_metrics(made.state / "metrics.jsonl")
    scores = [row["score"] for row in rows]
    assert sum(scores[-3:]) / 3 > sum(scores[:3]) / 3 + 0.7
    assert max(abs(row["mismatch_kl"]) for row in rows) < 0.05
    if "lora" not in changes:  # whose average lags behind, by how much depends on the seed
        assert golden(made.folder) > golden(toys.policy_folder()) + 0.2


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(train, "roll_out", toys.ctrl_c_at(2, train.roll_out))
        with pytest.raises(Interrupted):
            ppo(tmp_path, iterations=4)
    made = ppo(tmp_path, iterations=4)
    assert [row["step"] for row in read_metrics(made.state / "metrics.jsonl")] == [1, 2, 3, 4]
