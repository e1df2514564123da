"""Step 3 as a stage: it raises a toy reward, publishes the average, resumes exactly, and stops with a sentence."""

import itertools
import shutil
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from mynah.agent.assistant import Assistant
from mynah.errors import Interrupted, UserError
from mynah.files import sha256
from mynah.model.heads import with_scalar_head
from mynah.model.hub import load_policy, load_scalar
from mynah.nouns import Group, Prompt, SamplingParams
from mynah.runs import Stage
from mynah.step3_ppo import train
from mynah.step3_ppo.settings import PPOSettings
from mynah.step3_ppo.train import train_ppo
from mynah.tokens import Tokenizer
from mynah.train import session
from mynah.train.metrics import read_metrics
from mynah.train.optim import learning_rate
from mynah.train.step import Diverged
from tests import toys

PROMPTS = toys.prompts(20, seed=7)  # fewer than the iterations use: they come round again
TEXT = [Group((0, *ids), (False,) + (True,) * len(ids)) for ids in toys.tokenizer().encode_many(["gold sun", "a hill"])]


def run(home: Path, settings: PPOSettings, reward: Path | None = None, **more) -> Stage:
    stage = toys.stage(home, "ppo")
    train_ppo(stage, toys.policy_folder(), reward or toys.reward_folder(), PROMPTS, settings, toys.CPU, 0, **more)
    return stage


@pytest.fixture(scope="module")
def adaptive() -> PPOSettings:
    return PPOSettings(
        iterations=4,
        prompts=8,
        minibatches=2,
        epochs=2,
        max_new_tokens=10,
        learning_rate=2e-3,
        kl_target=0.01,
        kl_horizon=0.5,
        ptx_coef=0.5,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, adaptive: PPOSettings) -> Stage:
    return run(tmp_path_factory.mktemp("ppo"), adaptive, pretraining=TEXT)


def golden(folder: Path) -> float:
    """Share of sampled answers with the word that the rankings liked."""
    answers = Assistant.load(folder, toys.CPU).sample(toys.prompts(150, seed=11), SamplingParams(10, seed=2), 1)
    return sum(toys.likes_gold(row.completions[0]) for row in answers) / len(answers)


def test_ppo_raises_a_toy_reward_and_noise_does_not(tmp_path):
    settings = PPOSettings(
        iterations=20, prompts=32, minibatches=2, epochs=2, max_new_tokens=10, learning_rate=1e-3, kl_coef=0.1
    )
    liked = run(tmp_path / "gold", settings)
    scores = [row["score"] for row in read_metrics(liked.state / "metrics.jsonl")]
    assert sum(scores[-3:]) / 3 > sum(scores[:3]) / 3 + 1.0
    noise = run(tmp_path / "noise", settings, reward=toys.reward_folder(shuffled=True))
    before = golden(toys.policy_folder())
    assert golden(liked.folder) > before + 0.3
    assert golden(noise.folder) < before + 0.15


def state(stage: Stage) -> dict:
    [path] = stage.state.glob("*.pt")
    return torch.load(path, weights_only=True)


