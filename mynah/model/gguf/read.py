"""A GGUF file as a Hugging Face folder: shape, tokenizer, chat template; quantised weights become float16."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mynah.errors import UserError
from mynah.model.gguf.families import FAMILIES, ROPE_FREQS, Family, in_halves, names_of, package, stretching, their_name
from mynah.model.hub import save_policy
from mynah.model.sizes import ModelConfig, RopeScaling
from mynah.model.transformer import Transformer
from mynah.tokens.llama_cpp import Kind, Vocabulary, restore

STRETCHED = RopeScaling("llama3", factor=1.0, original_context=8192, low_freq_factor=1.0, high_freq_factor=4.0)
"""The one stretching that a file is understood by: Llama 3.1's and 3.2's, which differ in the factor."""
KINDS: dict[int, Kind] = {1: "NORMAL", 2: "NORMAL", 3: "CONTROL", 4: "USER_DEFINED", 5: "UNUSED"}
"""Of tokens, by llama.cpp's numbers."""
MARKERS = (3, 4)
"""Kinds that no text is made of."""
SPECIAL = {"bos": "bos", "eos": "eos", "eot": "eot", "eom": "eom", "unknown": "unk", "padding": "pad"}
"""llama.cpp's names of tokens, and those of a Vocabulary."""


@dataclass(frozen=True)
class File:
    """An opened file."""

    path: Path
    facts: Mapping[str, Any]
    tensors: Mapping[str, Any]
    gguf: Any

    def fact(self, name: str, default: Any = None) -> Any:
        """What the file says, `name` without its architecture in front."""
        return self.facts.get(f"{self.facts.get('general.architecture')}.{name}", default)

    def needed(self, name: str) -> Any:
        value = self.fact(name, self.facts.get(name))
        if value is None:
            raise UserError(f"{self.path}: says nothing of {name!r}; fetch the file again.")
        return value


def read_gguf(path: Path, folder: Path) -> None:
    """Write the checkpoint in the file `path` into `folder`, as Hugging Face has it.

    All weights get the number format of the matrices, if all of them are float32 or bfloat16; else float16, which holds
    what quantised blocks stand for to one part in two thousand.

    Raises:
        UserError: The file is broken or one of several, the package `gguf` is missing, or the model or its tokenizer is
            of a kind that mynah would compute otherwise.
    """
    file = _opened(path)
    family = FAMILIES.get(str(file.facts.get("general.architecture")))
    _refuse(file, family)
    assert family is not None
    try:
        config, words = _config(file), _vocabulary(file)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise UserError(f"{path}: describes no model that mynah knows: {error}") from None
    dtype = _dtype(file)
    with torch.device("meta"):
        model = Transformer(config)
    table = names_of(file.gguf, family, config.layers)
    weights = {
        name: _weight(file, their_name(table, name), name, config, family).to(dtype) for name in model.state_dict()
    }
    for name, weight in model.state_dict().items():
        if weights[name].shape != weight.shape:
            have, want = list(weights[name].shape), list(weight.shape)
            raise UserError(f"{path}: {name} has shape {have}, where the file's facts ask for {want}; fetch it again.")
    model.load_state_dict(weights, assign=True)
    try:
        restore(words, folder)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    save_policy(model, folder, eos=words.stops, pad=words.special.get("pad", words.stops[0]))


def _opened(path: Path) -> File:
    gguf = package("reading a GGUF file")
    if not path.is_file():
        raise UserError(f"{path}: no such file.")
    try:
        reader = gguf.GGUFReader(path)
        facts = {name: field.contents() for name, field in reader.fields.items()}
        return File(path, facts, {tensor.name: tensor for tensor in reader.tensors}, gguf)
    except (ValueError, IndexError, KeyError, OSError) as error:
        if "GGMLQuantizationType" in str(error):
            raise UserError(
                f"{path}: has weights in a number format that the installed gguf does not know ({error}); bring it up "
                f"to date with `pip install -U gguf`, or fetch the model in Q8_0, Q4_K_M or another common format."
            ) from None
        raise UserError(f"{path}: is not a whole GGUF file ({error}); fetch it again.") from None


def _refuse(file: File, family: Family | None) -> None:
    """UserError for the first thing that would be computed wrongly."""
    architecture, parts = file.facts.get("general.architecture"), int(file.facts.get("split.count", 1))
    tokenizer = file.facts.get("tokenizer.ggml.model")
    stretched = file.fact("rope.scaling.type", "none" if _unstretched(file) else "linear")
    unsupported = {
        f"is one of {parts} parts; join them with `llama-gguf-split --merge`": parts > 1,
        f"holds a model of the kind {architecture!r}; those that load are {', '.join(FAMILIES)}": family is None,
        "holds a mixture of experts, which is not supported": bool(file.fact("expert_count")),
        f"has a tokenizer of the kind {tokenizer!r}, not byte-level BPE; import the checkpoint that the file was made "
        f"from, as a Hugging Face folder": tokenizer != "gpt2",
        f"asks for RoPE scaling {stretched!r}; import the checkpoint that the file was made from, as a Hugging Face "
        f"folder": stretched != "none",
        "rotates a part of each head, which is not supported": _head_width(file)
        != file.fact("rope.dimension_count", _head_width(file)),
    }
    for feature, present in unsupported.items():
        if present:
            raise UserError(f"{file.path}: {feature}.")


