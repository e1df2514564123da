"""Step 0 as a stage: it learns, resumes bitwise, survives what happens to it, and its folder is Hugging Face's."""

import json
import math
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch

from mynah.errors import Interrupted, UserError
from mynah.files import sha256
from mynah.model.hub import load_policy
from mynah.model.packed import PackedPlan
from mynah.model.precision import Hardware
from mynah.nouns import Group
from mynah.runs import Run, Stage
from mynah.step0_pretrain import train
from mynah.step0_pretrain.corpus import build
from mynah.step0_pretrain.train import ModelSettings, PretrainSettings, pretrain
from mynah.tokens import Tokenizer
from mynah.train import session
from mynah.train.metrics import read_metrics
from mynah.train.packing import lay_out
from mynah.train.step import Diverged

SIZE = ModelSettings(width=32, layers=2, context=32)
TEN_UPDATES = PretrainSettings(epochs=5, batch_size=4, microbatch_tokens=40, heldout=0.0)
CtrlC = Callable[[int], None]


@pytest.fixture
def begin(
    tmp_path: Path, texts: list[str], tiny_tokenizer: Tokenizer
) -> Callable[..., tuple[Stage, Callable[[], None]]]:
    """A stage in a run of its own, and the call that makes or resumes it."""

    def begun(name: str, dtype: str = "float32", **changes: Any) -> tuple[Stage, Callable[[], None]]:
        settings = TEN_UPDATES.model_copy(update=changes)
        stage = Run(tmp_path, name).begin("pretrain", 1, settings=settings.model_dump(), seed=3)
        corpus = build(texts, tiny_tokenizer, SIZE.context, settings.heldout)
        hardware = Hardware(device="cpu", dtype=dtype)
        return stage, lambda: pretrain(stage, corpus, tiny_tokenizer, SIZE, settings, hardware, seed=3)

    return begun


def weights(stage: Stage) -> str:
    return sha256(stage.folder / "model.safetensors")


def metrics(stage: Stage) -> list[dict[str, Any]]:
    rows = read_metrics(stage.state / "metrics.jsonl")
    return [{name: figure for name, figure in row.items() if name != "seconds"} for row in rows]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("ema", [0.0, 0.3])
def test_train_10_is_train_3_and_4_and_3_bitwise(begin: Any, ctrl_c: CtrlC, dtype: str, ema: float) -> None:
    straight, make = begin("straight", dtype, ema_half_life=ema)
    make()
    resumed, make = begin("resumed", dtype, ema_half_life=ema)
    for step in (3, 7):
        ctrl_c(step)
        with pytest.raises(Interrupted, match=f"stopped after {step} of 10"):
            make()
        assert not resumed.done
    make()
    assert weights(resumed) == weights(straight)
    assert metrics(resumed) == metrics(straight)
    assert [row["step"] for row in metrics(straight)] == list(range(1, 11))


def test_other_seeds_and_the_average_give_other_weights(begin: Any) -> None:
    """Without this, the equality of two hashes would prove little."""
    hashes = set()
    for name, changes in {"a": {}, "b": {"ema_half_life": 0.3}, "c": {"learning_rate": 2e-3}}.items():
        stage, make = begin(name, **changes)
        make()
        hashes.add(weights(stage))
    assert len(hashes) == 3


