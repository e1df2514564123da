"""`config.json`: Hugging Face's description of a model, read into a ModelConfig and written from one.

Reads both forms that are in use (`rope_theta` and `rope_scaling` of old, `rope_parameters` of new); refuses by name
what this project's transformer does not compute, rather than computing something else.
"""

from __future__ import annotations

import difflib
import math
from pathlib import Path
from typing import Any

import torch

from mynah.errors import UserError
from mynah.model.sizes import Architecture, ModelConfig, RopeScaling

CLASSES: dict[Architecture, str] = {
    "llama": "Llama",
    "mistral": "Mistral",
    "smollm3": "SmolLM3",
    "qwen2": "Qwen2",
    "qwen3": "Qwen3",
    "gpt2": "GPT2",
}
GPT2_KEYS = {
    "hidden_size": "n_embd",
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
    "max_position_embeddings": "n_positions",
    "intermediate_size": "n_inner",
    "rms_norm_eps": "layer_norm_epsilon",
    "hidden_act": "activation_function",
}
"""What GPT-2 calls the settings of the other families."""
TIED_BY_DEFAULT = ("smollm3", "gpt2")
NAMED_BIAS = ("llama", "smollm3", "qwen3")
"""Families that have `attention_bias`; in the others the biases are by nature."""


def policy_class(architecture: Architecture) -> str:
    """The class of transformers that a policy is."""
    return CLASSES[architecture] + ("LMHeadModel" if architecture == "gpt2" else "ForCausalLM")


def scalar_class(architecture: Architecture) -> str:
    """The class of transformers that a reward or value model is."""
    return CLASSES[architecture] + "ForSequenceClassification"


