"""Turns tokens into text while they arrive, never showing half a character."""

from __future__ import annotations

from mynah.tokens.tokenizer import Tokenizer


class Detokenizer:
    """Feed ids to `add`, then call `finish`; the pieces joined are `tokenizer.decode` of all the ids."""

    def __init__(self, tokenizer: Tokenizer, keep_special: bool = False) -> None:
        self._tokenizer = tokenizer
        self._keep_special = keep_special
        self._shown: list[int] = []  # the ids of the last piece: some decoders treat a first token otherwise
        self._waiting: list[int] = []

    def add(self, token: int) -> str:
        """The text that `token` completed; empty while a character's bytes are still coming."""
        if not self._keep_special and self._tokenizer.is_special(token):
            return ""
        self._waiting.append(token)
        text = self._new_text()
        # An unfinished character decodes to U+FFFD at the end. A real one waits for the next token too, harmlessly.
        if not text or text.endswith("\ufffd"):
            return ""
        self._shown, self._waiting = self._waiting, []
        return text

    def finish(self) -> str:
        """What is left when no more tokens come: bytes that never became a character show as U+FFFD."""
        text = self._new_text()
        self._shown, self._waiting = [], []
        return text

    def _new_text(self) -> str:
        before = self._tokenizer.decode(self._shown, keep_special=True)
        return self._tokenizer.decode(self._shown + self._waiting, keep_special=True)[len(before) :]
