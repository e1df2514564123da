"""The dialogues that training is measured on: Anthropic's hh-rlhf from a folder, or made-up ones as long."""

from __future__ import annotations

import gzip
import json
import random
from bisect import bisect
from itertools import accumulate
from pathlib import Path

from mynah.data import hh_rlhf
from mynah.errors import UserError
from mynah.nouns import Comparison, Message, Prompt

COUNT = 1024
"""Pairs that are read or made."""

# Deciles from the least to the most, measured on harmless-base's test split.
TURNS = (1, 1, 1, 3, 3, 3, 5, 5, 7, 7, 9)
USER_WORDS = (1, 4, 6, 7, 9, 10, 12, 14, 17, 23, 60)
ANSWER_WORDS = (1, 6, 10, 13, 17, 22, 28, 37, 50, 72, 200)
SYLLABLES = "an be co da el fi go hu in jo ka le mi no or pa qui re so tu un ve wa xi yo zen".split()


def dialogues(folder: Path | None) -> tuple[list[Comparison], str]:
    """COUNT pairs of dialogues, and what to call them.

    Args:
        folder: Holds hh-rlhf's .jsonl or .jsonl.gz files, at any depth; without one the dialogues are made up.

    Raises:
        UserError: The folder holds none.
    """
    if folder is None:
        return made_up(COUNT), "made-up dialogues of hh-rlhf's lengths"
    paths = sorted(path for path in folder.rglob("*.jsonl*") if path.suffix in {".jsonl", ".gz"})
    harmless = [path for path in paths if "harmless" in path.name]
    pairs: list[Comparison] = []
    for path in harmless or paths:
        pairs += _read(path)
    if len(pairs) < COUNT:
        raise UserError(f"{folder}: holds {len(pairs)} pairs of hh-rlhf, {COUNT} are needed; name its folder, or none.")
    return pairs[:COUNT], f"hh-rlhf ({(harmless or paths)[0].name})"


def made_up(count: int) -> list[Comparison]:
    """Pairs of nonsense; turns and words as many as in hh-rlhf, words as often as in a language (Zipf)."""
    rng = random.Random(0)
    words = ["".join(rng.choices(SYLLABLES, k=rng.choice((1, 1, 2, 2, 3, 4)))) for _ in range(20_000)]
    weights = list(accumulate(1 / (rank + 3) for rank in range(len(words))))

    def text(lengths: tuple[int, ...]) -> str:
        count = _draw(rng, lengths)
        return " ".join(words[bisect(weights, rng.random() * weights[-1])] for _ in range(count)).capitalize() + "."

    pairs = []
    for _ in range(count):
        turns = _draw(rng, TURNS) | 1
        messages = tuple(
            Message("assistant", text(ANSWER_WORDS)) if turn % 2 else Message("user", text(USER_WORDS))
            for turn in range(turns)
        )
        pairs.append(Comparison(Prompt(messages), (text(ANSWER_WORDS), text(ANSWER_WORDS)), (1, 2)))
    return pairs


def _read(path: Path) -> list[Comparison]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    records = [json.loads(line) for line in text.split("\n") if line.strip()]
    return [
        pair
        for record in records
        if isinstance(record, dict) and hh_rlhf.recognise(record) and record["chosen"] != record["rejected"]
        for pair in hh_rlhf.parse(record)
        if isinstance(pair, Comparison) and all(pair.completions)
    ]


def _draw(rng: random.Random, deciles: tuple[int, ...]) -> int:
    """A number whose deciles are these, even between two of them."""
    place = rng.random() * (len(deciles) - 1)
    low, high = deciles[int(place)], deciles[int(place) + 1]
    return round(low + (high - low) * (place % 1))
