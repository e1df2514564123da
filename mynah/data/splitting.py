"""Train, held-out and test rows, so that what is asked in one is not asked, nearly or wholly, in another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from mynah.data.near_duplicates import Ints, join, near_duplicates, normalise
from mynah.data.rows import Row, prompt_of
from mynah.errors import UserError

Side = Literal["train", "heldout", "test"]
Grouping = Literal["first-turn", "prompt"]


def groups_of(rows: Sequence[Row], grouping: Grouping = "first-turn") -> Ints:
    """A group number for every row.

    Rows whose whole prompts are near-duplicates are one group; with `first-turn`, so are those whose first user turns
    are, since one conversation often comes as several rows of different length. System messages do not count.
    """
    texts: dict[str, int] = {}
    keys = [[texts.setdefault(text, len(texts)) for text in _keys(row, grouping)] for row in rows]
    groups = near_duplicates(list(texts))
    both = np.array([pair for pair in keys if len(pair) == 2], dtype=np.int64).reshape(-1, 2)
    groups = join(groups, groups[both])
    return np.array([groups[numbers[0]] for numbers in keys], dtype=np.int64)


def split(rows: Sequence[Row], groups: Ints, shares: Mapping[Side, float], seed: int = 0) -> list[Side]:
    """A side for every row: groups in an order that seed and content decide fill each share; the rest is for training.

    Raises:
        UserError: The shares leave nothing to train on, or no group is small enough for one of them.
    """
    if min(shares.values()) < 0 or sum(shares.values()) >= 1:
        raise UserError("--heldout and --test are shares of the rows, such as 0.1; together they must stay below 1.")
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(row)
    sides: list[Side] = ["train"] * len(rows)
    waiting = sorted(members.values(), key=lambda group: _order(seed, min(_text(rows[row]) for row in group)))
    for side, share in shares.items():
        room, later = round(share * len(rows)), []
        for group in waiting:
            if len(group) > room:
                later.append(group)
                continue
            room -= len(group)
            for row in group:
                sides[row] = side
        waiting = later
        if share and side not in sides:
            raise UserError(
                f"{share:.0%} of {len(rows)} rows is less than the smallest of the {len(members)} groups of prompts "
                f"that must stay together; give more data, a larger share, or --group prompt."
            )
    if not waiting:
        raise UserError(f"of {len(rows)} rows none is left to train on; lower --heldout or --test.")
    return sides


def _keys(row: Row, grouping: Grouping) -> list[str]:
    """The normalised whole prompt, and the first user turn with it; the document itself if it is raw text."""
    if isinstance(row, str):
        return [normalise(row)]
    said = [message for message in prompt_of(row) if message.role != "system"]
    keys = [normalise(" ".join(message.content for message in said))]
    if grouping == "first-turn":
        keys += [normalise(message.content) for message in said if message.role == "user"][:1]
    return keys


def _text(row: Row) -> str:
    return _keys(row, "prompt")[0]


def _order(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{text}".encode()).digest()