def equal(one, other) -> bool:
    """Bit for bit, at any depth; times aside."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            str(key).endswith("seconds") or equal(one[key], other[key]) for key in one
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def figures(stage: Stage) -> list[dict]:
    return [
        {k: v for k, v in row.items() if not k.endswith("seconds")}
        for row in read_metrics(stage.state / "metrics.jsonl")
    ]


def assert_same(one: Stage, other: Stage) -> None:
    assert equal(state(one), state(other))  # policy, value model, averages, Adam, kl_coef, history
    assert figures(one) == figures(other)
    for folder in ("3-ppo", "3-ppo.value"):
        a, b = (stage.folder.with_name(folder) / "model.safetensors" for stage in (one, other))
        assert sha256(a) == sha256(b)


def test_the_run_under_comparison_uses_all_that_a_resume_must_restore(trained):
    saved = state(trained)
    assert len(saved["history"]) == 4
    assert len({row["kl_coef"] for row in saved["history"]}) == 4
    assert saved["ppo"]["policy"]["step"] == saved["ppo"]["value"]["step"] == 16
    assert saved["ppo"]["policy"]["optimiser"]["ema"]
    assert saved["ppo"]["weight_version"] == 4


def test_four_iterations_are_two_and_two_after_ctrl_c(trained, adaptive, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(train, "roll_out", toys.ctrl_c_at(2, train.roll_out))
        with pytest.raises(Interrupted, match="round-1/3-ppo: stopped after 2 of 4"):
            run(tmp_path, adaptive, pretraining=TEXT)
    assert len(state(toys.stage(tmp_path, "ppo"))["history"]) == 2
    assert_same(run(tmp_path, adaptive, pretraining=TEXT), trained)


def test_a_kill_between_policy_and_value_update_loses_one_iteration(trained, adaptive, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "SAVE_EVERY", -1.0)
    with monkeypatch.context() as patch:
        patch.setattr(train, "value_loss", toys.killed_at(11, train.value_loss))  # in the third iteration
        with pytest.raises(toys.Killed):
            run(tmp_path, adaptive, pretraining=TEXT)
    stage = toys.stage(tmp_path, "ppo")
    assert len(state(stage)["history"]) == 2
    assert not stage.folder.exists()
    assert_same(run(tmp_path, adaptive, pretraining=TEXT), trained)


def test_a_kill_while_publishing_loses_nothing(trained, adaptive, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(train, "save_policy", toys.killed_at(1, train.save_policy))
        with pytest.raises(toys.Killed):
            run(tmp_path, adaptive, pretraining=TEXT)
    assert not toys.stage(tmp_path, "ppo").done
    assert_same(run(tmp_path, adaptive, pretraining=TEXT), trained)


def test_what_is_published_is_the_average(trained):
    saved = state(trained)["ppo"]["policy"]["optimiser"]
    published = list(load_policy(trained.folder, torch.float32).parameters())
    assert all(torch.equal(weight, ema) for weight, ema in zip(published, saved["ema"], strict=True))
    assert not any(torch.equal(weight, last) for weight, last in zip(published, saved["masters"], strict=True))


def test_the_value_model_is_published_beside(trained):
    value = load_scalar(trained.folder.with_name("3-ppo.value"), torch.float32)
    masters = state(trained)["ppo"]["value"]["optimiser"]["masters"]
    assert all(torch.equal(weight, master) for weight, master in zip(value.parameters(), masters, strict=True))
    assert float(value.bias) == 0
    assert value.score.weight.any()
    assert Tokenizer.load(trained.folder.with_name("3-ppo.value")).sha256 == toys.tokenizer().sha256


def test_the_record_tells_how_it_went(trained):
    record = trained.record["figures"]
    wanted = {"score", "ref_kl", "entropy", "length", "ended", "mismatch_kl", "kl_coef", "iterations"}
    assert wanted <= record.keys()
    assert record["iterations"] == 4
    assert 0.9 < record["weights_changed"] <= 1
    names = {path.name for path in trained.folder.iterdir()}
    assert names >= {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"}


def test_the_objective_is_the_score_less_the_weighted_distance(trained):
    for row in read_metrics(trained.state / "metrics.jsonl"):
        assert row["objective"] == pytest.approx(row["score"] - row["kl_coef"] * row["ref_kl"], abs=1e-5)


def test_a_run_that_made_its_objective_worse_says_so(tmp_path, monkeypatch, settings, capsys):
    falling = iter([2.0, 1.9, 2.0, 1.8, -1.0, -1.1, -1.2, -1.0])
    original = train.describe
    monkeypatch.setattr(train, "describe", lambda *given: original(*given) | {"objective": next(falling)})
    run(tmp_path, settings(iterations=8))
    assert "try a lower ppo.learning_rate" in " ".join(capsys.readouterr().err.split())


def test_the_time_of_each_phase_is_told(trained):
    rows = read_metrics(trained.state / "metrics.jsonl")
    for phase in ("rollout_seconds", "scoring_seconds", "update_seconds"):
        assert all(row[phase] > 0 for row in rows)
        assert trained.record["figures"][phase] == pytest.approx(sum(row[phase] for row in rows), abs=0.06)
    phases = sum(row[name] for row in rows for name in row if name.endswith("_seconds"))
    assert 0.5 * rows[-1]["seconds"] < phases <= rows[-1]["seconds"]


def test_prompts_come_round_in_full_iterations(tmp_path, monkeypatch, settings):
    """20 prompts, 8 an iteration: each is seen once before any is seen twice, and no iteration is a smaller one."""
    seen = []
    original = train.PPO.iterate
    monkeypatch.setattr(
        train.PPO, "iterate", lambda self, i, ids, *rest: seen.append(ids) or original(self, i, ids, *rest)
    )
    run(tmp_path, settings(iterations=5))
    assert [len(prompts) for prompts in seen] == [8] * 5
    flat = [tuple(ids) for ids in itertools.chain(*seen)]
    assert len(set(flat[:20])) == len({tuple(toys.chat().encode_prompt(p.messages)) for p in PROMPTS})
    assert set(flat[:20]) == set(flat[20:])
    assert flat[:20] != flat[20:]


def test_fewer_prompts_than_an_iteration_takes_are_used_again(tmp_path, settings):
    stage = toys.stage(tmp_path, "ppo")
    three = PROMPTS[:3]
    train_ppo(stage, toys.policy_folder(), toys.reward_folder(), three, settings(iterations=1), toys.CPU, 0)
    assert stage.done


def test_the_policys_rate_is_constant_after_the_warm_up(tmp_path, settings):
    chosen = settings(iterations=4, warmup=0.25, learning_rate=1e-3)
    rates = [row["learning_rate"] for row in read_metrics(run(tmp_path, chosen).state / "metrics.jsonl")]
    assert rates == pytest.approx([0.75e-3, 1e-3, 1e-3, 1e-3])  # the mean of two updates an iteration
    assert [learning_rate(PPOSettings(), step, 1000) for step in (19, 20, 999)] == [3e-4] * 3


def test_the_start_of_adam_and_the_losses_are_the_papers():
    defaults = PPOSettings()
    assert (defaults.clip_range, defaults.value_clip, defaults.gamma, defaults.gae_lambda) == (0.2, 0.2, 1.0, 0.95)
    assert (defaults.epsilon, defaults.temperature, defaults.missing_end_score) == (1e-5, 1.0, -1.0)
    assert defaults.schedule == "constant"
    with pytest.raises(ValidationError):
        PPOSettings(schedule="cosin")
    with pytest.raises(ValidationError):
        PPOSettings(temperature=0.0)


COLLAPSED = {"score": -9.0}


def collapsing(monkeypatch) -> None:
    """Every iteration from the second on looks as if the score had fallen."""
    original = train.describe
    calls = 0

    def describe(*arguments):
        nonlocal calls
        calls += 1
        return original(*arguments) | (COLLAPSED if calls > 1 else {})

    monkeypatch.setattr(train, "describe", describe)


@pytest.mark.parametrize("iterations", [6, 4])  # in the middle, and at the very end
def test_a_collapse_stops_keeps_the_state_and_is_never_published(tmp_path, monkeypatch, settings, iterations):
    with monkeypatch.context() as patch:
        collapsing(patch)
        with pytest.raises(
            UserError, match=r"round-1/3-ppo: stopped at iteration 4, collapsed: the score fell .*; lower"
        ):
            run(tmp_path, settings(iterations=iterations))
    stage = toys.stage(tmp_path, "ppo")
    assert len(state(stage)["history"]) == 4
    with pytest.raises(UserError, match="stopped at iteration 4, collapsed"):
        run(tmp_path, settings(iterations=iterations))  # the same command again
    assert not stage.folder.exists()


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(tmp_path, monkeypatch, settings):
    original, calls = train.policy_loss, itertools.count(1)

    def broken(*arguments):
        result = original(*arguments)
        return train.replace(result, loss=result.loss * (float("nan") if next(calls) > 4 else 1))

    with monkeypatch.context() as patch:
        patch.setattr(session, "SAVE_EVERY", -1.0)
        patch.setattr(train, "policy_loss", broken)
        with pytest.raises(Diverged, match=r"update 5: the loss became nan .*Try a lower learning_rate"):
            run(tmp_path, settings())
    stage = toys.stage(tmp_path, "ppo")
    assert len(state(stage)["history"]) == 2
    assert not stage.folder.exists()
    assert all(torch.isfinite(master).all() for master in state(stage)["ppo"]["policy"]["optimiser"]["masters"])
    assert run(tmp_path, settings()).done  # from the last good state on


def test_ptx_without_text_is_one_sentence(tmp_path, settings):
    with pytest.raises(UserError, match=r"ppo\.ptx_coef is set, but there is no raw text to mix in; give --text"):
        run(tmp_path, settings(ptx_coef=1.0))


def test_an_uncertainty_penalty_without_an_ensemble_is_one_sentence(tmp_path, settings):
    alone = shutil.copytree(toys.reward_folder(), tmp_path / "alone", ignore=shutil.ignore_patterns("ensemble*"))
    with pytest.raises(UserError, match=r"alone: has no ensemble, which ppo\.uncertainty_penalty"):
        train.PPO(toys.policy_folder(), alone, settings(uncertainty_penalty=0.5), toys.CPU, 8, 0)


def test_text_without_ptx_is_not_mixed_in(tmp_path, settings):
    rows = read_metrics(run(tmp_path, settings(iterations=1), pretraining=TEXT).state / "metrics.jsonl")
    assert "ptx_loss" not in rows[0]


def test_more_minibatches_than_prompts_is_one_sentence(tmp_path, settings):
    with pytest.raises(UserError, match=r"ppo\.minibatches=9 is more than ppo\.prompts=8"):
        run(tmp_path, settings(minibatches=9))


def test_a_reward_model_of_another_tokenizer_is_one_sentence(tmp_path, settings):
    folder = toys.save_reward(with_scalar_head(toys.model(), 0), tmp_path / "reward")
    Tokenizer.train(["quite other words"], 300).save(folder)
    with pytest.raises(
        UserError, match=f"{folder}: a tokenizer that does not fit: the reward model reads other tokens"
    ):
        run(tmp_path, settings(), reward=folder)


def test_a_policy_is_no_reward_model(tmp_path, settings):
    with pytest.raises(UserError, match="is not a reward model; train one with `mynah reward`"):
        run(tmp_path, settings(), reward=toys.policy_folder())


def test_a_prompt_longer_than_the_context_is_one_sentence(tmp_path, settings):
    long = Prompt(toys.user("gold " * toys.CONTEXT), "p-long")
    with pytest.raises(UserError, match=r"prompt 21 \(p-long\) has \d+ tokens and the model's context is"):
        train_ppo(
            toys.stage(tmp_path, "ppo"),
            toys.policy_folder(),
            toys.reward_folder(),
            [*PROMPTS, long],
            settings(),
            toys.CPU,
            0,
        )
