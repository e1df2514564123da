"""Step 1 as a stage: it learns to answer and to stop, resumes bitwise, publishes the epoch that is liked best."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch

from mynah.agent.assistant import Assistant
from mynah.errors import Interrupted, UserError
from mynah.files import sha256
from mynah.model.hub import load_policy
from mynah.model.packed import PackedPlan
from mynah.model.precision import Hardware
from mynah.model.transformer import Transformer
from mynah.nouns import Demonstration, Group, Message, Prompt, SamplingParams
from mynah.runs import Run, Stage
from mynah.step1_sft import train
from mynah.step1_sft.train import SFTSettings, finetune, heldout_loss
from mynah.tokens import ChatFormat, Tokenizer
from mynah.train import session
from mynah.train.metrics import read_metrics
from mynah.train.packing import lay_out
from mynah.train.step import Diverged

CPU = Hardware(device="cpu", dtype="float32")
TEN_UPDATES = SFTSettings(epochs=5, batch_size=3, microbatch_tokens=60, heldout=0.0)
RAW = ((0, 5, 6, 7, 8), (0, 9, 10, 11), (0, 12, 13, 14, 15, 16))
"""Pieces of raw text, as token ids."""
CtrlC = Callable[[int], None]


def group_of(tokens: tuple[int, ...]) -> Group:
    return Group(tokens, (False,) + (True,) * (len(tokens) - 1))


@pytest.fixture
def demonstrations(texts: list[str]) -> list[Demonstration]:
    """The capital of Austria? – Vienna."""
    return [
        Demonstration((Message("user", f"{text.split()[3]}?"), Message("assistant", text.split()[-1])))
        for text in texts
    ]


@pytest.fixture
def begin(
    tmp_path: Path, tiny_base: Path, demonstrations: list[Demonstration]
) -> Callable[..., tuple[Stage, Callable[..., None]]]:
    """A stage in a run of its own, and the call that makes or resumes it."""

    def begun(name: str, dtype: str = "float32", **changes: Any) -> tuple[Stage, Callable[..., None]]:
        settings = TEN_UPDATES.model_copy(update=changes)
        raw = [group_of(sentence) for sentence in RAW] if settings.pretraining_mix else []
        stage = Run(tmp_path, name).begin("sft", 1, settings=settings.model_dump(), seed=3)
        hardware = Hardware(device="cpu", dtype=dtype)

        def make(quality: Callable[[Transformer], float] | None = None) -> None:
            finetune(stage, tiny_base, demonstrations, settings, hardware, 3, raw, quality)

        return stage, make

    return begun


def weights(stage: Stage) -> str:
    return sha256(stage.folder / "model.safetensors")


def metrics(stage: Stage) -> list[dict[str, Any]]:
    rows = read_metrics(stage.state / "metrics.jsonl")
    return [{name: figure for name, figure in row.items() if name != "seconds"} for row in rows]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "changes", [{"dropout": 0.2}, {"ema_half_life": 0.3}, {"dropout": 0.1, "pretraining_mix": 0.4, "heldout": 0.4}]
)
def test_train_10_is_train_3_and_4_and_3_bitwise(
    begin: Any, ctrl_c: CtrlC, dtype: str, changes: dict[str, float]
) -> None:
    straight, make = begin("straight", dtype, **changes)
    make()
    total = len(metrics(straight))
    resumed, make = begin("resumed", dtype, **changes)
    for step in (total // 3, total * 2 // 3):
        ctrl_c(step)
        with pytest.raises(Interrupted, match=f"stopped after {step} of {total}"):
            make()
        torch.rand(5)  # what else draws between two sittings makes no difference
    make()
    assert weights(resumed) == weights(straight)
    assert metrics(resumed) == metrics(straight)


def test_dropout_average_and_seed_give_other_weights(begin: Any) -> None:
    """Without this, the equality of two hashes would prove little."""
    hashes = set()
    for number, changes in enumerate([{}, {"dropout": 0.2}, {"ema_half_life": 0.3}, {"pretraining_mix": 0.4}]):
        stage, make = begin(str(number), **changes)
        make()
        hashes.add(weights(stage))
    assert len(hashes) == 4


def test_raw_text_is_mixed_in_at_its_share_and_all_of_it_counts(begin: Any) -> None:
    """Of three demonstrations an update, a share of 0.4 makes two pieces of raw text more."""
    with_text, make = begin("mixed", pretraining_mix=0.4)
    make()
    without, make = begin("plain")
    make()
    lengths = {len(tokens) - 1 for tokens in RAW}
    sums = {one + other for one in lengths for other in lengths}
    more = [a["tokens"] - b["tokens"] for a, b in zip(metrics(with_text), metrics(without), strict=True)]
    assert set(more) <= sums
    assert len(set(more)) > 1, "drawn anew for every update"


def test_what_is_mixed_in_is_predicted_better_after_it(begin: Any) -> None:
    losses = []
    for mix in (0.0, 0.5):
        stage, make = begin(str(mix), pretraining_mix=mix, epochs=20)
        make()
        losses.append(heldout_loss(load_policy(stage.folder, torch.float32), list(map(group_of, RAW)), TEN_UPDATES))
    assert losses[1] < losses[0] - 0.5


def test_a_share_of_raw_text_without_any_is_one_sentence(
    tmp_path: Path, tiny_base: Path, demonstrations: list[Demonstration]
) -> None:
    stage = Run(tmp_path, "no-text").begin("sft", 1, settings={}, seed=0)
    settings = TEN_UPDATES.model_copy(update={"pretraining_mix": 0.1})
    with pytest.raises(UserError, match=r"sft\.pretraining_mix is set, but there is no raw text; give --text"):
        finetune(stage, tiny_base, demonstrations, settings, CPU, seed=0)


@pytest.fixture(scope="module")
def tuned(tiny_base: Path, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy that knows six capitals by heart."""
    rows = [
        Demonstration((Message("user", f"{text.split()[3]}?"), Message("assistant", text.split()[-1])))
        for text in texts
    ]
    stage = Run(tmp_path_factory.mktemp("tuned"), "tuned").begin("sft", 1, settings={}, seed=0)
    settings = SFTSettings(epochs=60, batch_size=6, learning_rate=1e-2, heldout=0.0)
    finetune(stage, tiny_base, rows, settings, CPU, seed=0)
    return stage.folder