def to_hf(config: ModelConfig, dtype: torch.dtype) -> dict[str, Any]:
    """`config.json` of a model, in the form that old and new releases of transformers both read."""
    kind, number_format = config.architecture, str(dtype).removeprefix("torch.")
    plain: dict[str, Any] = {
        "model_type": kind,
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "intermediate_size": config.ff_width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "hidden_act": "silu",
        "tie_word_embeddings": config.tied,
        "torch_dtype": number_format,
        "dtype": number_format,
        "use_cache": True,
    }
    if kind == "gpt2":
        plain = {GPT2_KEYS.get(key, key): value for key, value in plain.items()}
        plain |= {"n_ctx": config.context, "activation_function": "gelu_new"}
        return plain | {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    plain |= {"num_key_value_heads": config.kv_heads, "head_dim": config.head_width, "attention_dropout": 0.0}
    plain |= _rope_to_hf(config) | _windows_to_hf(config)
    if kind in NAMED_BIAS:
        plain["attention_bias"] = config.attention_bias
    if kind in ("llama", "smollm3"):
        plain["mlp_bias"] = False
    if kind == "smollm3":
        plain["no_rope_layers"] = [int(layer not in config.nope_layers) for layer in range(config.layers)]
    return plain


def from_hf(plain: dict[str, Any], folder: Path) -> ModelConfig:
    """The shape described by a `config.json`; UserError names what this project does not compute."""
    kind = plain.get("model_type")
    if kind not in CLASSES:
        near = difflib.get_close_matches(str(kind), CLASSES, n=1, cutoff=0.5)
        hint = f" (nearest: {near[0]})" if near else ""
        raise UserError(f"{folder}: architecture {kind!r} is not supported{hint}; supported are {', '.join(CLASSES)}.")
    if kind == "gpt2":
        plain = plain | {ours: plain[theirs] for ours, theirs in GPT2_KEYS.items() if theirs in plain}
    _refuse(plain, kind, folder)
    try:
        return _shape(plain, kind)
    except KeyError as error:
        key = error.args[0]
        name = GPT2_KEYS.get(key, key) if kind == "gpt2" else key
        raise UserError(f"{folder}: config.json lacks {name!r}.") from None
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise UserError(f"{folder}: config.json describes no model: {error}") from None


def _refuse(plain: dict[str, Any], kind: Architecture, folder: Path) -> None:
    """UserError for the first thing asked for that would be computed wrongly."""
    rope, gpt2 = _rope(plain), kind == "gpt2"
    activation = plain.get("hidden_act", "gelu_new" if gpt2 else "silu")
    known = ("gelu_new", "gelu_pytorch_tanh") if gpt2 else ("silu",)
    rope_kind, partial = _rope_kind(rope), rope.get("partial_rotary_factor", plain.get("partial_rotary_factor"))
    attentions = set(plain.get("layer_types") or ()) - {"full_attention", "sliding_attention"}
    unsupported = {
        f"RoPE scaling {rope_kind!r}": rope_kind not in ("default", "linear", "dynamic", "llama3", "yarn"),
        "RoPE on a part of each head": partial not in (None, 1, 1.0),
        f"layers of {', '.join(sorted(map(str, attentions)))}": bool(attentions),
        "quantised weights": bool(plain.get("quantization_config")),
        "an MLP bias": bool(plain.get("mlp_bias")) and not gpt2,
        f"activation {activation!r}": activation not in known,
        "unscaled attention": gpt2 and not plain.get("scale_attn_weights", True),
        "attention scaled by layer": gpt2 and bool(plain.get("scale_attn_by_inverse_layer_idx")),
        "cross-attention": bool(plain.get("add_cross_attention")),
    }
    for feature, present in unsupported.items():
        if present:
            raise UserError(f"{folder}: config.json asks for {feature}, which is not supported.")


def _shape(plain: dict[str, Any], kind: Architecture) -> ModelConfig:
    heads, width, layers = int(plain["num_attention_heads"]), int(plain["hidden_size"]), plain["num_hidden_layers"]
    one_each = kind in ("llama", "gpt2")
    kv_heads = plain.get("num_key_value_heads") if one_each else plain["num_key_value_heads"]
    context = longest = plain["max_position_embeddings"]
    nope_layers = _nope_layers(plain, layers) if kind == "smollm3" else ()
    window, window_layers = _windows(plain, kind, layers, nope_layers)
    theta = _rope(plain).get("rope_theta", plain.get("rope_theta", 2e6 if kind == "smollm3" else 10_000.0))
    if window is not None:
        context = min(context, window)
    return ModelConfig(
        vocab_size=plain["vocab_size"],
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads or heads,
        head_width=plain.get("head_dim") or (128 if kind == "qwen3" else width // heads),
        ff_width=plain.get("intermediate_size") or 4 * width if kind == "gpt2" else plain["intermediate_size"],
        context=context,
        architecture=kind,
        rope_theta=float(theta),
        norm_eps=plain["rms_norm_eps"],
        tied=bool(plain.get("tie_word_embeddings", kind in TIED_BY_DEFAULT)),
        attention_bias=bool(plain.get("attention_bias", False)) and kind in NAMED_BIAS,
        rope_scaling=None if kind == "gpt2" else _scaling(plain, longest),
        nope_layers=nope_layers,
        window=window,
        window_layers=window_layers,
    )


def _rope(plain: dict[str, Any]) -> dict[str, Any]:
    return plain.get("rope_scaling") or plain.get("rope_parameters") or {}


def _rope_kind(rope: dict[str, Any]) -> str:
    if any(isinstance(value, dict) for value in rope.values()):
        return "by kind of layer"
    return rope.get("rope_type", rope.get("type", "default"))


def _scaling(plain: dict[str, Any], longest: int) -> RopeScaling | None:
    """The scaling that config.json asks for, what it leaves open filled in as transformers does."""
    rope = _rope(plain)
    kind: Any = _rope_kind(rope)
    if kind == "default":
        return None
    original = plain.get("original_max_position_embeddings") or rope.get("original_max_position_embeddings") or longest
    if kind == "llama3":
        low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
        return RopeScaling(kind, float(rope["factor"]), original, low_freq_factor=low, high_freq_factor=high)
    if kind != "yarn":
        return RopeScaling(kind, float(rope["factor"]), longest)
    factor = float(rope.get("factor") or longest / original)
    return RopeScaling(
        kind,
        factor,
        original,
        beta_fast=float(rope.get("beta_fast") or 32),
        beta_slow=float(rope.get("beta_slow") or 1),
        truncate=bool(rope.get("truncate", True)),
        attention_factor=_yarn_attention_factor(rope, factor),
    )


def _yarn_attention_factor(rope: dict[str, Any], factor: float) -> float:
    def sharpening(scale: float = 1.0) -> float:
        return 0.1 * scale * math.log(factor) + 1.0 if factor > 1 else 1.0

    if rope.get("attention_factor") is not None:
        return float(rope["attention_factor"])
    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return sharpening(rope["mscale"]) / sharpening(rope["mscale_all_dim"])
    return sharpening()


def _rope_to_hf(config: ModelConfig) -> dict[str, Any]:
    theta, scaling = config.rope_theta, config.rope_scaling
    if scaling is None:
        return {"rope_theta": theta, "rope_parameters": {"rope_type": "default", "rope_theta": theta}}
    plain: dict[str, Any] = {"rope_type": scaling.kind, "factor": scaling.factor}
    if scaling.kind in ("llama3", "yarn"):
        plain["original_max_position_embeddings"] = scaling.original_context
    if scaling.kind == "llama3":
        plain |= {"low_freq_factor": scaling.low_freq_factor, "high_freq_factor": scaling.high_freq_factor}
    if scaling.kind == "yarn":
        plain |= {"beta_fast": scaling.beta_fast, "beta_slow": scaling.beta_slow}
        plain |= {"attention_factor": scaling.attention_factor, "truncate": scaling.truncate}
    return {"rope_theta": theta, "rope_scaling": plain, "rope_parameters": plain | {"rope_theta": theta}}


def _nope_layers(plain: dict[str, Any], layers: int) -> tuple[int, ...]:
    """SmolLM3's `no_rope_layers` holds a 1 for each layer that has RoPE, or every fourth layer goes without."""
    rotates = plain.get("no_rope_layers")
    if rotates is None:
        interval = plain.get("no_rope_layer_interval", 4)
        rotates = [(layer + 1) % interval for layer in range(layers)]
    return tuple(layer for layer in range(layers) if not rotates[layer])


def _windows(
    plain: dict[str, Any], kind: Architecture, layers: int, nope_layers: tuple[int, ...]
) -> tuple[int | None, tuple[int, ...]]:
    """The sliding window and the layers that have it. Mistral's has no switch, the others' are off by default."""
    size, kinds = plain.get("sliding_window"), plain.get("layer_types")
    if kind in ("llama", "gpt2") or size is None or (kind != "mistral" and not plain.get("use_sliding_window")):
        return None, ()
    if kind == "mistral":
        found = tuple(range(layers))
    elif kinds:
        found = tuple(layer for layer in range(layers) if kinds[layer] == "sliding_attention")
    elif kind == "smollm3":
        found = nope_layers
    else:
        found = tuple(range(plain.get("max_window_layers", 28), layers))
    return (int(size), found) if found else (None, ())


def _windows_to_hf(config: ModelConfig) -> dict[str, Any]:
    if config.architecture == "mistral":
        return {"sliding_window": config.window}
    if config.architecture == "llama":
        return {}
    if config.window is None:
        return {"use_sliding_window": False, "sliding_window": None}
    kinds = ["full_attention"] * config.layers
    for layer in config.window_layers:
        kinds[layer] = "sliding_attention"
    first = min(config.window_layers)  # releases that know no layer_types read this
    return {
        "use_sliding_window": True,
        "sliding_window": config.window,
        "layer_types": kinds,
        "max_window_layers": first,
    }
