"""Checkpoint folders: what is written is read back, and what cannot be computed is refused in one sentence."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from mynah.errors import UserError
from mynah.model.heads import EnsembleHeads, fresh_ensemble, with_scalar_head
from mynah.model.hub import (
    from_hf,
    load_config,
    load_ensemble,
    load_policy,
    load_scalar,
    save_ensemble,
    save_policy,
    save_scalar,
    to_hf,
)
from mynah.model.sizes import ModelConfig
from tests.model.tiny import TINY, tiny_model


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    save_policy(tiny_model(), tmp_path, eos=(1,), pad=2)
    return tmp_path


@pytest.fixture
def reward(tmp_path: Path) -> Path:
    save_scalar(with_scalar_head(tiny_model(), 0), tmp_path, eos=1, pad=2)
    return tmp_path


def edit(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def refusal(folder: Path) -> str:
    """The sentence with which `folder` is refused as a policy."""
    with pytest.raises(UserError) as refused:
        load_policy(folder, torch.float32)
    sentence = str(refused.value)
    assert str(folder) in sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        replace(TINY, tied=False, attention_bias=True, kv_heads=4, norm_eps=1e-6, rope_theta=1e6, context=99),
        replace(TINY, architecture="qwen2"),
        replace(TINY, architecture="qwen3", tied=False, attention_bias=True, head_width=32),
    ],
)
def test_a_config_comes_back_as_it_was(config: ModelConfig, tmp_path: Path) -> None:
    assert from_hf(to_hf(config, torch.bfloat16), tmp_path) == config
    save_policy(tiny_model(**vars(config)), tmp_path, eos=(1,), pad=2)
    assert load_config(tmp_path) == config


def test_a_policy_comes_back_as_it_was(policy: Path) -> None:
    model, again = tiny_model(), load_policy(policy, torch.float32)
    for (name, weight), (other, loaded) in zip(model.named_parameters(), again.named_parameters(), strict=True):
        assert name == other
        assert torch.equal(weight, loaded)
        assert loaded.requires_grad
    assert load_policy(policy, torch.bfloat16).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"model_type": "qwen2_moe"},
            "'qwen2_moe' is not supported (nearest: qwen2); supported are llama, mistral, smollm3, qwen2, qwen3, gpt2",
        ),
        ({"model_type": "bert"}, "'bert' is not supported; supported are llama"),
        ({"model_type": None}, "is not supported; supported are llama"),
        ({"rope_parameters": None, "rope_scaling": {"type": "longrope", "factor": 2.0}}, "RoPE scaling 'longrope'"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 2.0}}, "config.json lacks 'low_freq_factor'"),
        ({"rope_parameters": {"full_attention": {"rope_type": "default"}}}, "RoPE scaling 'by kind of layer'"),
        ({"mlp_bias": True}, "an MLP bias"),
        ({"hidden_act": "gelu"}, "activation 'gelu'"),
        ({"num_key_value_heads": 3}, "heads (4) must be a multiple of kv_heads (3)"),
        ({"hidden_size": "wide"}, "config.json describes no model"),
        ({"hidden_size": 64}, "has shape [97, 48], config.json asks for [97, 64]"),
        ({"num_hidden_layers": 3}, "lacks 9 weights, model.layers.2."),
        ({"tie_word_embeddings": False}, "lacks 1 weights, lm_head.weight"),
    ],
)
def test_what_we_do_not_compute_is_refused_by_name(policy: Path, changes: dict[str, Any], words: str) -> None:
    edit(policy, **changes)
    assert words in refusal(policy)


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "intermediate_size", "rms_norm_eps"])
def test_a_missing_setting_is_named(policy: Path, key: str) -> None:
    config = json.loads((policy / "config.json").read_text())
    del config[key]
    (policy / "config.json").write_text(json.dumps(config))
    assert f"config.json lacks '{key}'" in refusal(policy)


def test_what_is_no_checkpoint_is_refused(policy: Path) -> None:
    assert "holds no config.json" in refusal(policy / "nowhere")
    (policy / "config.json").write_text("[]")
    assert "not a JSON object" in refusal(policy)
    (policy / "config.json").write_text('{"model_type":\n oops}')
    assert "config.json:2: not JSON" in refusal(policy)


@pytest.mark.parametrize("kept", [0, 5, 100, 0.5, 0.999])
def test_a_truncated_weights_file_is_refused(policy: Path, kept: float) -> None:
    path = policy / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    assert "model.safetensors: is not a whole safetensors file" in refusal(policy)


def test_missing_weights_are_refused(policy: Path) -> None:
    path = policy / "model.safetensors"
    weights = load_file(path)
    del weights["model.norm.weight"]
    save_file(weights, path)
    assert "lacks 1 weights, model.norm.weight among them" in refusal(policy)
    path.unlink()
    assert "holds no model.safetensors" in refusal(policy)


def test_a_policy_is_no_reward_model(policy: Path) -> None:
    with pytest.raises(UserError, match="is not a reward model"):
        load_scalar(policy, torch.float32)


def test_a_reward_model_is_no_policy(reward: Path) -> None:
    assert "is a reward or value model" in refusal(reward)


def test_a_reward_model_without_its_head_is_refused(reward: Path) -> None:
    path = reward / "model.safetensors"
    weights = load_file(path)
    del weights["score.weight"]
    save_file(weights, path)
    with pytest.raises(UserError, match=r"lacks 1 weights, score\.weight"):
        load_scalar(reward, torch.float32)


def test_an_ensemble_comes_back_as_it_was(reward: Path) -> None:
    assert load_ensemble(reward) is None
    heads = EnsembleHeads(fresh_ensemble(5, 48, seed=1).weight, torch.arange(5.0))
    save_ensemble(heads, reward)
    again = load_ensemble(reward)
    assert again is not None
    hidden = torch.randn(7, 48)
    assert torch.equal(again(hidden), heads(hidden))
    assert not again.bias.requires_grad
    load_scalar(reward, torch.float32)  # the file beside the weights does not disturb them

    path = reward / "ensemble.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"ensemble\.safetensors: is not a whole"):
        load_ensemble(reward)
