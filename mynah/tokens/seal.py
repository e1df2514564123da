"""Keeps what a template writes apart from what people write: the first may hold special tokens, the second never."""

from __future__ import annotations

import json
import re
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import tokenizers

from mynah.errors import UserError

PRIVATE_CHARACTERS = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))

ENCODED_AT_ONCE = 4096
"""Texts; the backend's encodings take several times the memory of their ids."""


class Markers:
    """A set of special-token strings, ready to be found in text."""

    def __init__(self, single_word: Mapping[str, bool]) -> None:
        self.texts = tuple(sorted(single_word, key=len, reverse=True))  # longest first, as tokenizers matches
        words = (rf"(?<!\w){re.escape(t)}(?!\w)" if single_word[t] else re.escape(t) for t in self.texts)
        self.pattern = re.compile("|".join(words) or r"(?!)")
        self.heads = {text[:n] for text in self.texts for n in range(1, len(text))}
        self.tails = {text[n:] for text in self.texts for n in range(1, len(text))}
        self._longest = max(map(len, self.texts), default=0)

    def half_at_end(self, text: str) -> int:
        """How many last characters of `text` could open a marker that the next piece of text closes."""
        longest = min(self._longest, len(text))
        return next((n for n in range(longest, 0, -1) if text[-n:] in self.heads), 0)

    def half_at_start(self, text: str) -> int:
        """How many first characters of `text` could close a marker that the piece before opened."""
        longest = min(self._longest, len(text))
        return next((n for n in range(longest, 0, -1) if text[:n] in self.tails), 0)


class Shield:
    """Hides marker strings inside untrusted values behind single private characters while a template runs.

    `values` are all values that the template will see; a stand-in is a character that occurs in none of them.
    """

    def __init__(self, values: Any) -> None:
        self._values = values
        self._stand_ins: dict[str, str] = {}
        self._free: Iterator[str] | None = None

    def cover(self, value: Any, markers: Markers) -> Any:
        """A copy of a JSON value, made of plain types, whose strings (keys too) hold no marker nor half of one."""
        if isinstance(value, str):
            return self._cover_text(value, markers)
        if isinstance(value, Mapping):
            return {self.cover(key, markers): self.cover(entry, markers) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.cover(entry, markers) for entry in value]
        return value

    def uncover(self, text: str) -> str:
        """Put back what was hidden."""
        for hidden, stand_in in self._stand_ins.items():
            text = text.replace(stand_in, hidden)
        return text

    def _cover_text(self, text: str, markers: Markers) -> str:
        text = markers.pattern.sub(lambda found: self._stand_in(found[0]), text)
        # Templates may trim a content and write the next one right after it: halves could meet.
        body = text.rstrip()
        if n := markers.half_at_end(body):
            text = body[:-n] + self._stand_in(body[-n:]) + text[len(body) :]
        body = text.lstrip()
        if n := markers.half_at_start(body):
            text = text[: len(text) - len(body)] + self._stand_in(body[:n]) + body[n:]
        return text

    def _stand_in(self, hidden: str) -> str:
        if hidden not in self._stand_ins:
            if self._free is None:
                taken = set(json.dumps(self._values, ensure_ascii=False, default=dict))
                self._free = (chr(c) for block in PRIVATE_CHARACTERS for c in block if chr(c) not in taken)
            stand_in = next(self._free, None)
            if stand_in is None:
                raise UserError("The conversation uses every private character of Unicode; remove some of them.")
            self._stand_ins[hidden] = stand_in
        return self._stand_ins[hidden]


