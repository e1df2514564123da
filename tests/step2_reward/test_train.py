"""Step 2 as a stage: it learns a preference, normalises, publishes what transformers loads, and resumes exactly."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from mynah.agent.scorer import Scorer
from mynah.errors import Interrupted, UserError
from mynah.files import read_json, sha256
from mynah.model.hub import load_ensemble, load_scalar
from mynah.nouns import Comparison, Demonstration, Message, Prompt
from mynah.runs import Stage
from mynah.step2_reward import train
from mynah.step2_reward.comparisons import build
from mynah.step2_reward.train import RewardSettings, train_reward
from mynah.tokens import Tokenizer
from mynah.train import session
from mynah.train.metrics import read_metrics
from mynah.train.scoring import read_ends, score_groups
from mynah.train.step import Diverged
from tests import toys

SMALL = RewardSettings(batch_size=8, ensemble=3)
RANKINGS = toys.rankings(60)
SHOWN = [Demonstration((*toys.user(f"what is in the lake {i}"), Message("assistant", "gold sun"))) for i in range(20)]


def run(home: Path, settings: RewardSettings = SMALL, rankings: list[Comparison] = RANKINGS) -> Stage:
    stage = toys.stage(home, "reward")
    train_reward(stage, toys.policy_folder(), rankings, SHOWN, settings, toys.CPU, seed=0)
    return stage


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return run(tmp_path_factory.mktemp("reward"))


def figures(folder: Path) -> dict:
    return read_json(folder.parent.parent / "run.json")["stages"]["round-1/2-reward"]["figures"]


def test_it_orders_a_toy_preference_and_noise_not():
    learned = figures(toys.reward_folder())
    assert learned["heldout_prompts"] > 30
    assert learned["accuracy"] > 0.9
    assert 0.35 < figures(toys.reward_folder(shuffled=True))["accuracy"] < 0.65


def test_it_scores_what_it_likes_higher_on_new_prompts():
    scorer = Scorer.load(toys.reward_folder(), toys.CPU)
    results = scorer.score(toys.prompts(30, seed=9), [["gold cat", "red cat", "dog gold sun", "dog blue sun"]] * 30)
    scores = torch.stack([result.scores for result in results])
    assert (scores[:, 0] > scores[:, 1]).float().mean() > 0.9
    assert (scores[:, 2] > scores[:, 3]).float().mean() > 0.9


def test_demonstrations_score_0_on_average_and_samples_have_unit_spread(trained):
    scorer = Scorer.load(trained.folder, toys.CPU)  # as the checkpoint says, not as the trainer remembers
    shown = scorer.score([Prompt(row.messages[:1]) for row in SHOWN], [[row.messages[1].content] for row in SHOWN])
    assert abs(torch.cat([result.scores for result in shown]).mean()) < 1e-4
    assert torch.cat([result.ensemble for result in shown]).mean(0).abs().max() < 1e-4
    groups = [g for g in build(RANKINGS, toys.chat(), toys.CONTEXT, SMALL.heldout) if not g.heldout]
    scored = score_groups(scorer.model, [g.group for g in groups], 10_000, scorer.ensemble)
    assert torch.cat([scores for scores, _ in scored]).std() == pytest.approx(1, abs=1e-3)
    assert torch.allclose(torch.cat([parts for _, parts in scored]).std(0), torch.ones(3), atol=1e-3)


def test_without_demonstrations_the_ranked_answers_score_0(tmp_path):
    stage = toys.stage(tmp_path, "reward")
    train_reward(stage, toys.policy_folder(), RANKINGS, [], SMALL, toys.CPU, seed=0)
    groups = [g for g in build(RANKINGS, toys.chat(), toys.CONTEXT, SMALL.heldout) if not g.heldout]
    scored = score_groups(load_scalar(stage.folder, torch.float32), [g.group for g in groups], 10_000)
    assert abs(torch.cat([scores for scores, _ in scored]).mean()) < 1e-4


def test_of_very_many_prompts_and_demonstrations_an_even_selection_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "MEASURED", 15)
    monkeypatch.setattr(train, "read_ends", counted := Counted())
    stage = run(tmp_path)
    groups = [g.group for g in build(RANKINGS, toys.chat(), toys.CONTEXT, SMALL.heldout) if not g.heldout]
    assert 30 < len(groups) <= 45
    chosen = groups[::3]
    assert counted.sizes == [len(chosen), len(SHOWN[::2])]
    scores = torch.cat([s for s, _ in score_groups(load_scalar(stage.folder, torch.float32), chosen, 10_000)])
    assert scores.std() == pytest.approx(1, abs=1e-3)


class Counted:
    """`read_ends` that remembers how many groups it was given."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, model, groups, *rest):
        self.sizes.append(len(groups))
        return read_ends(model, groups, *rest)