def test_a_kill_costs_at_most_the_steps_since_the_last_save(begin: Any, tmp_path: Path, texts: list[str]) -> None:
    straight, make = begin("straight")
    make()
    killed, make = begin("killed")
    script = f"""
import os, signal
from pathlib import Path
import torch
torch.set_num_threads({torch.get_num_threads()})
from mynah.train import session
from mynah.runs import Run
from mynah.step0_pretrain.corpus import build
from mynah.step0_pretrain.train import ModelSettings, PretrainSettings, pretrain
from mynah.model.precision import Hardware
from mynah.tokens import Tokenizer
session.SAVE_EVERY = -1.0
write = session.torch.save
def save(state, buffer):  # the sixth save never ends
    write(state, buffer)
    if state["learner"]["step"] == 6:
        Path({str(killed.state)!r}, f".step-000000006.pt.partial-{{os.getpid()}}").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
session.torch.save = save
texts = {texts!r}
tokenizer = Tokenizer.train(texts * 2, 320)
settings = PretrainSettings.model_validate_json({TEN_UPDATES.model_dump_json()!r})
size = ModelSettings.model_validate_json({SIZE.model_dump_json()!r})
stage = Run(Path({str(tmp_path)!r}), "killed").stage("0-pretrain")
corpus = build(texts, tokenizer, size.context, 0.0)
pretrain(stage, corpus, tokenizer, size, settings, Hardware(device="cpu", dtype="float32"), seed=3)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not killed.folder.exists()
    assert len(metrics(killed)) == 6, "the step was logged, its state was not saved"
    make()
    assert weights(killed) == weights(straight)
    assert metrics(killed) == metrics(straight)
    assert sorted(path.name for path in killed.state.iterdir()) == ["metrics.jsonl", "step-000000010.pt"]


def test_it_learns_what_single_tokens_cannot_tell(begin: Any, texts: list[str], tiny_tokenizer: Tokenizer) -> None:
    stage, make = begin("learns", epochs=100, batch_size=6, learning_rate=1e-2)
    make()
    counts = Counter(token for text in texts for token in (*tiny_tokenizer.encode(text), tiny_tokenizer.end_of_text))
    total = sum(counts.values())
    unigram = -sum(n / total * math.log(n / total) for n in counts.values())
    rows = metrics(stage)
    assert rows[0]["loss"] == pytest.approx(math.log(tiny_tokenizer.vocab_size), rel=0.05), "it begins knowing nothing"
    assert rows[-1]["loss"] < unigram / 4


@pytest.mark.parametrize("tied", [True, False])
def test_only_embeddings_of_tokens_never_seen_are_redrawn_like_the_others(tied: bool) -> None:
    config = train.ModelConfig.of_size(32, 1, 400, 32, tied, "llama")
    model, twin = train.initialise(config, 0), train.initialise(config, 0)
    seen = tuple(range(0, 300, 2))
    for one in (model, twin):
        train.redraw_unseen(one, seen, seed=5)
    before = train.initialise(config, 0).state_dict()
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    assert changed == {"embed_tokens.weight"} | (set() if tied else {"lm_head.weight"})
    for name in changed:
        table = model.state_dict()[name]
        moved = (table != before[name]).any(1).nonzero().flatten().tolist()
        assert moved == [token for token in range(400) if token not in seen]
        old, new = before[name][list(seen)], table[moved]
        assert float(new.std()) == pytest.approx(float(old.std()), rel=0.1)
        assert torch.equal(table, twin.state_dict()[name]), "a resumed run redraws the same"


def test_held_out_text_is_measured_in_bits_per_byte(begin: Any) -> None:
    stage, make = begin("held", heldout=0.5)
    make()
    assert 1 < stage.record["figures"]["bits_per_byte"] < 8
    assert 0 < stage.record["figures"]["documents"] < 6


def test_a_loss_that_is_not_finite_keeps_the_last_good_state(begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    straight, make = begin("straight")
    make()
    stage, make = begin("diverges")
    monkeypatch.setattr(session, "SAVE_EVERY", -1.0)
    logprobs, calls = train.token_logprobs, Counter[str]()

    def bad_in_the_fifth_update(*args: Any) -> torch.Tensor:
        calls["logprobs"] += 1
        return logprobs(*args) * (float("nan") if len(metrics(stage)) == 4 else 1.0)

    monkeypatch.setattr(train, "token_logprobs", bad_in_the_fifth_update)
    with pytest.raises(Diverged, match=r"update 5: the loss became nan.*Try a lower learning_rate"):
        make()
    assert calls["logprobs"] > 5
    assert not stage.folder.exists()
    assert [path.name for path in sorted(stage.state.iterdir())] == ["metrics.jsonl", "step-000000004.pt"]
    monkeypatch.undo()
    make()
    assert weights(stage) == weights(straight), "nothing of the bad update was saved"


def test_a_learning_rate_far_too_large_is_stopped(begin: Any) -> None:
    stage, make = begin("wild", learning_rate=1e38, warmup=0.0)
    with pytest.raises(Diverged):
        make()
    assert not stage.folder.exists()


def test_a_full_disk_publishes_nothing_and_the_same_call_finishes(
    begin: Any, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    stage, make = begin("full")
    size = 5 * sum(weight.numel() * 4 for weight in train.initialise(shape(), 0).parameters())
    with full_disk(size // 10), pytest.raises(UserError, match=r"could not be written \(.*too large"):
        make()
    assert not stage.folder.exists()
    assert list(stage.state.glob("*.pt")) == []
    make()
    assert stage.done


def test_a_full_disk_while_the_checkpoint_is_published_keeps_the_old_one(
    begin: Any, full_disk: Callable[[int], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, make = begin("full")
    make()
    before = weights(stage)
    save_policy = train.save_policy

    def save_on_a_full_disk(*args: Any, **kwargs: Any) -> None:
        with full_disk(20_000):
            save_policy(*args, **kwargs)

    monkeypatch.setattr(train, "save_policy", save_on_a_full_disk)
    with pytest.raises(UserError, match=r"0-pretrain: could not be written \(.*File too large") as error:
        make()
    assert "partial" not in str(error.value)
    assert weights(stage) == before
    assert sorted(path.name for path in stage.folder.parent.iterdir()) == ["0-pretrain", "0-pretrain.state", "run.json"]


def shape() -> train.ModelConfig:
    return train.ModelConfig.of_size(32, 2, 320, 32, True, "llama")


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "gpt2"])
def test_transformers_loads_the_folder_with_equal_logits(
    tmp_path: Path, texts: list[str], tiny_tokenizer: Tokenizer, architecture: Any
) -> None:
    transformers = pytest.importorskip("transformers")
    size = SIZE.model_copy(update={"architecture": architecture})
    stage = Run(tmp_path, "hf").begin("pretrain", 1, settings={}, seed=0)
    corpus = build(texts, tiny_tokenizer, SIZE.context, 0.0)
    pretrain(stage, corpus, tiny_tokenizer, size, TEN_UPDATES, Hardware(device="cpu", dtype="float32"), seed=0)
    files = {path.name for path in stage.folder.iterdir()}
    assert files == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    theirs = transformers.AutoModelForCausalLM.from_pretrained(stage.folder, dtype=torch.float32)
    ours = load_policy(stage.folder, torch.float32)
    ids = transformers.AutoTokenizer.from_pretrained(stage.folder)(texts[0]).input_ids
    assert ids == tiny_tokenizer.encode(texts[0])
    batch = lay_out([Group(tuple(ids), (False,) * len(ids))])
    with torch.no_grad():
        expected = theirs(torch.tensor([ids])).logits[0]
        got = ours.logits(ours(batch.tokens, batch.positions, PackedPlan(batch, torch.float32)))
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)
    generation = json.loads((stage.folder / "generation_config.json").read_text())
    assert generation["eos_token_id"] == [tiny_tokenizer.end_of_text]
