"""Hugging Face folders in and out: `config.json` and safetensors, for policies and for scalar models.

Reads both config forms (`rope_theta` of old, `rope_parameters` of new) and sharded weights; refuses by name what this
project's transformer does not compute, rather than computing something else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mynah.errors import UserError
from mynah.files import read_json, write_json
from mynah.model.heads import EnsembleHeads, ScalarModel
from mynah.model.lora import adapters
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer

CLASSES = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3"}


def save_policy(model: Transformer, folder: Path, *, eos: Sequence[int], pad: int) -> None:
    """Write `model` so that `AutoModelForCausalLM` loads it; any of `eos` ends a generation there."""
    config = to_hf(model.config, model.dtype) | {"architectures": [f"{CLASSES[model.config.architecture]}ForCausalLM"]}
    config |= {"eos_token_id": eos[0], "pad_token_id": pad}
    write_json(folder / "config.json", config)
    generation = {"eos_token_id": list(eos), "pad_token_id": pad, "do_sample": True}
    write_json(folder / "generation_config.json", generation)
    _save_weights(_hf_names(model), folder / "model.safetensors")


def save_scalar(model: ScalarModel, folder: Path, *, eos: int, pad: int) -> None:
    """Write `model` so that `AutoModelForSequenceClassification` loads it; its one logit lacks `score_bias`."""
    config = to_hf(model.backbone.config, model.dtype)
    config |= {"architectures": [f"{CLASSES[model.backbone.config.architecture]}ForSequenceClassification"]}
    config |= {"num_labels": 1, "id2label": {"0": "score"}, "label2id": {"score": 0}}
    config |= {"eos_token_id": eos, "pad_token_id": pad, "score_bias": model.bias.item()}
    write_json(folder / "config.json", config)
    _save_weights(_hf_names(model.backbone) | {"score.weight": model.score.weight}, folder / "model.safetensors")


def load_policy(folder: Path, dtype: torch.dtype, device: torch.device | str = "cpu") -> Transformer:
    """The policy in `folder`, its weights cast to `dtype`. Raises UserError on what is missing or not supported."""
    config = load_config(folder)
    if _is_scalar(folder):
        raise UserError(f"{folder}: is a reward or value model; a policy is asked for here.")
    with torch.device("meta"):
        model = Transformer(config)
    names = {theirs: ours for ours, theirs in zip(model.state_dict(), _hf_names(model), strict=True)}
    _assign(model, _read_weights(folder, names, dtype, device), folder)
    return model


def load_scalar(folder: Path, dtype: torch.dtype, device: torch.device | str = "cpu") -> ScalarModel:
    """The reward or value model in `folder`, with its `score_bias`."""
    config = load_config(folder)
    if not _is_scalar(folder):
        raise UserError(f"{folder}: is not a reward model; train one with `mynah reward`.")
    with torch.device("meta"):
        model = ScalarModel(Transformer(config))
    names = {f"model.{name}": f"backbone.{name}" for name in model.backbone.state_dict()}
    _assign(model, _read_weights(folder, names | {"score.weight": "score.weight"}, dtype, device), folder)
    bias = read_json(folder / "config.json").get("score_bias", 0.0)
    model.bias = torch.tensor(float(bias), device=device)
    return model


def save_ensemble(heads: EnsembleHeads, folder: Path) -> None:
    """Write `ensemble.safetensors` beside the reward model: weight [M, D] and bias [M]."""
    _save_weights(dict(heads.state_dict()), folder / "ensemble.safetensors")


def load_ensemble(folder: Path, device: torch.device | str = "cpu") -> EnsembleHeads | None:
    """The bootstrap heads in a reward model's folder, if it has any."""
    path = folder / "ensemble.safetensors"
    if not path.exists():
        return None
    with _opened(path, device) as file:
        return EnsembleHeads(file.get_tensor("weight"), file.get_tensor("bias"))


def save_adapter(model: Transformer | ScalarModel, folder: Path, base: str) -> None:
    """Write the adapters of `model` as PEFT does, so that `PeftModel.from_pretrained` puts them on the model `base`."""
    layers, scalar = adapters(model), isinstance(model, ScalarModel)
    first = next(iter(layers.values()))
    rank = first.lora_A.shape[0]
    config = {
        "peft_type": "LORA",
        "task_type": "SEQ_CLS" if scalar else "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": first.scale * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted({path.rpartition(".")[2] for path in layers}),
        "modules_to_save": ["score"] if scalar else None,
        "inference_mode": True,
    }
    write_json(folder / "adapter_config.json", config)
    weights: dict[str, Tensor] = {}
    for path, layer in layers.items():
        name = f"base_model.model.model.{path.removeprefix('backbone.')}"
        weights |= {f"{name}.lora_A.weight": layer.lora_A, f"{name}.lora_B.weight": layer.lora_B}
    if isinstance(model, ScalarModel):
        weights["base_model.model.score.weight"] = model.score.weight
    _save_weights(weights, folder / "adapter_model.safetensors")


def load_config(folder: Path) -> ModelConfig:
    """The shape of the checkpoint in `folder`. Raises UserError on an architecture or option that is not supported."""
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: holds no config.json; name a Hugging Face checkpoint folder.")
    plain = read_json(folder / "config.json")
    if not isinstance(plain, dict):
        raise UserError(f"{folder}: config.json is not a JSON object.")
    return from_hf(plain, folder)


