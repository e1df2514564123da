"""One answer's tokens as text that may be shown: whole characters, no beginning of a stop string, tool calls apart."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mynah.engine import Token
from mynah.tokens import Detokenizer, Tokenizer
from mynah.tokens.tokenizer import whole_text

CALL, CALL_END = "<tool_call>", "</tool_call>"


@dataclass(frozen=True)
class ToolCall:
    """A call that the model wrote between its markers; `arguments` is JSON."""

    id: str
    name: str
    arguments: str

    def to_json(self) -> dict[str, Any]:
        """In OpenAI's form."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


@dataclass(frozen=True)
class Piece:
    """What came to one choice: text, the tokens whose text is now shown to its end, calls, and the end."""

    choice: int
    text: str = ""
    tokens: tuple[Token, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None

    def __bool__(self) -> bool:
        return bool(self.text or self.tokens or self.calls or self.finish_reason)


class Writer:
    """Feed tokens to `add` until `finished`.

    A token belongs to the piece in which the last of its text is shown; one that lies behind a stop string's begin is
    never shown. With `tools`, what stands between the markers of a call is a call; the markers count only as tokens of
    their own, so that text which looks like them calls nothing.
    """

    def __init__(self, tokenizer: Tokenizer, choice: int, stops: Sequence[str] = (), tools: bool = False) -> None:
        self.choice, self.stops, self._tokenizer = choice, stops, tokenizer
        self.tokens: list[Token] = []
        """All that was generated up to the end, the end of turn included."""
        self.text = ""
        """All that was shown, and with it"""
        self.shown: list[Token] = []
        self.calls: list[ToolCall] = []
        self.finish_reason: str | None = None
        self._detokenizer = Detokenizer(tokenizer)
        self._held = ""  # text that may be the beginning of a stop string
        self._waiting: list[tuple[Token, int]] = []  # tokens not shown, and where in the held text they end
        self._markers = (tokenizer.marker(CALL), tokenizer.marker(CALL_END)) if tools else (None, None)
        self._call: list[int] | None = None  # ids of a call that is being written

    @property
    def finished(self) -> bool:
        return self.finish_reason is not None

    def add(self, token: Token) -> Piece:
        """What `token` makes ready to be shown."""
        self.tokens.append(token)
        ended = token.finish_reason == "stop"  # its last token is the end of turn, no text
        calls: tuple[ToolCall, ...] = ()
        new = ""
        if self._call is not None and not ended:
            if token.id == self._markers[1]:
                new, calls = self._close()
            else:
                self._call.append(token.id)
        elif token.id == self._markers[0] and not ended:
            new, self._call = self._detokenizer.finish(), []
        elif not ended:
            new = self._detokenizer.add(token.id)
        if token.finish_reason:
            new += self._detokenizer.finish() + self._unclosed()
        self._held += new
        self._waiting.append((token, len(self._held)))
        piece = replace(self._show(token), calls=calls)
        self.calls += calls
        if piece.finish_reason == "stop" and self.calls:
            piece = replace(piece, finish_reason="tool_calls")
        self.text += piece.text
        self.shown += piece.tokens
        self.finish_reason = piece.finish_reason
        return piece

    def _show(self, token: Token) -> Piece:
        found = [at for stop in self.stops if (at := self._held.find(stop)) >= 0]
        if found:
            cut, starts = min(found), [0, *(end for _, end in self._waiting)]
            shown = tuple(t for (t, _), start in zip(self._waiting, starts, strict=False) if start < cut)
            return Piece(self.choice, self._held[:cut], shown, finish_reason="stop")
        keep = 0 if token.finish_reason else max((_half(self._held, stop) for stop in self.stops), default=0)
        cut = len(self._held) - keep
        text, self._held = self._held[:cut], self._held[cut:]
        shown = tuple(t for t, end in self._waiting if end <= cut)
        self._waiting = [(t, end - cut) for t, end in self._waiting if end > cut]
        return Piece(self.choice, text, shown, finish_reason=token.finish_reason)

    def _close(self) -> tuple[str, tuple[ToolCall, ...]]:
        """The call that ends here; as text, if it is no call."""
        text, self._call = self._tokenizer.decode(self._call or []), None
        try:
            call = json.loads(text)
            name, arguments = call["name"], call.get("arguments", {})
        except (ValueError, TypeError, KeyError, RecursionError):
            return CALL + text + CALL_END, ()
        if not isinstance(name, str):
            return CALL + text + CALL_END, ()
        written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        return "", (ToolCall(f"call_{secrets.token_hex(12)}", whole_text(name), whole_text(written)),)

    def _unclosed(self) -> str:
        """A call that the answer's end cut off, as text."""
        ids, self._call = self._call, None
        return "" if ids is None else CALL + self._tokenizer.decode(ids)


def _half(text: str, stop: str) -> int:
    """How many last characters of `text` could begin `stop`."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
