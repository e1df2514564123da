"""Rankings as training groups: one prompt, K completions, and for every pair how many labellers preferred which."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mynah.agent.scorer import answered
from mynah.errors import UserError
from mynah.nouns import Comparison, Group
from mynah.tokens import ChatFormat
from mynah.train.order import share


@dataclass(frozen=True)
class RankedGroup:
    """A prompt's completions as one forward pass, and its strict preferences.

    Weights sum to at most 1: each labeller's pairs count 1/C(K,2), labellers share by their weights. Labellers who
    disagree leave both directions with their shares, that is a soft target; they are never merged into one ranking.
    The group as a whole counts as much as its weightiest ranking.
    """

    group: Group
    pairs: tuple[tuple[int, int, float], ...]
    """(better, worse, weight)"""
    heldout: bool


def build(comparisons: Sequence[Comparison], chat: ChatFormat, context: int, heldout: float) -> list[RankedGroup]:
    """Rankings of the same answers to the same prompt become one group; a prompt is wholly held out or not at all.

    A text that is there twice counts once: two answers that read alike were judged once. A ranking of weight 0 is as if
    it were not there.

    Raises:
        UserError: A prompt with an answer is longer than the context, or no preference is left to train on.
    """
    by_content: dict[tuple[str, tuple[str, ...]], list[Comparison]] = {}
    for comparison in (_distinct(comparison) for comparison in comparisons if comparison.weight):
        by_content.setdefault((repr(comparison.prompt.messages), comparison.completions), []).append(comparison)
    groups = [
        RankedGroup(
            answered(chat, same[0].prompt, same[0].completions, context),
            _pairs(same),
            heldout=share(prompt_key(same[0])) < heldout,
        )
        for same in by_content.values()
    ]
    groups = [group for group in groups if group.pairs]  # a ranking in which all tie teaches nothing
    if not any(not group.heldout for group in groups):
        raise UserError(f"of {len(comparisons)} rankings none is left to train on; rank more, or lower reward.heldout.")
    return groups


def _distinct(comparison: Comparison) -> Comparison:
    """Each text where it first stands."""
    texts = comparison.completions
    kept = [i for i, text in enumerate(texts) if texts.index(text) == i]
    if len(kept) == len(texts):
        return comparison
    return replace(
        comparison, completions=tuple(texts[i] for i in kept), ranks=tuple(comparison.ranks[i] for i in kept)
    )


def prompt_key(comparison: Comparison) -> str:
    """What the same prompt has in common wherever it appears, spacing and case aside."""
    said = [(message.role, " ".join(message.content.lower().split())) for message in comparison.prompt.messages]
    return json.dumps(said, ensure_ascii=False)


def _pairs(same: Sequence[Comparison]) -> tuple[tuple[int, int, float], ...]:
    weights: dict[tuple[int, int], float] = {}
    total, largest = sum(comparison.weight for comparison in same), max(comparison.weight for comparison in same)
    for comparison in same:
        count = len(comparison.completions)
        weight = largest * comparison.weight / max(1, count * (count - 1) / 2) / total
        for pair in comparison.pairs():
            weights[pair] = weights.get(pair, 0.0) + weight
    return tuple((better, worse, weight) for (better, worse), weight in weights.items())