def to_hf(config: ModelConfig, dtype: torch.dtype) -> dict[str, Any]:
    """`config.json` of a model, in the form that old and new releases of transformers both read."""
    plain: dict[str, Any] = {
        "model_type": config.architecture,
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "intermediate_size": config.ff_width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_width,
        "hidden_act": "silu",
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "tie_word_embeddings": config.tied,
        "attention_bias": config.attention_bias,
        "attention_dropout": 0.0,
        "torch_dtype": str(dtype).removeprefix("torch."),
        "use_cache": True,
    }
    if config.architecture == "llama":
        plain["mlp_bias"] = False
    else:
        plain |= {"use_sliding_window": False, "sliding_window": None}
    return plain


def from_hf(plain: dict[str, Any], folder: Path) -> ModelConfig:
    """The shape described by a `config.json`; UserError names what this project does not compute."""
    kind = plain.get("model_type")
    if kind not in CLASSES:
        near = difflib.get_close_matches(str(kind), CLASSES, n=1, cutoff=0.5)
        hint = f" (nearest: {near[0]})" if near else ""
        raise UserError(f"{folder}: architecture {kind!r} is not supported{hint}; supported are {', '.join(CLASSES)}.")
    rope = plain.get("rope_scaling") or plain.get("rope_parameters") or {}
    rope_type = rope.get("rope_type", rope.get("type", "default"))
    unsupported = {
        f"RoPE scaling {rope_type!r}": rope_type != "default",
        "a sliding window": bool(plain.get("use_sliding_window"))
        or "sliding_attention" in (plain.get("layer_types") or ()),
        "an MLP bias": bool(plain.get("mlp_bias")),
        f"activation {plain.get('hidden_act')!r}": plain.get("hidden_act", "silu") != "silu",
    }
    for feature, present in unsupported.items():
        if present:
            raise UserError(f"{folder}: config.json asks for {feature}, which is not supported.")
    try:
        heads, width = int(plain["num_attention_heads"]), int(plain["hidden_size"])
        return ModelConfig(
            vocab_size=plain["vocab_size"],
            width=width,
            layers=plain["num_hidden_layers"],
            heads=heads,
            kv_heads=plain.get("num_key_value_heads") or heads,
            head_width=plain.get("head_dim") or (128 if kind == "qwen3" else width // heads),
            ff_width=plain["intermediate_size"],
            context=plain["max_position_embeddings"],
            architecture=kind,
            rope_theta=float(rope.get("rope_theta", plain.get("rope_theta", 10_000.0))),
            norm_eps=plain["rms_norm_eps"],
            tied=bool(plain.get("tie_word_embeddings", False)),
            attention_bias=bool(plain.get("attention_bias", False)) and kind != "qwen2",
        )
    except KeyError as error:
        raise UserError(f"{folder}: config.json lacks {error.args[0]!r}.") from None
    except (TypeError, ValueError) as error:
        raise UserError(f"{folder}: config.json describes no model: {error}") from None


def _is_scalar(folder: Path) -> bool:
    classes = read_json(folder / "config.json").get("architectures") or ()
    return any(str(name).endswith("ForSequenceClassification") for name in classes)


def _hf_names(model: Transformer) -> dict[str, Tensor]:
    weights = model.state_dict()
    return {name if name == "lm_head.weight" else f"model.{name}": weight for name, weight in weights.items()}


def _save_weights(weights: dict[str, Tensor], path: Path) -> None:
    plain = {name: weight.detach().cpu().contiguous() for name, weight in weights.items()}
    try:
        save_file(plain, path, metadata={"format": "pt"})
    except SafetensorError as error:  # safetensors wraps the system's error; ours at the edge looks for OSError
        raise OSError(str(error)) from error


@contextmanager
def _opened(path: Path, device: torch.device | str) -> Iterator[safe_open]:
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            yield file
    except SafetensorError as error:
        raise UserError(f"{path}: is not a whole safetensors file ({error}); copy it again.") from None


def _read_weights(
    folder: Path, names: dict[str, str], dtype: torch.dtype, device: torch.device | str
) -> dict[str, Tensor]:
    """Weights by our names, read tensor by tensor: at no time is there a second copy of the model."""
    files = sorted(folder.glob("*.safetensors"))
    files = [file for file in files if file.name == "model.safetensors" or file.name.startswith("model-")]
    if not files:
        raise UserError(f"{folder}: holds no model.safetensors.")
    found: dict[str, Tensor] = {}
    for path in files:
        with _opened(path, device) as file:
            for name in file.keys():  # noqa: SIM118 (not a mapping)
                if name in names:  # a copy: in the mapped file a tensor's alignment, and so the last bits, may differ
                    found[names[name]] = file.get_tensor(name).to(dtype, copy=True)
    missing = [theirs for theirs, ours in names.items() if ours not in found]
    if missing:
        raise UserError(f"{folder}: lacks {len(missing)} weights, {missing[0]} among them; is the download complete?")
    return found


def _assign(model: nn.Module, weights: dict[str, Tensor], folder: Path) -> None:
    for name, weight in model.state_dict().items():
        if name in weights and weights[name].shape != weight.shape:
            have, want = list(weights[name].shape), list(weight.shape)
            raise UserError(f"{folder}: {name} has shape {have}, config.json asks for {want}.")
    model.load_state_dict(weights, assign=True, strict=False)
    for weight in model.parameters():
        weight.requires_grad_(True)
