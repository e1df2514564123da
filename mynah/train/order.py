"""Which examples make up which update: shuffled anew each epoch, a function of the seed alone."""

from __future__ import annotations

import random


def batches(count: int, size: int, epochs: int, seed: int) -> list[list[int]]:
    """Indices into `count` examples, `size` an update, each epoch in a new order, its rest a smaller batch."""
    plan = []
    for epoch in range(epochs):
        order = list(range(count))
        random.Random(f"{seed}/{epoch}").shuffle(order)
        plan += [order[start : start + size] for start in range(0, count, size)]
    return plan
