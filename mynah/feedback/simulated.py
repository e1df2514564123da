"""Simulated labellers: noisy copies of a rater, who agree with each other about as often as people do.

Their evidence is marked `simulated` wherever it goes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from mynah.nouns import Comparison, Prompt, Samples

Rater = Callable[[Prompt, str], float]
SAME = 0.25
"""Answers whose perceived qualities are closer than this are ranked equal."""


def label(samples: Sequence[Samples], rate: Rater, noise: float, labellers: int, seed: int) -> list[Comparison]:
    """Each prompt's answers ranked by one of `labellers`, chosen at random.

    Args:
        rate: The hidden quality of an answer.
        noise: Standard deviation of what a labeller perceives around it, on the rater's scale.
    """
    rng = random.Random(seed)
    return [_rank(row, rate, noise, f"simulated-{rng.randrange(labellers)}", rng) for row in samples]


def agreement(samples: Sequence[Samples], rate: Rater, noise: float, seed: int) -> tuple[float, int]:
    """How often two labellers prefer the same answer, over pairs on which neither has a tie: (share, pairs).

    A reward model's accuracy is held against it; who judged without noise would agree with one labeller more often.
    """
    rng = random.Random(f"{seed}/agreement")
    same = count = 0
    for row in samples:
        one, other = (_rank(row, rate, noise, "", rng) for _ in range(2))
        theirs = set(other.pairs())
        for better, worse in one.pairs():
            if (better, worse) in theirs or (worse, better) in theirs:
                count += 1
                same += (better, worse) in theirs
    return same / max(1, count), count


def _rank(row: Samples, rate: Rater, noise: float, labeller: str, rng: random.Random) -> Comparison:
    """Rank by perceived quality; each tie group spans at most SAME below its best answer. The same text always ties."""
    perceived = {text: rate(row.prompt, text) + rng.gauss(0.0, noise) for text in sorted(set(row.completions))}
    ranks: dict[str, int] = {}
    rank, top = 0, float("inf")
    for text in sorted(perceived, key=lambda text: -perceived[text]):
        if perceived[text] < top - SAME:
            rank, top = len(ranks) + 1, perceived[text]
        ranks[text] = rank
    return Comparison(row.prompt, row.completions, tuple(ranks[t] for t in row.completions), labeller, "simulated")
