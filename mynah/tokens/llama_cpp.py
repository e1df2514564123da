"""A tokenizer as llama.cpp knows it: the spelling and kind of each id, merges, the pre-tokenizer by its name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mynah.errors import UserError
from mynah.tokens.folder import read_folder
from mynah.tokens.tokenizer import WORDS, Tokenizer

Kind = Literal["NORMAL", "CONTROL", "USER_DEFINED", "UNUSED"]
GPT2_WORDS = "GPT-2's own pattern"
"""What the ByteLevel step of `tokenizers` splits by, if it splits."""
DIGITS = "single digits"
# llama.cpp has the patterns in its code and knows them by name; the rest of a tokenizer is in the file.
PRE_TOKENIZERS = {
    (WORDS,): "qwen2",
    (WORDS.replace(r"\p{N}|", r"\p{N}{1,3}|", 1),): "llama-bpe",  # Llama 3
    (GPT2_WORDS,): "gpt-2",
    (DIGITS, GPT2_WORDS): "smollm",
}
WHOLE_WORDS = {"llama-bpe"}
"""Those with which a word that is in the vocabulary is taken whole, whatever the merges say."""


@dataclass(frozen=True)
class Vocabulary:
    """What a GGUF file says of a tokenizer."""

    pre_tokenizer: str
    tokens: tuple[str, ...]
    kinds: tuple[Kind, ...]
    merges: tuple[str, ...]
    adds_bos: bool
    special: Mapping[str, int]
    """Ids by the names that llama.cpp gives them: bos, eos, eot, pad."""
    template: str | None


def vocabulary(folder: Path, size: int) -> Vocabulary:
    """The tokenizer in `folder`, filled up to the `size` embeddings of its model.

    Raises UserError when llama.cpp would not split text as this tokenizer does.
    """
    tokenizer, backend = Tokenizer.load(folder), read_folder(folder).backend
    plain = json.loads(backend.to_str())
    by_id = {id_: token for token, id_ in backend.get_vocab(with_added_tokens=True).items()}
    added = {token["id"] for token in plain["added_tokens"]}
    control = set(tokenizer.special.values())

    def kind(id_: int) -> Kind:
        if id_ not in by_id:
            return "UNUSED"
        return "CONTROL" if id_ in control else "USER_DEFINED" if id_ in added else "NORMAL"

    named = {name: backend.token_to_id(token) for name, token in tokenizer.named.items()}
    bos, eos = named.get("bos_token"), named.get("eos_token")
    return Vocabulary(
        pre_tokenizer=_pre_tokenizer(plain, folder),
        tokens=tuple(by_id.get(id_, f"[unused {id_}]") for id_ in range(size)),
        kinds=tuple(map(kind, range(size))),
        merges=tuple(m if isinstance(m, str) else " ".join(m) for m in plain["model"]["merges"]),
        adds_bos=bos is not None and bos in backend.encode("a").ids,
        special={
            "bos": tokenizer.end_of_text if bos is None else bos,
            "eos": tokenizer.end_of_text if eos is None else eos,
            "eot": tokenizer.end_of_turn,
            "pad": tokenizer.pad,
        },
        template=tokenizer.template.source if tokenizer.template else None,
    )


def _pre_tokenizer(plain: Mapping[str, Any], folder: Path) -> str:
    model, normalizer = plain["model"], plain["normalizer"]
    split = tuple(_patterns(plain["pre_tokenizer"] or {"type": "none"}))
    name = PRE_TOKENIZERS.get(split)
    by_bytes = model["type"] == "BPE" and not model.get("byte_fallback")
    same_words = bool(model.get("ignore_merges")) == (name in WHOLE_WORDS)
    # llama.cpp does not normalise: of Qwen's NFC it gives the same tokens for text that is NFC, as nearly all is.
    normalised = normalizer is not None and normalizer["type"] != "NFC"
    if name is None or not by_bytes or not same_words or normalised:
        raise UserError(
            f"{folder / 'tokenizer.json'}: llama.cpp has no byte-level pre-tokenizer that splits text as this one "
            f"does, and would feed the model other tokens; export it as a Hugging Face folder, without --format."
        )
    return name


def _patterns(step: Mapping[str, Any]) -> Iterator[str]:
    """What a pre-tokenizer splits by, in order; a step that llama.cpp has no name for yields its own type."""
    if step["type"] == "Sequence":
        for part in step["pretokenizers"]:
            yield from _patterns(part)
    elif step["type"] == "Split" and (step["behavior"], step["invert"]) == ("Isolated", False):
        yield step["pattern"].get("Regex", "a string")
    elif step["type"] == "Digits" and step["individual_digits"]:
        yield DIGITS
    elif step["type"] == "ByteLevel" and not step["add_prefix_space"]:
        if step["use_regex"]:
            yield GPT2_WORDS
    else:
        yield step["type"]
