"""Groups of sequences laid end to end as one flat stream: no contamination, and prompts computed once.

`[prompt | c1 | … | cK]` with restarted positions and siblings hidden from each other gives each completion exactly the
hidden states that it has alone behind its prompt, gradients included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, compress

import torch

from mynah.model.send import send
from mynah.nouns import Group, PackedBatch

FILL = 64
"""What training fills its streams up to a multiple of. Every new shape costs a freshly compiled matrix kernel: time,
and memory that is never given back. A few shapes that recur cost nothing."""


def lay_out(groups: Sequence[Group], device: torch.device | str = "cpu", fill: int = 1) -> PackedBatch:
    """The flat stream of `groups` and where its supervised tokens, sequences and their ends lie.

    With `fill`, filler tokens make its length a multiple of that.

    Raises:
        ValueError: A trunk is empty, or its first token is supervised (nothing comes before it to predict it).
    """
    tokens: list[int] = []
    positions: list[int] = []
    sources: list[int] = []
    targets: list[int] = []
    owners: list[int] = []
    ends: list[int] = []
    for group in groups:
        if not group.trunk or group.trunk_mask[0]:
            raise ValueError("a group's trunk needs a first token that is not supervised.")
        start, length = len(tokens), len(group.trunk)
        parts = [(group.trunk, group.trunk_mask), *zip(group.branches, group.branch_masks, strict=True)]
        for branch, (part, mask) in enumerate(parts):
            offset = len(tokens)
            before = start + length - 1 if branch else offset - 1  # what precedes the part's first token
            sources += compress(chain((before,), range(offset, offset + len(part) - 1)), mask)
            targets += compress(part, mask)
            owners += [len(ends)] * sum(mask)
            tokens += part
            positions += range(length, length + len(part)) if branch else range(length)
            if branch or not group.branches:
                ends.append(len(tokens) - 1 if part else before)
    filler = [0] * (-len(tokens) % fill)
    return PackedBatch(
        tokens=send(tokens + filler, device),
        positions=send(positions + filler, device),
        segments=tuple((len(group.trunk), *map(len, group.branches)) for group in groups),
        sources=send(sources, device),
        targets=send(targets, device),
        owners=send(owners, device),
        ends=send(ends, device),
    )


def partition(groups: Sequence[Group], budget: int) -> list[list[int]]:
    """Indices into `groups`, in microbatches whose keys in attention are at most `budget`, all as long as the longest.

    Neighbours in length go together, so that little is padded; one that is longer than the budget goes alone.
    """
    batches: list[list[int]] = []
    lengths = [group.apart for group in groups]
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[index] <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def microbatches(groups: Sequence[Group], budget: int, device: torch.device) -> Iterator[PackedBatch]:
    """`groups`, partitioned and laid out one microbatch at a time."""
    for indices in partition(groups, budget):
        yield lay_out([groups[i] for i in indices], device, FILL)
