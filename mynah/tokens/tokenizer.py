"""The tokenizer: trained here or read from any Hugging Face folder, with every special token it has."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, processors, trainers

from mynah.errors import UserError
from mynah.files import write_json, write_text
from mynah.tokens.folder import TokenizerFolder, named_tokens, read_folder
from mynah.tokens.seal import Markers, SealedTokenizer
from mynah.tokens.template import CHAT_TEMPLATE, ChatTemplate

END_OF_TEXT, PAD, END_OF_TURN = "<|endoftext|>", "<|pad|>", "<|end|>"
SPECIAL_TOKENS: tuple[str, ...] = (
    END_OF_TEXT,  # ends a document in pretraining
    PAD,
    END_OF_TURN,
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|tool|>",
    "<tool_call>",
    "</tool_call>",
    *(f"<|reserved_{number}|>" for number in range(8)),
)
# Qwen2's pattern: a word with the space before it, single digits, punctuation, line ends. Converters to other
# runtimes know it by heart.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# What others call the token that ends a document, and the one that fills.
ENDS_OF_TEXT = (END_OF_TEXT, "<|end_of_text|>", "<｜end▁of▁sentence｜>", "</s>", "<eos>")
PADS = (PAD, "<|finetune_right_pad_id|>", "<pad>", "[PAD]")
PROBE = "mynah-probe"


class Tokenizer:
    """Text to ids and back. Make one with `train` or `load`."""

    def __init__(self, folder: TokenizerFolder, where: str) -> None:
        self.where = where
        """Where it came from, for messages."""
        self._backend = folder.backend
        self._config = folder.config
        self._declared_stops = folder.stop_ids
        self.named: Mapping[str, str] = MappingProxyType(named_tokens(folder.config))
        """`eos_token` and the like, as templates see them."""
        added = self._backend.get_added_tokens_decoder().values()
        names = set(self.named.values())
        special = [token for token in added if token.special or token.content in names]
        self.special: Mapping[str, int] = MappingProxyType({t.content: self._id(t.content) for t in special})
        """Every special token and its id."""
        self._skipped = {self._id(token.content) for token in added if token.special}
        source = folder.templates.get("default")
        if source is None and set(SPECIAL_TOKENS[:9]) <= set(self.special):
            source = CHAT_TEMPLATE
        self.template = ChatTemplate(source, self.named, where) if source is not None else None
        """None when the folder has no chat template and ours does not fit its tokens."""
        source = folder.templates.get("tool_use")
        self.tool_template = ChatTemplate(source, self.named, where) if self.template and source else self.template
        """For conversations with tools; most have one template for both."""
        literals = "\n".join(t.literals() for t in (self.template, self.tool_template) if t)
        marks = {token.content: token.single_word for token in special}
        self.special_markers = Markers(marks)
        # Qwen's <tool_response> is no special token to `tokenizers`, yet its template writes it as a control token.
        # A word that someone added to the vocabulary is not one.
        marks |= {t.content: t.single_word for t in added if _is_marker(t.content) and t.content in literals}
        self.markers = Markers(marks)
        """All token strings by which a template gives structure: `special_markers` and others that it writes."""
        self.sealed = SealedTokenizer(self._backend, self.markers, where)

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> Tokenizer:
        """Byte-level BPE with our special tokens first and all 256 bytes; the same texts give the same tokenizer.

        The vocabulary is smaller than `vocab_size` when the texts hold too few pairs to merge.
        Raises UserError when `vocab_size` leaves no room for the special tokens and the bytes.
        """
        least = len(SPECIAL_TOKENS) + 256
        if vocab_size < least:
            raise UserError(f"vocab_size {vocab_size}: too small; it takes {least} for special tokens and bytes.")
        backend = tokenizers.Tokenizer(models.BPE())
        split = pre_tokenizers.Split(Regex(WORDS), behavior="isolated")
        to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        backend.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
        backend.decoder = decoders.ByteLevel()
        backend.post_processor = processors.ByteLevel(trim_offsets=False)
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        backend.train_from_iterator(map(whole_text, texts), trainer)
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": None,
            "eos_token": END_OF_TURN,
            "pad_token": PAD,
            "clean_up_tokenization_spaces": False,
        }
        return cls(TokenizerFolder(backend, config, {"default": CHAT_TEMPLATE}), "the trained tokenizer")

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read any Hugging Face folder with a tokenizer.json (or that file, with its neighbours).

        Raises UserError for a missing or broken file.
        """
        return cls(read_folder(Path(path)), str(path))

    def save(self, folder: Path, model_max_length: int | None = None) -> None:
        """Write `tokenizer.json` and `tokenizer_config.json`, which transformers loads with identical ids.

        What another's configuration said is kept. `stop_ids` belong into the model's generation_config.json.
        """
        config = {"tokenizer_class": "PreTrainedTokenizerFast", **self._config}
        if self.template is not None:
            config["chat_template"] = self.template.source
        if self.template and self.tool_template and self.tool_template is not self.template:
            named = {"default": self.template.source, "tool_use": self.tool_template.source}
            config["chat_template"] = [{"name": name, "template": source} for name, source in named.items()]
        if model_max_length is not None:
            config["model_max_length"] = model_max_length
        write_text(folder / "tokenizer.json", self._backend.to_str(pretty=True))
        write_json(folder / "tokenizer_config.json", config)
        # Older files in the folder would win over what was just written.
        for name in ("chat_template.jinja", "special_tokens_map.json", "added_tokens.json"):
            (folder / name).unlink(missing_ok=True)
        for path in (folder / "additional_chat_templates").glob("*.jinja"):
            path.unlink()

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: a special token's string in it becomes ordinary tokens. No token is added."""
        return self.sealed.encode(whole_text(text))

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of each text, on all cores."""
        return self.sealed.encode_many([whole_text(text) for text in texts])

    def decode(self, ids: Sequence[int], keep_special: bool = False) -> str:
        """Text of ids; bytes that are no UTF-8 become U+FFFD. Special tokens vanish unless `keep_special`."""
        return self._backend.decode(list(ids), skip_special_tokens=not keep_special)

    def is_special(self, token: int) -> bool:
        """Whether `decode` leaves the token out."""
        return token in self._skipped

    @cached_property
    def vocab_size(self) -> int:
        """The number of embeddings a model needs for it: the largest id + 1."""
        return max(self._backend.get_vocab(with_added_tokens=True).values()) + 1

    @cached_property
    def end_of_text(self) -> int:
        """Ends a document in pretraining."""
        known = next((name for name in ENDS_OF_TEXT if name in self.special), self.named.get("eos_token"))
        if known is None:
            raise UserError(f"{self.where}: names no token that ends a text; add eos_token to tokenizer_config.json.")
        return self._id(known)

    @cached_property
    def end_of_turn(self) -> int:
        """The last token that an assistant generates in a turn: the first special one after an answer in a chat."""
        if self.template is not None:
            talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": PROBE}]
            try:
                _, seen, after = self.template.render(talk).rpartition(PROBE)
                found = self.markers.pattern.search(after) if seen else None
            except UserError:  # a template for something else than plain talk
                found = None
            if found:
                return self._id(found[0])
        return self._id(self.named["eos_token"]) if "eos_token" in self.named else self.end_of_text

    @cached_property
    def pad(self) -> int:
        """Fills rows of unequal length. It is the end of text in the rare tokenizers that have nothing else."""
        known = self.named.get("pad_token") or next((name for name in PADS if name in self.special), None)
        return self._id(known) if known else self.end_of_text

    @cached_property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end an assistant's turn: end of turn, end of text, and what the model's own files name.

        Role markers are not among them: a model that opens another's turn shows a fault that must stay visible.
        """
        eos = [self._id(self.named["eos_token"])] if "eos_token" in self.named else []
        return tuple(dict.fromkeys([self.end_of_turn, self.end_of_text, *eos, *self._declared_stops]))

    @cached_property
    def sha256(self) -> str:
        """`sha256:…` of all that decides which ids a text or a conversation gets."""
        facts = [self._backend.to_str(), self.template.source if self.template else None, dict(self.named)]
        if self.tool_template and self.tool_template is not self.template:
            facts.append(self.tool_template.source)
        return "sha256:" + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def token(self, id_: int) -> str:
        """How the vocabulary spells an id: a special token's string, or bytes in the tokenizer's own alphabet."""
        return self._backend.id_to_token(id_) or ""

    def marker(self, text: str) -> int | None:
        """The id of a token by which the template gives structure, as `<tool_call>`; None if there is no such."""
        return self._id(text) if text in self.markers.texts else None

    def token_bytes(self, id_: int) -> bytes:
        """The UTF-8 that a token stands for, also where it is less than a character. Bytes add up to the text's."""
        spelled = self.token(id_)
        text = self.decode([id_, id_], keep_special=True)[len(self.decode([id_], keep_special=True)) :]
        if "\ufffd" not in text:  # twice, since some decoders drop the space before a first word
            return text.encode()
        if re.fullmatch(r"<0x[0-9A-F]{2}>", spelled):
            return bytes([int(spelled[3:5], 16)])
        alphabet = _byte_alphabet()
        return bytes(alphabet[c] for c in spelled) if alphabet.keys() >= set(spelled) else text.encode()

    def _id(self, token: str) -> int:
        found = self._backend.token_to_id(token)
        assert found is not None, token
        return found


def check_fits(tokenizer: Tokenizer, vocab_size: int) -> None:
    """Raises UserError when the tokenizer has ids that a model with `vocab_size` embeddings does not know."""
    if tokenizer.vocab_size > vocab_size:
        raise UserError(
            f"{tokenizer.where}: a tokenizer that does not fit: it has {tokenizer.vocab_size} ids and the model "
            f"{vocab_size}; use the tokenizer that the model was trained with."
        )


def whole_text(text: str) -> str:
    """`text` with lone surrogates, which JSON can smuggle in and UTF-8 cannot hold, made U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_marker(token: str) -> bool:
    return not token.isspace() and not token[0].isalnum()


@cache
def _byte_alphabet() -> dict[str, int]:
    """Byte-level BPE spells each byte as one printable character: the byte's own, or the next free one from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
