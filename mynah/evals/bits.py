"""Bits per byte of text from outside, with an interval over its documents."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mynah.evals.intervals import SAME, Estimate, bootstrap_ratio
from mynah.evals.measurement import Measurement
from mynah.evals.respondent import loglikelihoods
from mynah.model.transformer import Transformer
from mynah.nouns import Group


def bits_per_byte(model: Transformer, documents: Sequence[Sequence[Group]], sizes: Sequence[int]) -> Measurement:
    """−Σ log₂ p over all documents, each given in pieces, over the UTF-8 bytes that they are.

    One document tells nothing of others: the interval goes from 0 to the 8 bits that a byte takes without a model, or
    to twice the figure if that is more.
    """
    pieces = [piece for document in documents for piece in document]
    sums = iter(loglikelihoods(model, pieces, "bits per byte", "pieces"))
    bits = [sum(-next(sums)[0] for _ in document) / math.log(2) for document in documents]
    found = bootstrap_ratio(bits, sizes)
    if found.high - found.low <= SAME:
        found = Estimate(found.value, 0.0, max(8.0, 2 * found.value), found.n)
    return Measurement("bits_per_byte", {"bits_per_byte": found}, {"bytes": sum(sizes)})
