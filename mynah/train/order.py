"""Which examples are held out, and which make up which update: functions of content and seed alone."""

from __future__ import annotations

import hashlib
import random


def share(content: str) -> float:
    """A number in [0, 1) that hashes `content`; what lies below a threshold is held out, copies on the same side."""
    return int.from_bytes(hashlib.sha256(content.encode("utf-8", "replace")).digest()[:4], "big") / 2**32


def batches(count: int, size: int, epochs: int, seed: int) -> list[list[int]]:
    """Indices into `count` examples, `size` an update, each epoch in a new order, its rest a smaller batch."""
    plan = []
    for epoch in range(epochs):
        order = list(range(count))
        random.Random(f"{seed}/{epoch}").shuffle(order)
        plan += [order[start : start + size] for start in range(0, count, size)]
    return plan
