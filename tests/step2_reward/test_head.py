"""The head that is fitted first: the best there is on hidden states as they are, and the trunk is left alone."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from mynah.config import load
from mynah.errors import Interrupted, UserError
from mynah.files import sha256
from mynah.model.hub import load_ensemble, load_scalar
from mynah.model.lora import LoRA
from mynah.nouns import Group
from mynah.recipe import Recipe
from mynah.runs import Stage
from mynah.step2_reward import head, train
from mynah.step2_reward.comparisons import RankedGroup, build
from mynah.step2_reward.head import fit_heads
from mynah.step2_reward.train import RewardSettings, train_reward
from mynah.train.metrics import read_metrics
from mynah.train.scoring import read_ends, score_groups
from tests import toys

WIDTH = 12
ONCE = RewardSettings(head_first=True, epochs=0, ensemble=3)
RANKINGS = toys.rankings(120)


def ranked(count: int, liked: Tensor, seed: int = 0, noise: float = 0.0) -> tuple[list[Tensor], list[RankedGroup]]:
    """Prompts with three answers of random hidden states, ranked by what is `liked` [D] of them, and by chance."""
    generator = torch.Generator().manual_seed(seed)
    ends, groups = [], []
    for _ in range(count):
        states = torch.randn(3, WIDTH, generator=generator) * torch.linspace(0.1, 10, WIDTH)
        worth = states @ liked + noise * torch.randn(3, generator=generator)
        order = worth.argsort(descending=True).tolist()
        pairs = tuple((order[i], order[j], 1 / 3) for i in range(3) for j in range(i + 1, 3))
        ends.append(states)
        groups.append(RankedGroup(Group((0,), (False,)), pairs, False))
    return ends, groups


def share_right(weights: Tensor, ends: list[Tensor], groups: list[RankedGroup]) -> float:
    scores = [states @ weights for states in ends]
    right = [
        bool(of_one[high] > of_one[low]) for of_one, g in zip(scores, groups, strict=True) for high, low, _ in g.pairs
    ]
    return sum(right) / len(right)


def ones(groups: list[RankedGroup], members: int = 1) -> Tensor:
    return torch.ones(len(groups), members)


def test_it_finds_what_is_liked_whatever_the_size_of_a_feature():
    liked = torch.randn(WIDTH, generator=torch.Generator().manual_seed(1)) / torch.linspace(0.1, 10, WIDTH)
    ends, groups = ranked(200, liked)
    weights = fit_heads(ends, groups, ones(groups))[0]
    assert share_right(weights, *ranked(200, liked, seed=1)) > 0.95
    size = torch.linspace(0.1, 10, WIDTH)
    assert F.cosine_similarity(weights * size, liked * size, dim=0) > 0.95


def test_of_preferences_that_mean_nothing_it_makes_nearly_nothing():
    """By cross-validation: the same answers, ranked by chance, leave scores a small part as far apart."""
    liked = torch.ones(WIDTH)
    spread = []
    for noise in (0.0, 1e6):
        ends, groups = ranked(60, liked, noise=noise)
        spread.append(float((torch.cat(ends) @ fit_heads(ends, groups, ones(groups))[0]).std()))
    assert spread[1] < 0.05 * spread[0]


def test_nothing_near_is_better(monkeypatch):
    """The loss, written out anew, has no slope where the heads are."""
    monkeypatch.setattr(head, "PENALTIES", (0.01,))
    ends, groups = ranked(50, torch.ones(WIDTH), noise=20.0)
    weights = fit_heads(ends, groups, ones(groups))[0].double().requires_grad_()
    apart = torch.stack(
        [ends[i][high] - ends[i][low] for i, g in enumerate(groups) for high, low, _ in g.pairs]
    ).double()
    unit = apart.square().mean(0).sqrt() * WIDTH**0.5
    loss = F.softplus(-(apart @ weights)).mean() + 0.01 / 2 * (weights * unit).square().sum()
    loss.backward()
    assert weights.grad is not None
    assert (weights.grad / unit).abs().max() < 1e-4


def test_a_head_knows_only_the_prompts_that_it_drew(monkeypatch):
    monkeypatch.setattr(head, "PENALTIES", (0.01,))
    ends, groups = ranked(80, torch.ones(WIDTH), noise=20.0)
    counts = torch.zeros(80, 2)
    counts[:40, 0], counts[:, 1] = 2, 1
    whole, half, all_once = fit_heads(ends, groups, counts)
    assert torch.allclose(whole, all_once, atol=1e-5)
    turned = [RankedGroup(g.group, tuple((low, high, w) for high, low, w in g.pairs), False) for g in groups[40:]]
    other, same, _ = fit_heads(ends, [*groups[:40], *turned], counts)
    assert torch.allclose(same, half, atol=1e-3)
    assert (other - whole).abs().max() > 10 * (same - half).abs().max()


def test_all_rankings_of_a_prompt_are_judged_together():
    """Four rankings of each prompt are no four prompts: what they have in common would be taken for knowledge."""
    ends, groups = ranked(60, torch.ones(WIDTH), noise=60.0)
    groups = [replace(g, group=Group((0, i), (False, False))) for i, g in enumerate(groups)]
    states = [
        e + 0.01 * torch.randn(e.shape, generator=torch.Generator().manual_seed(i)) for e in ends for i in range(4)
    ]
    often = fit_heads(states, [g for g in groups for _ in range(4)], ones(groups).repeat(4, 1))[0]
    once = fit_heads(ends, groups, ones(groups))[0]
    assert often.norm() < 1.5 * once.norm()


def run(home: Path, settings: RewardSettings = ONCE, seed: int = 0) -> Stage:
    stage = toys.stage(home, "reward", seed)
    train_reward(stage, toys.policy_folder(), RANKINGS, [], settings, toys.CPU, seed)
    return stage


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return run(tmp_path_factory.mktemp("head"))


def test_the_trunk_is_the_policys_to_the_bit(fitted):
    policy, reward = (load_file(folder / "model.safetensors") for folder in (toys.policy_folder(), fitted.folder))
    assert set(reward) - set(policy) == {"score.weight"}
    for name in set(reward) & set(policy):
        assert torch.equal(reward[name], policy[name]), name


def test_it_is_right_more_often_than_a_head_drawn_at_random_and_trained_as_briefly(fitted, tmp_path):
    """On new prompts, with as many passes over the rankings."""
    others = build(toys.rankings(300, seed=5), toys.chat(), toys.CONTEXT, 0.0)
    found = []
    for stage in (fitted, run(tmp_path, RewardSettings(epochs=1, learning_rate=1e-4))):
        model = load_scalar(stage.folder, torch.float32)
        scores = score_groups(model, [one.group for one in others], 10_000)
        found.append(train.pair_figures(others, [of_one for of_one, _ in scores]).accuracy)
    assert found[0] > 0.6
    assert found[0] > found[1] + 0.05


def test_scores_are_normalised_as_ever_and_the_heads_disagree(fitted):
    groups = [g.group for g in build(RANKINGS, toys.chat(), toys.CONTEXT, ONCE.heldout) if not g.heldout]
    scored = score_groups(
        load_scalar(fitted.folder, torch.float32), groups, 10_000, load_ensemble(fitted.folder, torch.device("cpu"))
    )
    scores, parts = (torch.cat(column) for column in zip(*scored, strict=True))
    assert abs(scores.mean()) < 1e-4
    assert scores.std() == pytest.approx(1, abs=1e-3)
    assert torch.allclose(parts.std(0), torch.ones(3), atol=1e-3)
    assert 0.01 < float(fitted.record["figures"]["ensemble_spread"]) < 1


def test_training_goes_on_from_the_fitted_head(tmp_path):
    """The first update's loss is that of the fitted head, not that of one drawn at random."""
    first = []
    for name, head_first in (("fitted", True), ("drawn", False)):
        stage = run(tmp_path / name, RewardSettings(head_first=head_first, learning_rate=1e-4))
        first.append(read_metrics(stage.state / "metrics.jsonl")[0]["loss"])
    assert first[0] < first[1] - 0.02


