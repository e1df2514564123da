"""Raw text as training groups: every document begins and ends with the end-of-text token, and stands alone."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mynah.errors import UserError
from mynah.nouns import Group
from mynah.tokens import Tokenizer
from mynah.train.order import share


class Documents:
    """Many tokenised pieces, four bytes a token; a piece becomes a Group when it is asked for."""

    def __init__(self) -> None:
        self.tokens = array("i")
        self._ends = array("q", [0])

    def add(self, pieces: Iterable[Sequence[int]]) -> None:
        for piece in pieces:
            self.tokens.extend(piece)
            self._ends.append(len(self.tokens))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[Group]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Group:
        if not 0 <= index < len(self):
            raise IndexError(index)
        piece = tuple(self.tokens[self._ends[index] : self._ends[index + 1]])
        return Group(piece, (False,) + (True,) * (len(piece) - 1))


@dataclass(frozen=True)
class Corpus:
    """Documents cut to the context, part of them held out."""

    train: Documents
    heldout: Documents
    heldout_bytes: int
    """UTF-8 bytes of the held-out text, for bits per byte."""


def build(texts: Sequence[str], tokenizer: Tokenizer, context: int, heldout: float) -> Corpus:
    """Tokenise `texts`; a document is held out by the hash of its text, so that copies stay on one side.

    Raises:
        UserError: Nothing is left to train on.
    """
    train, held = Documents(), Documents()
    held_bytes = 0
    for text, ids in zip(texts, tokenizer.encode_many(texts), strict=True):
        if share(text) < heldout:
            held.add(pieces(ids, tokenizer.end_of_text, context))
            held_bytes += len(text.encode("utf-8", "replace"))
        else:
            train.add(pieces(ids, tokenizer.end_of_text, context))
    if not train and heldout < 1:
        raise UserError(
            f"the corpus has {len(texts)} documents, all held out; give more text, or lower pretrain.heldout."
        )
    return Corpus(train, held, held_bytes)


def pieces(ids: Sequence[int], end_of_text: int, context: int) -> list[tuple[int, ...]]:
    """One document as pieces of at most `context` tokens; a long one goes on where the last piece ended."""
    stream = (end_of_text, *ids, end_of_text)
    starts = range(0, len(stream) - 1, context - 1)  # neighbours share a token, so that each is predicted once
    return [stream[start : start + context] for start in starts]
