"""Open checkpoints in and out: transformers makes them, we load them, save them, and nothing has changed."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification

from mynah.errors import UserError
from mynah.model.config_json import from_hf, to_hf
from mynah.model.hub import load_config, load_policy, load_scalar, save_policy, save_scalar
from mynah.model.rope import Rotary
from mynah.nouns import Group
from mynah.train.scoring import score_groups
from tests.model.test_parity import TOKENS, assert_same_logits, theirs
from tests.model.tiny import full_logits, unsettle

COMMON = {
    "vocab_size": 97,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 2,
}
GPT2 = {
    "vocab_size": 97,
    "n_embd": 48,
    "n_layer": 3,
    "n_head": 4,
    "n_positions": 256,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 2,
}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"rope_type": "yarn", "rope_theta": 5e4, "factor": 4.0, "original_max_position_embeddings": 64}
FOLDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama-2": ("llama", COMMON | {"num_key_value_heads": 4}),
    "llama-3": ("llama", COMMON | {"rope_parameters": LLAMA3_ROPE, "tie_word_embeddings": True, "head_dim": 16}),
    "smollm-2": ("llama", COMMON | {"tie_word_embeddings": True, "num_attention_heads": 6}),
    "mistral": ("mistral", COMMON | {"sliding_window": None}),
    "mistral-window": ("mistral", COMMON | {"sliding_window": 256}),
    "smollm-3": ("smollm3", COMMON | {"no_rope_layers": [1, 0, 1, 1]}),
    "smollm-3-interval": ("smollm3", COMMON | {"no_rope_layers": None, "no_rope_layer_interval": 2}),
    "qwen-2.5": ("qwen2", COMMON),
    "qwen-2.5-yarn": ("qwen2", COMMON | {"rope_parameters": YARN}),
    "qwen-2-window": ("qwen2", COMMON | {"use_sliding_window": True, "sliding_window": 256, "max_window_layers": 2}),
    "qwen-3": ("qwen3", COMMON | {"head_dim": 16, "tie_word_embeddings": True}),
    "gpt-2": ("gpt2", GPT2),
    "gpt-2-inner": ("gpt2", GPT2 | {"n_inner": 64, "tie_word_embeddings": False}),
}
every_folder = pytest.mark.parametrize("name", FOLDERS)


def made(name: str, folder: Path, auto: Any = AutoModelForCausalLM, **saving: Any) -> Any:
    """Random weights in the family's shape, saved by transformers."""
    family, settings = FOLDERS[name]
    model = auto.from_config(AutoConfig.for_model(family, **settings), dtype=torch.float32).eval()
    unsettle(model, seed=3)
    model.save_pretrained(folder, **saving)
    return model


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: weight for path in sorted(folder.glob("*.safetensors")) for name, weight in load_file(path).items()}


def edit(folder: Path, remove: tuple[str, ...] = (), **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text()) | changes
    for key in remove:
        config.pop(key, None)
    (folder / "config.json").write_text(json.dumps(config))


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as refused:
        load_policy(folder, torch.float32)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@every_folder
def test_a_checkpoint_goes_in_and_out_unchanged(name: str, tmp_path: Path) -> None:
    their = made(name, tmp_path / "theirs")
    ours = load_policy(tmp_path / "theirs", None)
    assert_same_logits(ours, their)
    save_policy(ours, tmp_path, eos=(1,), pad=2)
    before, after = weights(tmp_path / "theirs"), weights(tmp_path)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert_same_logits(ours, theirs(tmp_path))
    assert load_config(tmp_path) == ours.config
    again, first = (json.loads((at / "config.json").read_text()) for at in (tmp_path, tmp_path / "theirs"))
    assert (again["model_type"], again["architectures"]) == (first["model_type"], first["architectures"])


@pytest.mark.parametrize("name", ["llama-3", "mistral", "smollm-3", "gpt-2"])
@torch.no_grad()
def test_their_reward_model_is_ours(name: str, tmp_path: Path) -> None:
    family, settings = FOLDERS[name]
    config = AutoConfig.for_model(family, **settings, num_labels=1)
    their = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32).eval()
    unsettle(their, seed=4)
    their.save_pretrained(tmp_path / "theirs")
    ours = load_scalar(tmp_path / "theirs", torch.float32)
    prompt, answer = TOKENS[:9], tuple(3 + token % 90 for token in TOKENS[9:70])
    group = Group(prompt, (False,) * 9, (answer,), ((False,) * len(answer),))
    expected = their(torch.tensor([prompt + answer])).logits[0]
    torch.testing.assert_close(score_groups(ours, [group], 1000)[0][0], expected, rtol=0, atol=1e-4)
    save_scalar(ours, tmp_path, eos=1, pad=2)
    before, after = weights(tmp_path / "theirs"), weights(tmp_path)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_folder_of_the_bare_backbone_loads(tmp_path: Path) -> None:
    """The published gpt2 has no prefix before its names, and masks among its weights."""
    their = made("gpt-2", tmp_path / "whole")
    bare = {name.removeprefix("transformer."): weight for name, weight in weights(tmp_path / "whole").items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, 256, 256)
    save_file(bare, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((tmp_path / "whole" / "config.json").read_text())
    assert_same_logits(load_policy(tmp_path, torch.float32), their)


def test_a_config_of_old_loads(tmp_path: Path) -> None:
    """As Llama 3.2 was published: rope_theta and rope_scaling apart, torch_dtype, no head_dim."""
    their = made("llama-3", tmp_path)
    scaling = {key: value for key, value in LLAMA3_ROPE.items() if key != "rope_theta"}
    edit(tmp_path, remove=("rope_parameters", "dtype"), rope_scaling=scaling, rope_theta=5e5, torch_dtype="float32")
    assert_same_logits(load_policy(tmp_path, torch.float32), their)


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_type": "default", "rope_theta": 1e6},
        {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.5},
        {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 4.0},
        LLAMA3_ROPE | {"factor": 32.0, "original_max_position_embeddings": 8192},
        YARN | {"original_max_position_embeddings": 32768},
        YARN | {"attention_factor": 1.25, "beta_fast": 16.0, "beta_slow": 2.0},
        YARN | {"mscale": 1.0, "mscale_all_dim": 0.5, "truncate": False},
    ],
    ids=lambda rope: rope["rope_type"],
)
def test_positions_turn_exactly_as_theirs(rope: dict[str, Any], tmp_path: Path) -> None:
    """Bit for bit, far out too, and after our own saving."""
    settings = COMMON | {"rope_parameters": rope, "head_dim": 64, "max_position_embeddings": 131_072}
    config = AutoConfig.for_model("llama", **settings)
    with torch.device("meta"):
        their_model = AutoModel.from_config(config)
    rotary = type(their_model.rotary_emb)(config)
    positions = torch.tensor([0, 1, 63, 64, 4095, 40_000, 131_071])
    cos, sin = rotary(torch.zeros(1), positions[None])
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(tmp_path)
    ours = load_config(tmp_path)
    for shape in (ours, from_hf(to_hf(ours, torch.float32), tmp_path)):
        turns = Rotary(shape)(positions, torch.float32)
        assert torch.equal(turns[0][:, 0], cos[0])
        assert torch.equal(turns[1][:, 0], sin[0] * torch.tensor([-1.0, 1.0]).repeat_interleave(32))