def test_ctrl_c_while_it_reads_begins_it_again(fitted, tmp_path, monkeypatch):
    def pressed(model, groups, budget):
        for i, ends in enumerate(read_ends(model, groups, 500)):
            if i == 1:
                signal.raise_signal(signal.SIGINT)
            yield ends

    with monkeypatch.context() as patch:
        patch.setattr(train, "read_ends", pressed)
        with pytest.raises(Interrupted, match="round-1/2-reward: stopped before its first step"):
            run(tmp_path)
    assert not toys.stage(tmp_path, "reward").done
    assert sha256(run(tmp_path).folder / "model.safetensors") == sha256(fitted.folder / "model.safetensors")


def test_a_kill_after_the_fit_does_not_cost_it(tmp_path, monkeypatch):
    """Where there are more prompts than are measured, too."""
    monkeypatch.setattr(train, "MEASURED", 15)
    whole = run(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(train, "normalise", toys.killed_at(1, train.normalise))
        with pytest.raises(toys.Killed):
            run(tmp_path)

    def again(*_):
        raise AssertionError("fitted anew")

    monkeypatch.setattr(train, "fit_heads", again)
    assert sha256(run(tmp_path).folder / "model.safetensors") == sha256(whole.folder / "model.safetensors")


def test_adapters_are_trained_beside_a_fitted_head(tmp_path):
    settings = RewardSettings(head_first=True, learning_rate=1e-3, lora=LoRA(rank=4))
    stage = run(tmp_path, settings)
    assert (stage.folder.parent / "2-reward.adapter" / "adapter_model.safetensors").is_file()
    assert read_metrics(stage.state / "metrics.jsonl")[0]["loss"] < 0.67


def test_no_epoch_and_no_head_is_refused():
    with pytest.raises(UserError, match=r"mini.toml: reward: epochs=0 trains nothing unless head_first=true\.$"):
        load(Recipe, "mini", ["reward.epochs=0"])
    assert load(Recipe, "mini", ["reward.epochs=0", "reward.head_first=true"]).reward.head_first
