"""Raw text as training groups: every document begins and ends with the end-of-text token, and stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mynah.errors import UserError
from mynah.nouns import Group
from mynah.tokens import Tokenizer
from mynah.train.order import share


@dataclass(frozen=True)
class Corpus:
    """Documents cut to the context, part of them held out."""

    train: list[Group]
    heldout: list[Group]
    heldout_bytes: int
    """UTF-8 bytes of the held-out text, for bits per byte."""


def build(texts: Sequence[str], tokenizer: Tokenizer, context: int, heldout: float) -> Corpus:
    """Tokenise `texts`; a document is held out by the hash of its text, so that copies stay on one side.

    Raises:
        UserError: Nothing is left to train on.
    """
    train: list[Group] = []
    held: list[Group] = []
    held_bytes = 0
    for text, ids in zip(texts, tokenizer.encode_many(texts), strict=True):
        if share(text) < heldout:
            held += pieces(ids, tokenizer.end_of_text, context)
            held_bytes += len(text.encode("utf-8", "replace"))
        else:
            train += pieces(ids, tokenizer.end_of_text, context)
    if not train and heldout < 1:
        raise UserError(
            f"the corpus has {len(texts)} documents, all held out; give more text, or lower pretrain.heldout."
        )
    return Corpus(train, held, held_bytes)


def pieces(ids: Sequence[int], end_of_text: int, context: int) -> list[Group]:
    """One document as groups of at most `context` tokens; a long one goes on where the last piece ended."""
    stream = (end_of_text, *ids, end_of_text)
    starts = range(0, len(stream) - 1, context - 1)  # neighbours share a token, so that each is predicted once
    parts = [stream[start : start + context] for start in starts]
    return [Group(part, (False,) + (True,) * (len(part) - 1)) for part in parts]
