"""Our folders are transformers' folders: the same logits and scores in fp32, whoever wrote and whoever reads."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

from mynah.model.heads import ScalarModel, with_scalar_head
from mynah.model.hub import load_policy, load_scalar, save_policy, save_scalar
from mynah.model.sizes import RopeScaling
from mynah.nouns import Group
from mynah.train.scoring import score_groups
from tests.model.tiny import FAMILIES, TINY, full_logits, random_tokens, tiny_model, unsettle

TOLERANCE = 1e-4
TOKENS = random_tokens(200, seed=7)
END, PAD = 1, 2

YARN = RopeScaling("yarn", 4.0, 64, beta_fast=4.0, attention_factor=1.3, truncate=False)
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama-untied": {"tied": False},
    "llama-attention-bias": {"attention_bias": True},
    "llama-one-kv-head": {"kv_heads": 1, "head_width": 8},
    "llama-no-grouping": {"kv_heads": 4, "head_width": 12},
    "qwen2": {"architecture": "qwen2"},
    "qwen2-untied": {"architecture": "qwen2", "tied": False, "head_width": 12},
    "qwen3": {"architecture": "qwen3"},
    "qwen3-untied-bias": {"architecture": "qwen3", "tied": False, "attention_bias": True},
    "mistral": {**FAMILIES["mistral"], "tied": False},
    "smollm3": FAMILIES["smollm3"],
    "smollm3-bias": {**FAMILIES["smollm3"], "tied": False, "attention_bias": True},
    "gpt2": FAMILIES["gpt2"],
    "gpt2-untied": {**FAMILIES["gpt2"], "tied": False, "ff_width": 40},
    "llama-linear": {"rope_scaling": RopeScaling("linear", 3.0, 256)},
    "llama3": {"rope_scaling": RopeScaling("llama3", 8.0, 64, low_freq_factor=1.0, high_freq_factor=4.0)},
    "qwen2-yarn": {**FAMILIES["qwen2"], "rope_scaling": YARN},
}
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
every_family = pytest.mark.parametrize("family", FAMILIES)


def theirs(folder: Path, auto: Any = AutoModelForCausalLM) -> Any:
    """The folder as transformers loads it; no weight may be missing or left over."""
    model, loading = auto.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not any(loading.values()), loading
    return model.eval()


@torch.no_grad()
def assert_same_logits(ours: Any, their: Any) -> None:
    expected = their(torch.tensor([TOKENS])).logits[0]
    assert expected.std() > 0.3  # the comparison is worth something
    torch.testing.assert_close(full_logits(ours, TOKENS), expected, rtol=0, atol=TOLERANCE)


def their_config(architecture: str, **settings: Any) -> Any:
    return AutoConfig.for_model(
        architecture,
        vocab_size=TINY.vocab_size,
        hidden_size=48,
        intermediate_size=80,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
        **{
            "num_key_value_heads": 2,
            "head_dim": 16,
            "rope_parameters": {"rope_type": "default", "rope_theta": 3_000.0},
            **settings,
        },
    )


def their_model(architecture: str, **settings: Any) -> Any:
    config = their_config(architecture, **settings)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    unsettle(model, seed=3)
    return model


@every_shape
def test_transformers_reads_our_policy(shape: dict[str, Any], tmp_path: Path) -> None:
    model = tiny_model(**shape)
    save_policy(model, tmp_path, eos=(END, 5), pad=PAD)
    assert_same_logits(model, theirs(tmp_path))


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("llama", {"tie_word_embeddings": True}),
        ("llama", {"tie_word_embeddings": False, "attention_bias": True}),
        ("llama", {"head_dim": None, "num_key_value_heads": 4}),
        ("qwen2", {"tie_word_embeddings": True}),
        ("qwen2", {"tie_word_embeddings": False, "head_dim": 12}),
        ("qwen3", {"tie_word_embeddings": True}),
        ("qwen3", {"tie_word_embeddings": False, "attention_bias": True}),
    ],
)
def test_we_read_their_policy(architecture: str, settings: dict[str, Any], tmp_path: Path) -> None:
    their = their_model(architecture, **settings)
    their.save_pretrained(tmp_path)
    assert_same_logits(load_policy(tmp_path, torch.float32), their)


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
@pytest.mark.parametrize("form", ["old", "new"])
def test_we_read_both_config_forms(family: str, form: str, tmp_path: Path) -> None:
    their = their_model(family)
    their.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert "rope_parameters" in config
    assert "dtype" in config
    if form == "old":
        config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
        config["torch_dtype"] = config.pop("dtype")
        config["rope_scaling"] = None
        (tmp_path / "config.json").write_text(json.dumps(config))
    assert_same_logits(load_policy(tmp_path, torch.float32), their)


@pytest.mark.parametrize("form", ["old", "new"])
def test_each_config_form_that_we_write_is_enough(form: str, tmp_path: Path) -> None:
    """Older releases of transformers look at rope_theta alone, newer ones at rope_parameters; we write both."""
    model = tiny_model()
    save_policy(model, tmp_path, eos=(END,), pad=PAD)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["rope_parameters" if form == "old" else "rope_theta"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert_same_logits(model, theirs(tmp_path))


def test_the_number_format_travels(tmp_path: Path) -> None:
    model = tiny_model(dtype=torch.bfloat16)
    save_policy(model, tmp_path, eos=(END,), pad=PAD)
    assert AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto").dtype == torch.bfloat16
    again = load_policy(tmp_path, torch.bfloat16)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_transformers_generates_our_greedy_tokens_and_stops(tmp_path: Path) -> None:
    model = tiny_model(seed=1)
    prompt, expected = list(TOKENS[:9]), []
    for _ in range(12):
        expected.append(int(full_logits(model, prompt + expected)[-1].argmax()))
    stop = expected[7]
    save_policy(model, tmp_path, eos=(96 if stop != 96 else 95, stop), pad=PAD)  # the second of two ends it
    ids = torch.tensor([prompt])
    out = theirs(tmp_path).generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12)
    assert out[0, len(prompt) :].tolist() == expected[: expected.index(stop) + 1]


def scalar_model(family: str, tied: bool) -> ScalarModel:
    model = with_scalar_head(tiny_model(**FAMILIES[family], tied=tied), seed=5)
    model.bias.fill_(-1.25)
    return model


@every_family
@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_their_classifier_gives_our_scores(family: str, tied: bool, tmp_path: Path) -> None:
    """logit + score_bias = our score: alone, and in a batch padded on the right; the text ends with END."""
    model = scalar_model(family, tied)
    save_scalar(model, tmp_path, eos=END, pad=PAD)
    their = theirs(tmp_path, AutoModelForSequenceClassification)
    assert their.config.num_labels == 1
    assert their.config.architectures == [type(their).__name__]

    prompt = tuple(3 + token % 90 for token in TOKENS[:11])
    answers = [(*(3 + token % 90 for token in TOKENS[50 : 50 + n]), END) for n in (1, 17, 60, 139)]
    [(ours, _)] = score_groups(model, [Group(prompt, (False,) * 11, tuple(answers), _unsupervised(answers))], 10_000)
    rows = [prompt + answer for answer in answers]
    longest = max(map(len, rows))
    ids = torch.tensor([list(row) + [PAD] * (longest - len(row)) for row in rows])
    batched = their(ids, attention_mask=(ids != PAD).long()).logits[:, 0] + their.config.score_bias
    alone = torch.stack([their(torch.tensor([row])).logits[0, 0] for row in rows]) + their.config.score_bias
    assert ours.std() > 0.1
    torch.testing.assert_close(ours, batched, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(ours, alone, rtol=0, atol=TOLERANCE)


@every_family
@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_a_scalar_model_comes_back_as_it_was(family: str, tied: bool, tmp_path: Path) -> None:
    model = scalar_model(family, tied)
    save_scalar(model, tmp_path, eos=END, pad=PAD)
    again = load_scalar(tmp_path, torch.float32)
    assert again.bias.item() == -1.25
    assert again.state_dict().keys() == model.state_dict().keys()
    answers = [TOKENS[20:40], TOKENS[40:45]]
    group = Group(TOKENS[:5], (False,) * 5, tuple(answers), _unsupervised(answers))
    assert torch.equal(score_groups(again, [group], 1000)[0][0], score_groups(model, [group], 1000)[0][0])


def _unsupervised(answers: list[tuple[int, ...]]) -> tuple[tuple[bool, ...], ...]:
    return tuple((False,) * len(answer) for answer in answers)
