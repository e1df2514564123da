"""Which side of the split a prompt is on: near-duplicates share it, and it is decided once and for all."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, select

from mynah.data.splitting import groups_of
from mynah.nouns import Prompt
from mynah.store.database import Database
from mynah.store.datasets import add_group, put_in_group
from mynah.store.evidence import Asked, said_before
from mynah.store.schema import prompt, prompt_group

SHARES = {"test": 0.05, "validation": 0.05}
"""Of the groups of prompts; the others are for training."""
STRICTEST = ("gold", "test", "validation", "train")
"""A prompt that is near to prompts of several sides takes the first of these."""


def settle(db: Database, asked: Iterable[Asked]) -> int:
    """Put every one of these prompts that is in no group into one, and return how many that were.

    A prompt joins the group of its near-duplicates: by its first question or as a whole, as `mynah data` splits.
    Prompts whose words are gone stay outside. Reading takes its time, writing is short.
    """
    new = {row.id: row for row in asked if row.group is None}
    if not new:
        return 0
    with db.reading() as tx:
        settled = _settled(tx)
        texts = _texts(tx, {row.id: row.message for row in new.values()} | {id: row[0] for id, row in settled.items()})
    clusters: defaultdict[int, list[str]] = defaultdict(list)
    for text, number in zip(texts, groups_of(list(texts.values())).tolist(), strict=True):
        clusters[number].append(text)
    with db.writing() as tx:
        for ids in clusters.values():
            waiting = sorted(id for id in ids if id in new)
            if not waiting:
                continue
            near = {settled[id][2]: settled[id][1] for id in ids if id in settled}
            gold = any(new[id].gold for id in waiting)
            put_in_group(tx, waiting, _group(tx, near, gold, min(ids)))
    return sum(id in new for id in texts)


def side(first: str) -> str:
    """The side of a new group, which the id of its first prompt decides: ids are random, so this is a fair draw."""
    drawn = int.from_bytes(hashlib.sha256(f"side {first}".encode()).digest()[:8]) / 2**64
    for name, share in SHARES.items():
        if drawn < share:
            return name
        drawn -= share
    return "train"


def _group(tx: Connection, near: dict[str, str], gold: bool, first: str) -> str:
    """The group to join: of those near the one of the strictest side, or a new one."""
    if gold and "gold" not in near:
        return add_group(tx, "gold")
    for split in STRICTEST:
        if split in near:
            return near[split]
    return add_group(tx, side(first))


def _settled(tx: Connection) -> dict[str, tuple[str, str, str]]:
    """(message, group, side) of every prompt that is in a group."""
    known = select(prompt.c.id, prompt.c.message, prompt.c.prompt_group, prompt_group.c.split)
    return {row.id: (row.message, row.prompt_group, row.split) for row in tx.execute(known.join(prompt_group))}


def _texts(tx: Connection, messages: dict[str, str]) -> dict[str, Prompt]:
    """What was asked, by the prompt's id; without those whose words are gone."""
    read = {id: said_before(tx, message)[0] for id, message in sorted(messages.items())}
    return {id: Prompt(said, id) for id, said in read.items() if said}