def test_transformers_gives_the_same_scores(trained):
    """Its logit + score_bias is our score: read at the end-of-turn token, whatever padding follows."""
    theirs = AutoModelForSequenceClassification.from_pretrained(trained.folder, dtype=torch.float32).eval()
    config = read_json(trained.folder / "config.json")
    prompts, answers = toys.prompts(4, seed=3), ["gold", "red blue cat dog sun", "", "sun sun"]
    chat, pairs = toys.chat(), zip(prompts, answers, strict=True)
    rows = [chat.encode_prompt(prompt.messages) + chat.encode_answer(text) for prompt, text in pairs]
    assert {row[-1] for row in rows} == {toys.tokenizer().end_of_turn}
    longest = max(map(len, rows))
    padded = torch.tensor([row + [config["pad_token_id"]] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    with torch.no_grad():
        logits = theirs(padded, attention_mask=mask).logits.squeeze(-1)
        alone = torch.stack([theirs(torch.tensor([row])).logits.squeeze() for row in rows])
    scorer = Scorer.load(trained.folder, toys.CPU)
    ours = torch.cat([r.scores for r in scorer.score(prompts, [[a] for a in answers])])
    assert config["score_bias"] != 0
    assert torch.allclose(ours, logits + config["score_bias"], atol=1e-4)
    assert torch.allclose(ours, alone + config["score_bias"], atol=1e-4)
    text = AutoTokenizer.from_pretrained(trained.folder)
    talk = [m.to_json() for m in prompts[0].messages] + [{"role": "assistant", "content": "gold"}]
    ids = text.apply_chat_template(talk, return_dict=False)
    assert ids[: len(rows[0])] == rows[0]


def test_the_folder_holds_only_what_belongs_into_it(trained):
    assert {path.name for path in trained.folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "ensemble.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_heads_disagree_and_the_spread_is_reported(trained):
    heads = load_ensemble(trained.folder)
    assert heads is not None
    assert len({tuple(row.tolist()) for row in heads.weight}) == 3
    assert trained.record["figures"]["ensemble_spread"] > 0


def test_no_ensemble_is_wanted(tmp_path):
    stage = run(tmp_path, SMALL.model_copy(update={"ensemble": 0}))
    assert load_ensemble(stage.folder) is None
    assert Scorer.load(stage.folder, toys.CPU).score(toys.prompts(1), [["red"]])[0].ensemble.shape == (1, 0)


def test_what_was_trained_on_is_not_what_is_measured(trained):
    record = trained.record["figures"]
    held = [g for g in build(RANKINGS, toys.chat(), toys.CONTEXT, SMALL.heldout) if g.heldout]
    assert record["train_prompts"] + record["heldout_prompts"] <= len(RANKINGS)
    assert record["heldout_prompts"] == len(held) > 0
    assert record["pairs"] == sum(len(g.pairs) for g in held)
    names = {"accuracy", "calibration", "length_bias_data", "length_bias_model", "ensemble_spread", "gain"}
    assert names <= record.keys()
    rows = read_metrics(trained.state / "metrics.jsonl")
    assert "accuracy" in rows[-1]
    assert rows[0]["weights_changed"] > 0.5


def weights(stage: Stage) -> tuple[str, str, str]:
    names = ("model.safetensors", "ensemble.safetensors", "config.json")
    return tuple(sha256(stage.folder / name) for name in names)


def losses(stage: Stage) -> list[tuple[int, float]]:
    return [(row["step"], row["loss"]) for row in read_metrics(stage.state / "metrics.jsonl")]


def test_ctrl_c_in_the_middle_costs_nothing(trained, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(train, "ranking_loss", toys.ctrl_c_at(7, train.ranking_loss))
        with pytest.raises(Interrupted, match="round-1/2-reward: stopped after 4 of"):
            run(tmp_path)
    assert not toys.stage(tmp_path, "reward").done
    resumed = run(tmp_path)
    assert weights(resumed) == weights(trained)
    assert losses(resumed) == losses(trained)


def test_a_kill_in_the_middle_costs_what_was_not_saved(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "SAVE_EVERY", -1.0)
    with monkeypatch.context() as patch:
        patch.setattr(train, "ranking_loss", toys.killed_at(8, train.ranking_loss))
        with pytest.raises(toys.Killed):
            run(tmp_path)
    stage = toys.stage(tmp_path, "reward")
    assert [path.name for path in stage.state.glob("*.pt")] == ["step-000000003.pt"]
    resumed = run(tmp_path)
    assert weights(resumed) == weights(trained)
    assert losses(resumed) == losses(trained)


def test_another_seed_is_another_model(trained, tmp_path):
    """So that the equalities above mean something."""
    stage = toys.stage(tmp_path, "reward", seed=1)
    train_reward(stage, toys.policy_folder(), RANKINGS, SHOWN, SMALL, toys.CPU, seed=1)
    assert all(one != other for one, other in zip(weights(stage), weights(trained), strict=True))


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(tmp_path, monkeypatch):
    calls = 0

    def broken(scores, better, worse, weights):
        nonlocal calls
        calls += 1
        return scores.sum() * float("nan") if calls > 4 else scores.sum() * 0

    monkeypatch.setattr(session, "SAVE_EVERY", -1.0)
    monkeypatch.setattr(train, "ranking_loss", broken)
    with pytest.raises(Diverged, match=r"update 3: the loss became nan .* Try a lower learning_rate"):
        run(tmp_path)
    stage = toys.stage(tmp_path, "reward")
    assert [path.name for path in stage.state.glob("*.pt")] == ["step-000000002.pt"]
    assert not stage.folder.exists()


def test_a_tokenizer_that_does_not_fit_is_one_sentence(tmp_path):
    folder = toys.save(toys.model(), tmp_path / "policy")
    words = " ".join(a + b + c for a in "aeiou" for b in "bcdfg" for c in "aeiou")
    Tokenizer.train([words], 400).save(folder)
    with pytest.raises(UserError, match="a tokenizer that does not fit"):
        train_reward(toys.stage(tmp_path, "reward"), folder, RANKINGS, SHOWN, SMALL, toys.CPU, 0)


def test_demonstrations_too_long_to_read_are_left_out(tmp_path):
    long = Demonstration((*toys.user("gold " * 200), Message("assistant", "red")))
    only = Demonstration((Message("assistant", "hello"),))  # nothing came before it
    assert train._demonstrated([long, only, *SHOWN], toys.chat(), toys.CONTEXT) == train._demonstrated(
        SHOWN, toys.chat(), toys.CONTEXT
    )


def test_only_the_last_answer_of_a_demonstration_is_scored():
    talk = (*toys.user("one"), Message("assistant", "red"), *toys.user("two"), Message("assistant", "gold"))
    [group] = train._demonstrated([Demonstration(talk)], toys.chat(), toys.CONTEXT)
    assert list(group.trunk) == toys.chat().encode_prompt(talk[:3])
    assert [list(branch) for branch in group.branches] == [toys.chat().encode_answer("gold")]
