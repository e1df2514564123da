"""Groups of texts that say nearly the same: MinHash of character shingles, banded (Broder 1997; Leskovec et al. ch. 3).

Two texts are near-duplicates if their sets of 5-character pieces A, B have a Jaccard similarity |A∩B| / |A∪B| of 0.8 or
more. It is estimated by 128 hashes (standard deviation 0.035 there), and texts are joined from an estimate of 0.65 on,
so that a near-duplicate is missed once in 50,000. Case, spacing and punctuation do not count. What is near to the same
text is one group.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from mynah.progress import Progress

SHINGLE = 5
HASHES = 128
BAND = 4
"""Hashes that must agree, in one of the 32 bands, for two texts to be compared; at 0.8 some band does."""
THRESHOLD = 0.65
LONGEST = 10_000
"""Characters of a text that are compared."""
NEIGHBOURS = 64
"""Texts of equal bands that each text is compared with at most; chains of neighbours join larger groups."""
LARGE = 10_000
"""Texts from which on the work is long enough to show its progress."""

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint32]


_MARKS = "".join(chr(code) for code in range(0x300, 0x20000) if unicodedata.category(chr(code)).startswith("M"))
MARKS = rf"(?![\0-\u02ff])[{_MARKS}]+"
"""Signs that belong to the letter before them, such as the vowels of Indic scripts; `\\w` has none of them.

Most words end before a blank or a stop: the look ahead passes those by, ten times as fast as the class does.
"""
_WORD = re.compile(rf"\w+(?:{MARKS}\w*)*")


def normalise(text: str) -> str:
    """Case, punctuation and spacing taken out, and characters of equal meaning made one."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def signature(text: str) -> Hashes:
    """The smallest hash of the normalised text's shingles, under each of the hash functions: [HASHES]."""
    codes = np.frombuffer((text or " ")[:LONGEST].encode("utf-32-le", "replace"), dtype=np.uint32)
    shingles = codes[: max(1, len(codes) - SHINGLE + 1)].copy()
    for place in range(1, min(SHINGLE, len(codes))):
        shingles *= np.uint32(0x01000193)
        shingles ^= codes[place : place + len(shingles)]
    return np.asarray(_mix(np.unique(shingles)[None, :] ^ _SALTS[:, None]).min(axis=1), dtype=np.uint32)


def near_duplicates(texts: Sequence[str]) -> Ints:
    """A group number for every normalised text; equal numbers are near-duplicates, directly or by way of others."""
    if not texts:
        return np.zeros(0, dtype=np.int64)
    signatures = np.empty((len(texts), HASHES), dtype=np.uint32)
    with Progress("near-duplicates", len(texts), "texts") if len(texts) > LARGE else nullcontext() as progress:
        for number, text in enumerate(texts):
            signatures[number] = signature(text)
            if progress:
                progress.advance()
    groups = np.arange(len(texts))
    for start in range(0, HASHES, BAND):
        band = _combined(signatures[:, start : start + BAND])
        order = np.argsort(band, kind="stable")
        band = band[order]
        for distance in range(1, NEIGHBOURS + 1):
            first = np.flatnonzero(band[distance:] == band[:-distance])
            if not len(first):
                break
            pairs = np.stack([order[first], order[first + distance]], axis=1)
            pairs = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
            alike = (signatures[pairs[:, 0]] == signatures[pairs[:, 1]]).mean(axis=1) >= THRESHOLD
            groups = join(groups, pairs[alike])
    return groups


def join(groups: Ints, pairs: Ints) -> Ints:
    """The groups after the two of each pair are made one; a group's number is its least member."""
    parent = groups.copy()

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    for one, other in pairs.tolist():
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    while not np.array_equal(parent, parent[parent]):
        parent = parent[parent]
    return parent


def _combined(columns: Hashes) -> NDArray[np.uint64]:
    """One number for the hashes of a band."""
    combined = np.zeros(len(columns), dtype=np.uint64)
    for column in columns.T:
        combined = combined * np.uint64(0x9E3779B97F4A7C15) + column
    return combined


def _mix(values: Hashes) -> Hashes:
    """A bijection of 32-bit numbers that scatters them: the finaliser of MurmurHash3."""
    values ^= values >> np.uint32(16)
    values *= np.uint32(0x85EBCA6B)
    values ^= values >> np.uint32(13)
    values *= np.uint32(0xC2B2AE35)
    values ^= values >> np.uint32(16)
    return values


_SALTS = _mix(np.arange(1, HASHES + 1, dtype=np.uint32) * np.uint32(0x9E3779B9))