def _unstretched(file: File) -> bool:
    """Whether a file that names no kind of scaling has none: llama.cpp takes a bare factor for linear."""
    return all(file.fact(name, 1.0) in (0.0, 1.0) for name in ("rope.scaling.factor", "rope.scale_linear"))


def _head_width(file: File) -> int:
    whole = file.fact("embedding_length", 0) // max(1, file.fact("attention.head_count", 1))
    return int(file.fact("attention.key_length", whole))


def _config(file: File) -> ModelConfig:
    heads = int(file.needed("attention.head_count"))
    architecture = file.facts["general.architecture"]
    config = ModelConfig(
        vocab_size=len(file.needed("tokenizer.ggml.tokens")),
        width=int(file.needed("embedding_length")),
        layers=int(file.needed("block_count")),
        heads=heads,
        kv_heads=int(file.fact("attention.head_count_kv", heads)),
        head_width=_head_width(file),
        ff_width=int(file.needed("feed_forward_length")),
        context=int(file.needed("context_length")),
        architecture=architecture,
        rope_theta=_short(file.fact("rope.freq_base", 10_000.0)),
        norm_eps=_short(file.needed("attention.layer_norm_rms_epsilon")),
        tied="output.weight" not in file.tensors,
        attention_bias="blk.0.attn_q.bias" in file.tensors and architecture != "qwen2",
    )
    return config if ROPE_FREQS not in file.tensors else replace(config, rope_scaling=_stretched(file, config))


def _short(value: float) -> float:
    """The shortest decimal that is this fp32 number: 1e-05, not 9.999999747378752e-06."""
    return float(str(np.float32(value)))


def _stretched(file: File, config: ModelConfig) -> RopeScaling:
    """The scaling whose factors the file holds, each of them compared."""
    factors = torch.from_numpy(np.array(file.tensors[ROPE_FREQS].data, dtype=np.float32))
    scaling = replace(STRETCHED, factor=float(factors.max()))
    expected = stretching(replace(config, rope_scaling=scaling))
    if expected.shape != factors.shape or not torch.allclose(expected, factors, rtol=1e-4):
        raise UserError(
            f"{file.path}: stretches RoPE in a way of its own ({ROPE_FREQS}); import the checkpoint that the file was "
            f"made from, as a Hugging Face folder."
        )
    return scaling


def _vocabulary(file: File) -> Vocabulary:
    facts = file.facts
    tokens = tuple(file.needed("tokenizer.ggml.tokens"))
    kinds = facts.get("tokenizer.ggml.token_type", [1] * len(tokens))
    if len(kinds) != len(tokens):
        raise UserError(f"{file.path}: has {len(tokens)} tokens and the kinds of {len(kinds)}; fetch it again.")
    special = {ours: facts.get(f"tokenizer.ggml.{theirs}_token_id") for theirs, ours in SPECIAL.items()}
    # Converters copy ids from config.json unseen: a token that text is made of is not special for that.
    there = {name: id_ for name, id_ in special.items() if isinstance(id_, int) and 0 <= id_ < len(tokens)}
    found = {name: id_ for name, id_ in there.items() if kinds[id_] in MARKERS}
    if "eos" not in found:
        raise UserError(f"{file.path}: does not say which token ends a text; fetch the file again.")
    split = str(facts.get("tokenizer.ggml.pre", "default"))
    return Vocabulary(
        pre_tokenizer=split,
        tokens=tokens,
        kinds=tuple(KINDS.get(kind, "NORMAL") for kind in kinds),
        merges=tuple(file.needed("tokenizer.ggml.merges")),
        adds_bos=bool(facts.get("tokenizer.ggml.add_bos_token", split == "llama-bpe")) and "bos" in found,
        special=found,
        template=facts.get("tokenizer.chat_template"),
        tool_template=facts.get("tokenizer.chat_template.tool_use"),
    )


def _dtype(file: File) -> torch.dtype:
    """What the matrices are to be stored in."""
    kinds = {tensor.tensor_type.name for tensor in file.tensors.values() if len(tensor.shape) > 1}
    if kinds == {"F32"}:
        return torch.float32
    return torch.bfloat16 if kinds == {"BF16"} else torch.float16


def _weight(file: File, theirs: str, ours: str, config: ModelConfig, family: Family) -> Tensor:
    """One weight in fp32, in our order."""
    tensor = file.tensors.get(theirs)
    if tensor is None:
        raise UserError(f"{file.path}: lacks the weight {theirs}; fetch the file again.")
    try:
        values = file.gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    except NotImplementedError:
        raise UserError(
            f"{file.path}: its weights are in {tensor.tensor_type.name}, which the package gguf cannot read; fetch the "
            f"model in Q8_0, Q4_K_M or another common format."
        ) from None
    weight = torch.from_numpy(np.require(values, np.float32, ["C", "W"]))  # a copy of what is mapped
    return in_halves(weight, ours, config) if family.pairs else weight
