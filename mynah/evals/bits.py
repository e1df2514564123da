"""Bits per byte of text from outside, with an interval over its documents."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mynah.evals.intervals import bootstrap_ratio
from mynah.evals.measurement import Measurement
from mynah.evals.respondent import loglikelihoods
from mynah.model.transformer import Transformer
from mynah.nouns import Group


def bits_per_byte(model: Transformer, documents: Sequence[Sequence[Group]], sizes: Sequence[int]) -> Measurement:
    """−Σ log₂ p over all documents, each given in pieces, over the UTF-8 bytes that they are."""
    pieces = [piece for document in documents for piece in document]
    sums = iter(loglikelihoods(model, pieces, "bits per byte", "pieces"))
    bits = [sum(-next(sums)[0] for _ in document) / math.log(2) for document in documents]
    return Measurement("bits_per_byte", {"bits_per_byte": bootstrap_ratio(bits, sizes)}, {"bytes": sum(sizes)})
