"""A policy as one GGUF file for llama.cpp: shape, tokenizer, chat template, and weights in a format of choice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mynah.errors import UserError
from mynah.files import read_json, write_atomic
from mynah.model.gguf.families import FAMILIES, ROPE_FREQS, Family, in_pairs, names_of, package, stretching, their_name
from mynah.model.hub import load_policy
from mynah.model.sizes import ModelConfig
from mynah.tokens.llama_cpp import Vocabulary, vocabulary

if TYPE_CHECKING:
    import gguf


FORMATS = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "q8_0": "Q8_0"}
"""What --dtype calls them, and what GGUF does."""
BLOCK = 32
"""Weights that share a scale in Q8_0."""


def write_gguf(folder: Path, target: Path, dtype: str, name: str) -> None:
    """Write the policy in `folder` as the file `target`.

    Args:
        dtype: Of the matrices, one of FORMATS; empty for the checkpoint's own. Vectors are fp32, as llama.cpp wants.
        name: What the file calls the model.

    Raises:
        UserError: No such dtype, the package `gguf` is missing, or llama.cpp does not know the model or tokenizer.
    """
    dtype = dtype or read_json(folder / "config.json").get("torch_dtype", "float32")
    if dtype not in FORMATS:
        raise UserError(f"dtype {dtype!r}: no format of a GGUF file; use {', '.join(FORMATS)}.")
    model = load_policy(folder, torch.float32)
    config = model.config
    family = _family(config, folder)
    words = vocabulary(folder, config.vocab_size)
    gguf = package("--format gguf")
    kind = gguf.GGMLQuantizationType[FORMATS[dtype]]

    def write(path: Path) -> None:
        writer = gguf.GGUFWriter(path, family.name)
        writer.add_name(name)
        writer.add_file_type(gguf.LlamaFileType["ALL_F32" if kind.name == "F32" else f"MOSTLY_{kind.name}"])
        _add_shape(writer, config)
        _add_vocabulary(writer, words, gguf.TokenType)
        table = names_of(gguf, family, config.layers)
        if config.rope_scaling and config.rope_scaling.kind == "llama3":
            _add_weight(writer, ROPE_FREQS, stretching(config), kind, gguf)
        for ours, weight in model.state_dict().items():
            ordered = in_pairs(weight, ours, config) if family.pairs else weight
            _add_weight(writer, their_name(table, ours), ordered, kind, gguf)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    write_atomic(target, write)


def _family(config: ModelConfig, folder: Path) -> Family:
    family = FAMILIES.get(config.architecture)
    if family is None:
        raise UserError(f"{folder}: {config.architecture} cannot be exported to GGUF; {', '.join(FAMILIES)} can.")
    limits = {
        "heads that are together as wide as the model": family.filled
        and config.heads * config.head_width != config.width,
        "no bias on the attention's output": config.output_bias and not family.biased,
        f"plain RoPE{' or Llama 3' if family.stretched else ''}": config.rope_scaling is not None
        and config.rope_scaling.kind not in ("dynamic", "llama3" if family.stretched else ""),
    }
    for limit, passed in limits.items():
        if passed:
            raise UserError(f"{folder}: llama.cpp computes {config.architecture} only with {limit}.")
    return family


def _add_shape(writer: gguf.GGUFWriter, config: ModelConfig) -> None:
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ff_width)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_key_length(config.head_width)
    writer.add_value_length(config.head_width)
    writer.add_rope_dimension_count(config.head_width)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.norm_eps)


def _add_vocabulary(writer: gguf.GGUFWriter, words: Vocabulary, types: Any) -> None:
    writer.add_tokenizer_model("gpt2")  # byte-level BPE
    writer.add_tokenizer_pre(words.pre_tokenizer)
    writer.add_token_list(words.tokens)
    writer.add_token_types([types[kind] for kind in words.kinds])
    writer.add_token_merges(words.merges)
    writer.add_bos_token_id(words.special["bos"])
    writer.add_eos_token_id(words.special["eos"])
    writer.add_eot_token_id(words.special["eot"])
    writer.add_pad_token_id(words.special["pad"])
    writer.add_add_bos_token(words.adds_bos)
    if words.templates is not None:
        writer.add_chat_template(words.templates)


def _add_weight(writer: gguf.GGUFWriter, name: str, weight: Tensor, kind: Any, gguf: Any) -> None:
    values = np.ascontiguousarray(weight.numpy())
    if weight.ndim == 1:
        kind = gguf.GGMLQuantizationType.F32
    elif kind.name == "Q8_0" and weight.shape[-1] % BLOCK:
        kind = gguf.GGMLQuantizationType.F16
    writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
