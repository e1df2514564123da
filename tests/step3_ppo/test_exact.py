"""PPO against exact answers, not a reward model: it learns what is right, from chance nothing, and resumes exactly."""

import hashlib
import json
from pathlib import Path

import pytest
import torch

from mynah.agent.assistant import Assistant
from mynah.errors import Interrupted, UserError
from mynah.evals import exact_answer
from mynah.model.hub import load_policy
from mynah.model.lora import LoRA
from mynah.nouns import Prompt, SamplingParams, Trajectory
from mynah.runs import Stage
from mynah.step3_ppo import train
from mynah.step3_ppo.scoring import Check, checked
from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.train import PPO, train_ppo
from mynah.train.metrics import read_metrics
from tests import toys
from tests.step3_ppo.test_train import assert_same
from tests.test_cli import lines, say

KEYS = {"hill": "Gold.", "lake": "the cat", "wood": "#### red", "town": "blue"}
"""Written as keys are, with articles, marks and stops that the comparison looks past."""


def problems(count: int, seed: int) -> list[Prompt]:
    asked = toys.prompts(count, seed)
    keys = [next(key for place, key in KEYS.items() if place in prompt.messages[0].content) for prompt in asked]
    return [Prompt(prompt.messages, prompt.id, answers=(key,)) for prompt, key in zip(asked, keys, strict=True)]


PROBLEMS = problems(60, seed=7)


def right(prompt: Prompt, text: str) -> float:
    return exact_answer.score(text, prompt.answers)


def chance(prompt: Prompt, text: str) -> float:
    """1 for one text in six, whatever the key."""
    return float(hashlib.sha256(f"{prompt.messages}{text}".encode()).digest()[0] < 256 / 6)


def run(home: Path, settings: PPOSettings, check: Check = right) -> Stage:
    stage = toys.stage(home, "ppo")
    train_ppo(stage, toys.policy_folder(), check, PROBLEMS, settings, toys.CPU, 0)
    return stage


def share_right(folder: Path) -> float:
    """Of sampled answers to other problems."""
    asked = problems(200, seed=11)
    answers = Assistant.load(folder, toys.CPU).sample(asked, SamplingParams(10, seed=2), 1)
    return sum(right(row.prompt, row.completions[0]) for row in answers) / len(answers)


def test_ppo_learns_exact_answers_and_by_chance_nothing(tmp_path):
    """Right is another word in each place, so it is the problem's own key that is learned."""
    settings = PPOSettings(
        iterations=16,
        prompts=32,
        completions=4,
        minibatches=2,
        epochs=2,
        max_new_tokens=10,
        learning_rate=3e-3,
        kl_coef=0.02,
    )
    before = share_right(toys.policy_folder())
    learned = run(tmp_path / "right", settings)
    assert before < 0.15
    assert share_right(learned.folder) > before + 0.35
    scores = [row["score"] for row in read_metrics(learned.state / "metrics.jsonl")]
    assert sum(scores[-3:]) / 3 > sum(scores[:3]) / 3 + 0.4
    assert share_right(run(tmp_path / "chance", settings, chance).folder) < before + 0.1


def test_an_answer_is_checked_against_its_own_prompts_key_and_only_if_it_ended():
    tokenizer, asked = toys.tokenizer(), problems(2, seed=1)
    said = [("Gold", True), ("gold", False), ("gold cat", True), ("blue", True), ("cat", True), ("red", True)]
    rollouts = [[trajectory(text, ended) for text, ended in said] for _ in asked]
    found = checked(rollouts, asked, right, tokenizer, -1.0)
    for prompt, group in zip(asked, found, strict=True):
        wanted = [right(prompt, text) if ended else -1.0 for text, ended in said]
        assert [t.score for t in group] == wanted
        assert {1.0, 0.0, -1.0} == set(wanted)


def trajectory(text: str, ended: bool) -> Trajectory:
    tokens = (*toys.tokenizer().encode(text), *([toys.tokenizer().end_of_turn] if ended else []))
    return Trajectory((0, *tokens), 1, torch.ones(len(tokens), dtype=torch.bool), "stop", torch.zeros(len(tokens)))


@pytest.mark.parametrize("lora", [LoRA(), LoRA(rank=4)])
def test_the_values_start_at_0_from_the_policys_own_weights(settings, lora):
    ppo = PPO(toys.policy_folder(), right, settings(lora=lora), toys.CPU, 8, seed=0)
    assert not ppo.value_model.score.weight.any()
    assert ppo.value_model.score.weight.requires_grad
    embedding = load_policy(toys.policy_folder(), torch.float32).embed_tokens.weight
    assert torch.equal(ppo.value_model.backbone.embed_tokens.weight, embedding)
    assert ppo.value_model.backbone.embed_tokens.weight.data_ptr() != ppo.policy.embed_tokens.weight.data_ptr()


def test_four_iterations_are_two_and_two_after_ctrl_c(tmp_path, monkeypatch, settings):
    whole = run(tmp_path / "whole", settings())
    with monkeypatch.context() as patch:
        patch.setattr(train, "roll_out", toys.ctrl_c_at(2, train.roll_out))
        with pytest.raises(Interrupted, match="stopped after 2 of 4"):
            run(tmp_path / "parts", settings())
    assert_same(run(tmp_path / "parts", settings()), whole)


def test_an_uncertainty_penalty_without_a_reward_model_is_one_sentence(tmp_path, settings):
    with pytest.raises(UserError, match=r"ppo\.uncertainty_penalty is a reward model's"):
        run(tmp_path, settings(uncertainty_penalty=0.5))


def test_the_verb_needs_no_reward_model_and_an_answer_in_every_row(mynah, tmp_path):
    where = ("--run", "sums", "--home", tmp_path)
    rows = [{"prompt": [say("user", f"Is {n} even?")], "answer": n % 2 or "no"} for n in range(8)]
    texts = lines(tmp_path / "text.jsonl", [{"text": f"Is {a} even? {b}"} for a in range(8) for b in range(8)])
    tiny = ("tokenizer.vocab_size=300", "model.width=32", "model.layers=1", "model.context=64", "pretrain.epochs=1")
    told = [{"messages": [*row["prompt"], say("assistant", "yes")]} for row in rows]
    assert mynah("pretrain", texts, *tiny, *where)[0] == 0
    assert mynah("sft", lines(tmp_path / "told.jsonl", told), "sft.epochs=1", "sft.heldout=0.0", *where)[0] == 0
    small = ("ppo.reward=exact", "ppo.iterations=1", "ppo.prompts=4", "ppo.max_new_tokens=6", "ppo.minibatches=1")
    without = lines(tmp_path / "without.jsonl", [*rows[:3], {"prompt": rows[3]["prompt"]}])
    status, _, err = mynah("ppo", without, *small, *where)
    assert (status, err.strip()) == (
        1,
        f'{without}:4: field "answer": the right answer is needed, as text or a number, or a list of right ones.',
    )
    status, out, err = mynah("ppo", lines(tmp_path / "problems.jsonl", rows), *small, *where)
    assert status == 0, err
    stage = json.loads((tmp_path / "runs/sums/run.json").read_text())["stages"]["round-1/3-ppo"]
    assert list(stage["parents"]) == ["start"]
    assert stage["settings"]["ppo"]["reward"] == "exact"
    assert (Path(out.strip()).with_name("3-ppo.value") / "model.safetensors").is_file()
    assert mynah("report", *where)[0] == 0  # a report of a run without a reward model
    assert mynah("eval", "--exact", tmp_path / "problems.jsonl", *where)[0] == 0
