"""A tokenizer as llama.cpp knows it, and back: spelling and kind of each id, merges, the pre-tokenizer by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, processors

from mynah.errors import UserError
from mynah.files import write_json, write_text
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
ENDS = ("eot", "eom")
"""Special tokens that Hugging Face has no name for."""


@dataclass(frozen=True)
class Vocabulary:
    """What a GGUF file says of a tokenizer."""

    pre_tokenizer: str
    tokens: tuple[str, ...]
    kinds: tuple[Kind, ...]
    merges: tuple[str, ...]
    adds_bos: bool
    special: Mapping[str, int]
    """Ids: bos, eos, unk and pad, and what else ends an answer (eot a turn, eom a message)."""
    template: str | None
    tool_template: str | None = None
    """For conversations with tools, if that is another."""

    @property
    def templates(self) -> str | list[dict[str, str]] | None:
        """As tokenizer_config.json has them: the one, or two by name."""
        if self.template is None or self.tool_template is None:
            return self.template
        named = {"default": self.template, "tool_use": self.tool_template}
        return [{"name": name, "template": source} for name, source in named.items()]

    @property
    def stops(self) -> tuple[int, ...]:
        """What ends an answer, as far as the file says."""
        return tuple(dict.fromkeys(self.special[name] for name in ("eos", *ENDS) if name in self.special))


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
        tool_template=tools.source if (tools := tokenizer.tool_template) is not tokenizer.template and tools else None,
    )


def restore(words: Vocabulary, folder: Path) -> None:
    """Write the tokenizer into `folder` as tokenizer.json and tokenizer_config.json.

    Raises:
        UserError: A pre-tokenizer that is not one of PRE_TOKENIZERS, or tokens and merges that do not go together.
    """
    split = {name: patterns for patterns, name in PRE_TOKENIZERS.items()}.get(words.pre_tokenizer)
    if split is None:
        known = ", ".join(sorted(PRE_TOKENIZERS.values()))
        raise UserError(
            f"its tokenizer splits text as llama.cpp's {words.pre_tokenizer!r} does, which mynah does not know "
            f"({known}); import the checkpoint that it was made from, as a Hugging Face folder."
        )
    ids = {token: id_ for id_, token in enumerate(words.tokens) if words.kinds[id_] != "UNUSED"}
    merges = [(first, second) for first, _, second in (merge.partition(" ") for merge in words.merges)]
    whole = words.pre_tokenizer in WHOLE_WORDS
    try:
        backend = tokenizers.Tokenizer(models.BPE(vocab=ids, merges=merges, ignore_merges=whole))
    except Exception as error:  # tokenizers raises bare Exceptions
        raise UserError(f"its tokens and merges do not go together ({error}); fetch the file again.") from None
    backend.pre_tokenizer = pre_tokenizers.Sequence([*map(_step, split[:-1]), *_last_steps(split[-1])])
    backend.decoder = decoders.ByteLevel()
    kinds = zip(words.tokens, words.kinds, strict=True)
    special = {"CONTROL": True, "USER_DEFINED": False}
    backend.add_tokens([AddedToken(t, special=special[kind], normalized=False) for t, kind in kinds if kind in special])
    named = {f"{name}_token": words.tokens[id_] for name, id_ in words.special.items() if name not in ENDS}
    if words.adds_bos:
        bos = named["bos_token"]
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, words.special["bos"])]
        )
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **named}
    write_text(folder / "tokenizer.json", backend.to_str(pretty=True))
    write_json(folder / "tokenizer_config.json", config | {"chat_template": words.templates})


def _step(pattern: str) -> pre_tokenizers.PreTokenizer:
    if pattern == DIGITS:
        return pre_tokenizers.Digits(individual_digits=True)
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


def _last_steps(pattern: str) -> list[pre_tokenizers.PreTokenizer]:
    """The last split and the step to bytes, which are one where GPT-2's pattern is the last."""
    if pattern == GPT2_WORDS:
        return [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    return [_step(pattern), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]


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