@pytest.mark.parametrize(
    ("name", "changes", "context"),
    [
        ("mistral", {"sliding_window": 64}, 64),
        ("mistral", {"sliding_window": 4096}, 256),
        ("qwen-2.5", {"use_sliding_window": True, "sliding_window": 64, "max_window_layers": 3}, 64),
        ("qwen-2.5", {"use_sliding_window": True, "sliding_window": 64, "max_window_layers": 4}, 256),
        ("qwen-2.5", {"use_sliding_window": False, "sliding_window": 64}, 256),
        ("smollm-3", {"use_sliding_window": True, "sliding_window": 64}, 64),
    ],
)
def test_a_sliding_window_cuts_the_context(name: str, changes: dict[str, Any], context: int, tmp_path: Path) -> None:
    """Up to the window nothing slides: logits are theirs, and a saved folder still has the window beyond."""
    family, settings = FOLDERS[name]
    config = AutoConfig.for_model(family, **(settings | changes))
    their = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    unsettle(their, seed=3)
    their.save_pretrained(tmp_path / "theirs")
    ours = load_policy(tmp_path / "theirs", torch.float32)
    assert ours.config.context == context
    save_policy(ours, tmp_path, eos=(1,), pad=2)
    again = theirs(tmp_path)
    ids = torch.tensor([TOKENS])
    with torch.no_grad():
        expected = their(ids).logits[0]
        assert torch.equal(again(ids).logits[0], expected)
    inside = full_logits(ours, TOKENS[:context])
    torch.testing.assert_close(inside, expected[:context], rtol=0, atol=1e-4)
    if context < len(TOKENS):  # the window is real: beyond it, what we would compute is something else
        assert (full_logits(ours, TOKENS)[context:] - expected[context:]).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("llama-2", {"rope_parameters": {"rope_type": "longrope", "factor": 4.0}}, "RoPE scaling 'longrope'"),
        ("llama-2", {"partial_rotary_factor": 0.5}, "RoPE on a part of each head"),
        ("qwen-3", {"layer_types": ["chunked_attention"] * 4}, "layers of chunked_attention"),
        ("qwen-3", {"quantization_config": {"quant_method": "fp8"}}, "quantised weights"),
        ("gpt-2", {"scale_attn_by_inverse_layer_idx": True}, "attention scaled by layer"),
        ("gpt-2", {"scale_attn_weights": False}, "unscaled attention"),
        ("gpt-2", {"activation_function": "relu"}, "activation 'relu'"),
        ("gpt-2", {"n_head": 5}, "GPT-2's width (48) must be heads (5)"),
        ("gpt-2", {"model_type": "gpt_neo"}, "'gpt_neo' is not supported (nearest: gpt2); supported are llama, mist"),
        ("mistral", {"model_type": "ministral"}, "'ministral' is not supported (nearest: mistral)"),
    ],
)
def test_what_we_do_not_compute_is_refused_by_name(
    name: str, changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    made(name, tmp_path)
    edit(tmp_path, **changes)
    assert words in refusal(tmp_path)


def test_a_missing_setting_of_gpt2_has_its_own_name(tmp_path: Path) -> None:
    made("gpt-2", tmp_path)
    edit(tmp_path, remove=("n_layer",))
    assert "config.json lacks 'n_layer'" in refusal(tmp_path)


def test_a_stored_head_must_be_the_embeddings_where_both_are_tied(tmp_path: Path) -> None:
    their = made("qwen-3", tmp_path)
    stored = weights(tmp_path)
    assert "lm_head.weight" not in stored
    head = stored["model.embed_tokens.weight"].clone()
    save_file(stored | {"lm_head.weight": head}, tmp_path / "model.safetensors")
    assert_same_logits(load_policy(tmp_path, torch.float32), their)
    save_file(stored | {"lm_head.weight": head + 1}, tmp_path / "model.safetensors")
    assert "lm_head.weight differs from them; set tie_word_embeddings to false" in refusal(tmp_path)
