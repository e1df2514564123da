"""Hugging Face folders in and out: policies, reward and value models, ensembles of heads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mynah.errors import UserError
from mynah.files import read_json, write_json
from mynah.model.config_json import from_hf, policy_class, scalar_class, to_hf
from mynah.model.heads import EnsembleHeads, ScalarModel
from mynah.model.lora import adapters
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer
from mynah.model.weights import SHARD_BYTES, opened, read_weights, save_tensors, save_weights, stored


def save_policy(
    model: Transformer, folder: Path, *, eos: Sequence[int], pad: int, shard_bytes: int = SHARD_BYTES
) -> None:
    """Write `model` so that `AutoModelForCausalLM` loads it; any of `eos` ends a generation there."""
    config = to_hf(model.config, model.dtype) | {"architectures": [policy_class(model.config.architecture)]}
    config |= {"eos_token_id": eos[0], "pad_token_id": pad}
    write_json(folder / "config.json", config)
    generation = {"eos_token_id": list(eos), "pad_token_id": pad, "do_sample": True}
    write_json(folder / "generation_config.json", generation)
    save_weights(model.state_dict(), folder, model.config.architecture, shard_bytes)


def save_scalar(model: ScalarModel, folder: Path, *, eos: int, pad: int, shard_bytes: int = SHARD_BYTES) -> None:
    """Write `model` so that `AutoModelForSequenceClassification` loads it; its one logit lacks `score_bias`."""
    shape = model.backbone.config
    config = to_hf(shape, model.dtype) | {"architectures": [scalar_class(shape.architecture)]}
    config |= {"num_labels": 1, "id2label": {"0": "score"}, "label2id": {"score": 0}}
    config |= {"eos_token_id": eos, "pad_token_id": pad, "score_bias": model.bias.item()}
    write_json(folder / "config.json", config)
    weights = model.backbone.state_dict() | {"score.weight": model.score.weight}
    save_weights(weights, folder, shape.architecture, shard_bytes)


def load_policy(folder: Path, dtype: torch.dtype | None, device: torch.device | str = "cpu") -> Transformer:
    """The policy in `folder`, its weights cast to `dtype`, or in the format that they are stored in.

    Raises UserError on what is missing or not supported.
    """
    config = load_config(folder)
    if _is_scalar(folder):
        raise UserError(f"{folder}: is a reward or value model; a policy is asked for here.")
    with torch.device("meta"):
        model = Transformer(config)
    names = {name: stored(name, config.architecture) for name in model.state_dict()}
    tied = (names["embed_tokens.weight"].name, "lm_head.weight") if config.tied else None
    _assign(model, read_weights(folder, names, dtype, device, tied), folder)
    return model


def load_scalar(folder: Path, dtype: torch.dtype, device: torch.device | str = "cpu") -> ScalarModel:
    """The reward or value model in `folder`, with its `score_bias`."""
    config = load_config(folder)
    if not _is_scalar(folder):
        raise UserError(f"{folder}: is not a reward model; train one with `mynah reward`.")
    with torch.device("meta"):
        model = ScalarModel(Transformer(config))
    names = {name: stored(name.removeprefix("backbone."), config.architecture) for name in model.state_dict()}
    _assign(model, read_weights(folder, names, dtype, device), folder)
    bias = read_json(folder / "config.json").get("score_bias", 0.0)
    model.bias = torch.tensor(float(bias), device=device)
    return model


def save_ensemble(heads: EnsembleHeads, folder: Path) -> None:
    """Write `ensemble.safetensors` beside the reward model: weight [M, D] and bias [M]."""
    save_tensors(heads.state_dict(), folder / "ensemble.safetensors")


def load_ensemble(folder: Path, device: torch.device | str = "cpu") -> EnsembleHeads | None:
    """The bootstrap heads in a reward model's folder, if it has any."""
    path = folder / "ensemble.safetensors"
    if not path.exists():
        return None
    with opened(path) as file:
        return EnsembleHeads(file.get_tensor("weight"), file.get_tensor("bias")).to(device)


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
    save_tensors(weights, folder / "adapter_model.safetensors")


def load_config(folder: Path) -> ModelConfig:
    """The shape of the checkpoint in `folder`. Raises UserError on an architecture or option that is not supported."""
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: holds no config.json; name a Hugging Face checkpoint folder.")
    plain = read_json(folder / "config.json")
    if not isinstance(plain, dict):
        raise UserError(f"{folder}: config.json is not a JSON object.")
    return from_hf(plain, folder)


def _is_scalar(folder: Path) -> bool:
    classes = read_json(folder / "config.json").get("architectures") or ()
    return any(str(name).endswith("ForSequenceClassification") for name in classes)


def _assign(model: nn.Module, weights: dict[str, Tensor], folder: Path) -> None:
    for name, weight in model.state_dict().items():
        if name in weights and weights[name].shape != weight.shape:
            have, want = list(weights[name].shape), list(weight.shape)
            raise UserError(f"{folder}: {name} has shape {have}, config.json asks for {want}.")
    model.load_state_dict(weights, assign=True, strict=False)
    for weight in model.parameters():
        weight.requires_grad_(True)
