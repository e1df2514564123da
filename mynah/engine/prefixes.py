"""Keys and values that finished requests leave behind: a conversation's next turn reads only what is new in it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

LEAST = 32
"""Tokens; a shorter beginning is as quickly read again."""


@dataclass(frozen=True)
class Past:
    """Keys and values, per layer [length, KV, W], of a sequence's first `length` tokens."""

    length: int
    keys: list[Tensor]
    values: list[Tensor]

    def first(self, length: int) -> Past:
        return Past(length, [x[:length] for x in self.keys], [x[:length] for x in self.values])


class Prefixes:
    """Up to `room` tokens of them, those used longest ago going first.

    A reader finds only what the same reader left: how fast an answer begins must not tell what others talk about.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self._kept: OrderedDict[tuple[str, tuple[int, ...]], Past] = OrderedDict()

    def find(self, reader: str, prompt: tuple[int, ...]) -> Past | None:
        """The longest known beginning of `prompt`, at most all but its last token; None if none is worth it."""
        best, length = None, LEAST - 1
        for key in self._kept:
            if key[0] == reader and (common := _common(key[1], prompt[:-1])) > length:
                best, length = key, common
        if best is None:
            return None
        self._kept.move_to_end(best)
        return self._kept[best].first(length)

    def keep(self, reader: str, tokens: Sequence[int], past: Past) -> None:
        """Remember it in place of what it continues."""
        whole = tuple(tokens)
        if not LEAST <= len(whole) <= self.room:
            return
        for key in [key for key in self._kept if key[0] == reader and key[1] == whole[: len(key[1])]]:
            del self._kept[key]
        self._kept[reader, whole] = past
        while sum(kept.length for kept in self._kept.values()) > self.room:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        self._kept.clear()


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low