def test_the_tuned_model_answers_and_stops_and_the_base_does_not(
    tuned: Path, tiny_base: Path, demonstrations: list[Demonstration]
) -> None:
    prompts = [Prompt(row.messages[:1]) for row in demonstrations]
    greedy = SamplingParams(max_new_tokens=20, temperature=0.0)
    answered = Assistant.load(tuned, CPU).sample(prompts, greedy, 1)
    assert [row.completions[0] for row in answered] == [row.messages[1].content for row in demonstrations]
    assert [row.finish_reasons for row in answered] == [("stop",)] * 6
    before = Assistant.load(tiny_base, CPU).sample(prompts, greedy, 1)
    assert {row.finish_reasons for row in before} == {("length",)}


def test_a_model_tuned_without_the_end_of_turn_does_not_stop(
    tiny_base: Path, tmp_path: Path, demonstrations: list[Demonstration], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervised end-of-turn token is what makes it stop, nothing else."""
    build = train.build

    def unended(*args: Any) -> tuple[list[Group], list[Group]]:
        groups, held = build(*args)
        end = Tokenizer.load(tiny_base).end_of_turn
        masks = [tuple(on and t != end for t, on in zip(g.trunk, g.trunk_mask, strict=True)) for g in groups]
        return [Group(group.trunk, mask) for group, mask in zip(groups, masks, strict=True)], held

    monkeypatch.setattr(train, "build", unended)
    stage = Run(tmp_path, "unended").begin("sft", 1, settings={}, seed=0)
    settings = SFTSettings(epochs=60, batch_size=6, learning_rate=1e-2, heldout=0.0)
    finetune(stage, tiny_base, demonstrations, settings, CPU, seed=0)
    prompts = [Prompt(row.messages[:1]) for row in demonstrations]
    answered = Assistant.load(stage.folder, CPU).sample(prompts, SamplingParams(20, 0.0), 1)
    assert {row.finish_reasons for row in answered} == {("length",)}


def test_transformers_loads_the_folder_with_equal_logits_and_stops_by_itself(
    tuned: Path, demonstrations: list[Demonstration]
) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tuned, dtype=torch.float32)
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(tuned)
    ours, tokenizer = load_policy(tuned, torch.float32), Tokenizer.load(tuned)
    messages = [message.to_json() for message in demonstrations[0].messages[:1]]
    ids = their_tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert ids == ChatFormat(tokenizer).encode_prompt(demonstrations[0].messages[:1])
    batch = lay_out([Group(tuple(ids), (False,) * len(ids))])
    with torch.no_grad():
        expected = theirs(torch.tensor([ids])).logits[0]
        got = ours.logits(ours(batch.tokens, batch.positions, PackedPlan(batch, torch.float32)))
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)
    generation = json.loads((tuned / "generation_config.json").read_text())
    assert generation["eos_token_id"] == [tokenizer.end_of_turn, tokenizer.end_of_text]
    out = theirs.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=20)[0].tolist()
    assert out[-1] == tokenizer.end_of_turn
    assert tokenizer.decode(out[len(ids) :]) == demonstrations[0].messages[1].content


class Taste:
    """A quality that likes epoch after epoch as told, and remembers the weights it saw."""

    def __init__(self, *liking: float) -> None:
        self.liking = list(liking)
        self.seen: list[dict[str, torch.Tensor]] = []

    def __call__(self, model: Transformer) -> float:
        self.seen.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return self.liking[len(self.seen) - 1]


def published(stage: Stage) -> dict[str, torch.Tensor]:
    return load_policy(stage.folder, torch.float32).state_dict()


def test_the_epoch_that_is_liked_best_is_published(begin: Any) -> None:
    stage, make = begin("liked")
    taste = Taste(0.1, 0.9, 0.3, 0.9, 0.2)
    make(taste)
    torch.testing.assert_close(published(stage), taste.seen[1], atol=0, rtol=0)
    assert stage.record["figures"]["epoch"] == 2
    assert not torch.equal(taste.seen[1]["norm.weight"], taste.seen[4]["norm.weight"])
    assert [row["quality"] for row in metrics(stage) if "quality" in row] == [0.1, 0.9, 0.3, 0.9, 0.2]


@pytest.mark.parametrize("step", [4, 5, 7])
def test_it_is_published_across_a_resume_too(begin: Any, ctrl_c: CtrlC, step: int) -> None:
    straight, make = begin("straight")
    make(Taste(0.1, 0.9, 0.3, 0.8, 0.2))
    resumed, make = begin("resumed")
    ctrl_c(step)
    with pytest.raises(Interrupted):
        make(Taste(0.1, 0.9, 0.3))
    make(Taste(*(0.1, 0.9, 0.3, 0.8, 0.2)[step // 2 :]))
    assert weights(resumed) == weights(straight)
    assert resumed.record["figures"] == straight.record["figures"]
    assert metrics(resumed) == metrics(straight)


def test_without_a_quality_the_last_epoch_is_published(begin: Any) -> None:
    stage, make = begin("last")
    make()
    assert stage.record["figures"] == {"epoch": 5, "demonstrations": 6}


def test_the_held_out_loss_is_measured_each_epoch(begin: Any, tiny_base: Path) -> None:
    stage, make = begin("held", heldout=0.4)
    make()
    rows = metrics(stage)
    assert [("heldout_loss" in row) for row in rows].count(True) == 5
    assert "heldout_loss" in rows[-1]
    assert stage.record["figures"]["demonstrations"] < 6


def test_the_held_out_loss_is_a_mean_over_supervised_tokens(tiny_base: Path) -> None:
    model = load_policy(tiny_base, torch.float32)
    groups = [Group((1, 2, 3, 4), (False, True, True, True)), Group((5, 6), (False, True))]
    batch = lay_out(groups)
    want = -float(train.token_logprobs(model, batch).mean().detach())
    for budget in (3, 100):
        settings = TEN_UPDATES.model_copy(update={"microbatch_tokens": budget})
        assert heldout_loss(model, groups, settings) == pytest.approx(want, rel=1e-6)


def test_the_parent_stays_as_it_was(begin: Any, tiny_base: Path) -> None:
    before = {path.name: sha256(path) for path in tiny_base.iterdir()}
    stage, make = begin("child")
    make()
    assert {path.name: sha256(path) for path in tiny_base.iterdir()} == before
    assert weights(stage) != before["model.safetensors"]


def test_a_tokenizer_that_does_not_fit_is_one_sentence(
    tmp_path: Path, tiny_base: Path, texts: list[str], demonstrations: list[Demonstration]
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for path in tiny_base.iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    Tokenizer.train([f"{text} More words than before, {i}." for i, text in enumerate(texts)], 340).save(base)
    stage = Run(tmp_path, "misfit").begin("sft", 1, settings={}, seed=0)
    with pytest.raises(UserError, match=r"base: a tokenizer that does not fit: it has \d+ ids and the model \d+;"):
        finetune(stage, base, demonstrations, TEN_UPDATES, CPU, seed=0)


def test_a_demonstration_longer_than_the_context_stops_before_anything_is_written(
    tmp_path: Path, tiny_base: Path, demonstrations: list[Demonstration]
) -> None:
    long = Demonstration((Message("user", "Hi?"), Message("assistant", "word " * 100)))
    stage = Run(tmp_path, "long").begin("sft", 1, settings={}, seed=0)
    with pytest.raises(UserError, match=r"demonstration 7 has .* tokens and the model's context is 64"):
        finetune(stage, tiny_base, [*demonstrations, long], TEN_UPDATES, CPU, seed=0)
    assert not stage.begun


def test_a_loss_that_is_not_finite_keeps_the_last_good_state(begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    straight, make = begin("straight", dropout=0.1)
    make()
    stage, make = begin("diverges", dropout=0.1)
    monkeypatch.setattr(session, "SAVE_EVERY", -1.0)
    logprobs = train.token_logprobs

    def bad_in_the_fifth_update(*args: Any) -> torch.Tensor:
        return logprobs(*args) * (float("nan") if len(metrics(stage)) == 4 else 1.0)

    monkeypatch.setattr(train, "token_logprobs", bad_in_the_fifth_update)
    with pytest.raises(Diverged, match=r"update 5: the loss became nan.*Try a lower learning_rate"):
        make()
    assert not stage.folder.exists()
    assert [path.name for path in sorted(stage.state.iterdir())] == ["metrics.jsonl", "step-000000004.pt"]
    monkeypatch.undo()
    make()
    assert weights(stage) == weights(straight), "nothing of the bad update was saved"


def test_a_full_disk_is_one_sentence_and_the_same_call_finishes(
    begin: Any, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    stage, make = begin("full")
    with full_disk(50_000), pytest.raises(UserError, match=r"could not be written \(File too large\)"):
        make()
    assert not stage.begun
    make()
    assert stage.done