class SealedTokenizer:
    """A copy of a tokenizer in which each marker has another spelling, one that nobody outside can know.

    Text then never turns into a marker, while `seal` writes those that are meant. All else stays the tokenizer's own
    doing (whitespace that a special token swallows, a first word's prefix), so ids are the same as its own.
    """

    def __init__(self, original: tokenizers.Tokenizer, markers: Markers, where: str) -> None:
        self._where = where
        self._markers = markers
        self._secret = secrets.token_hex(8)
        known = set(markers.texts)
        data = json.loads(original.to_str())
        self.spelling: dict[str, str] = {}
        names: dict[str, str] = {}
        for number, token in enumerate(data["added_tokens"]):
            text = token["content"]
            if text in known:
                self.spelling[text] = token["content"] = f"x{self._secret}n{number}x"
            names[text] = token["content"]
        data.update(post_processor=None, truncation=None, padding=None)
        _respell(data["model"], self.spelling)
        self._copy = tokenizers.Tokenizer.from_str(json.dumps(data))
        # The copy numbers added tokens anew; they are known by their spelling.
        pairs = ((self._copy.token_to_id(new), original.token_to_id(old)) for old, new in names.items())
        self._ids = {copied: own for copied, own in pairs if copied is not None and own is not None and copied != own}
        self._marks = {self._copy.token_to_id(new) for new in self.spelling.values()}

    def seal(self, text: str) -> str:
        """`text` with each marker in it spelled so that it becomes its special token."""
        return self._markers.pattern.sub(lambda found: self.spelling[found[0]], text)

    def encode(self, text: str) -> list[int]:
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        made: list[list[int]] = []
        for start in range(0, len(texts), ENCODED_AT_ONCE):
            some = list(texts[start : start + ENCODED_AT_ONCE])
            found = self._copy.encode_batch_fast(some, add_special_tokens=False)
            made += (self._own_ids(encoding.ids) for encoding in found)
        return made

    def encode_sealed(self, text: str, cuts: Collection[int] = (), inside: bool = False) -> tuple[list[int], list[int]]:
        """Ids of a sealed text and the character where each starts; no token crosses a character index in `cuts`.

        Without cuts these are the ids of the whole. Where a token would cross, both sides are encoded by themselves.
        `inside`: the text continues another one (some tokenizers put a space before the first word of a text).
        """
        ids, spans = self._encode(text, inside)
        starts = [start for start, _ in spans]
        if text.count(self._secret) > sum(token in self._marks for token in ids):
            raise UserError(f"{self._where}: its normaliser changes its special tokens; choose another tokenizer.")
        made, made_starts, taken = list[int](), list[int](), 0  # of the copy's tokens, those before `taken` are made
        ordered = sorted(cuts)
        for cut in ordered:
            at = bisect_left(starts, cut)
            if at <= taken or spans[at - 1][1] <= cut:
                continue
            # Between two special tokens a text is encoded by itself: only there do both sides differ from the whole.
            first, last = at - 1, at
            while first > taken and (ids[first] not in self._marks or first == at - 1):
                first -= 1
            while last < len(ids) and ids[last] not in self._marks:
                last += 1
            begin, end = starts[first] if first else 0, starts[last] if last < len(ids) else len(text)
            left = self.encode_sealed(text[begin:cut], _between(ordered, begin, cut), inside and not first)
            right = self.encode_sealed(text[cut:end], _between(ordered, cut, end), inside=True)
            made += [*self._own_ids(ids[taken:first]), *left[0], *right[0]]
            made_starts += [*starts[taken:first], *(begin + at for at in left[1]), *(cut + at for at in right[1])]
            taken = last
        return made + self._own_ids(ids[taken:]), made_starts + starts[taken:]

    def _encode(self, text: str, inside: bool) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of the copy and where each lies; of a text `inside`, what goes before the first marker gets no prefix."""
        if not inside or self._inside is self._copy:
            whole = _encode_freely(self._copy, text)
            return whole.ids, whole.offsets
        first = text.find(f"x{self._secret}")
        first = first if first >= 0 else len(text)
        head = _encode_freely(self._inside, text[:first])
        tail = _encode_freely(self._copy, text[first:])
        shifted = [(first + start, first + end) for start, end in tail.offsets]
        return head.ids + tail.ids, head.offsets + shifted

    @cached_property
    def _inside(self) -> tokenizers.Tokenizer:
        """The copy for text that continues another: it puts nothing before a text."""
        data = json.loads(self._copy.to_str())
        bare = {**data, **{part: _without_prefix(data[part]) for part in ("normalizer", "pre_tokenizer")}}
        return self._copy if bare == data else tokenizers.Tokenizer.from_str(json.dumps(bare))

    def _own_ids(self, ids: Sequence[int]) -> list[int]:
        return [self._ids.get(token, token) for token in ids] if self._ids else list(ids)


def _between(cuts: Sequence[int], begin: int, end: int) -> list[int]:
    """Those of the sorted `cuts` that lie inside, counted from `begin`."""
    return [cut - begin for cut in cuts[bisect_right(cuts, begin) : bisect_left(cuts, end)]]


def _encode_freely(tokenizer: tokenizers.Tokenizer, text: str) -> tokenizers.Encoding:
    """As a batch of one: only then does the backend let other threads run, and a long text takes seconds."""
    [encoding] = tokenizer.encode_batch([text], add_special_tokens=False)
    return encoding


def _without_prefix(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """A normaliser or pre-tokeniser that does all that `part` does but put a space before the text."""
    if part is None or part["type"] == "Prepend":
        return None
    if part["type"] == "Metaspace":
        return {**part, "prepend_scheme": "never"}
    if part["type"] == "ByteLevel":
        return {**part, "add_prefix_space": False}
    if part["type"] == "Sequence":
        [key] = part.keys() - {"type"}
        return {**part, key: [kept for kept in map(_without_prefix, part[key]) if kept is not None]}
    return part


def _respell(model: dict[str, Any], spelling: Mapping[str, str]) -> None:
    """Many models list special tokens among their pieces; there, too, plain text must not find them."""
    vocab = model["vocab"]
    if isinstance(vocab, dict):  # BPE, WordPiece, WordLevel
        model["vocab"] = {spelling.get(piece, piece): number for piece, number in vocab.items()}
    else:  # Unigram
        model["vocab"] = [[spelling.get(piece, piece), score] for piece, score in vocab]
    if model.get("unk_token") in spelling:
        model["unk_token"] = spelling[model["unk_token"]]
    if "merges" in model:
        pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"])
        model["merges"] = [pair for pair in pairs if "".join(pair) not in spelling]
