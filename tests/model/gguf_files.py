"""Checkpoints for GGUF files: every shape and every way to split words that llama.cpp has a name for."""

import json
from pathlib import Path
from typing import Any

import gguf
import tokenizers
import torch
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

from mynah.model.hub import save_policy
from mynah.model.transformer import Transformer
from mynah.tokens.tokenizer import WORDS
from tests import toys
from tests.model.tiny import tiny_model

TEXTS = [
    "The quick brown fox jumps over the lazy dog's 12345 fences in 1999.",
    "  two  spaces,   three, a\ttab and \u00a0one that does not break ",
    "one\ntwo\n\nthree\r\nfour \n \n  five\n",
    "她说：今天天气很好，我们去公园吧。你好，世界！",
    "naïve café, Ελληνικά, русский, مرحبا, हिन्दी, ٣٤ and Ⅳ",
    "👋🏽 👨‍👩‍👧 🙂🙂 → ≤ ∑",
    "def add(a, b):\n    return a + b  # it's I'M we'LL DON'T\n",
    "<|user|> is no role here, nor <|end|> an end",
    "x",
    " ",
    "",
]
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {"attention_bias": True},
    "llama-untied": {"tied": False},
    "qwen2": {"architecture": "qwen2", "head_width": 12},
    "qwen3": {"architecture": "qwen3", "tied": False},
}


def saved(folder: Path, dtype: torch.dtype = torch.float32, **changes: Any) -> Transformer:
    """A checkpoint of an unsettled model with the toys' tokenizer; some embeddings belong to no token."""
    tokenizer = toys.tokenizer()
    model = tiny_model(dtype=dtype, vocab_size=tokenizer.vocab_size + 6, **changes)
    folder.mkdir()
    save_policy(model, folder, eos=tokenizer.stop_ids, pad=tokenizer.pad)
    tokenizer.save(folder, model.config.context)
    return model


def rewritten(file: Path, **facts: Any) -> Path:
    """The file with other facts, `__` for a dot in their names; None leaves one out. Beside the first."""
    changes = {name.replace("__", "."): value for name, value in facts.items()}
    reader, target = gguf.GGUFReader(file), file.with_name(f"other-{file.name}")
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    plain = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    for name, value in (plain | changes).items():
        if name != "general.architecture" and value is not None:
            writer.add_key_value(name, value, gguf.GGUFValueType.get_type(value))
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def worded(folder: Path, name: str) -> Path:
    """A checkpoint whose tokenizer splits as llama.cpp's pre-tokenizer `name` does."""
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=name in ("gpt-2", "smollm"))
    pattern = WORDS if name == "qwen2" else WORDS.replace(r"\p{N}|", r"\p{N}{1,3}|", 1)
    first = {
        "gpt-2": [],
        "smollm": [pre_tokenizers.Digits(individual_digits=True)],
    }.get(name, [pre_tokenizers.Split(Regex(pattern), behavior="isolated")])
    backend = tokenizers.Tokenizer(models.BPE(ignore_merges=name == "llama-bpe"))
    backend.pre_tokenizer = pre_tokenizers.Sequence([*first, to_bytes])
    backend.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(TEXTS * 3, trainer)
    folder.mkdir()
    model = tiny_model(vocab_size=backend.get_vocab_size())
    save_policy(model, folder, eos=(0,), pad=0)
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
    return folder
