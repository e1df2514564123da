"""What an embedded world offers: text to read, demonstrations, prompts by split, and functions that judge answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mynah.nouns import Demonstration, Prompt


@dataclass(frozen=True)
class World:
    """Everything is a function of a seed. Rater, marker and judge share no code."""

    name: str
    about: str
    """What a model of this world knows, as the end of a sentence."""
    corpus: Callable[[int], list[str]]
    demonstrations: Callable[[int], list[Demonstration]]
    prompts: Callable[[int, str], list[Prompt]]
    """Splits `ranking`, `ppo`, `dev`, `exam`, and `exam-long` where a world has one."""
    rate: Callable[[Prompt, str], float]
    """Hidden quality that the simulated labellers perceive."""
    mark: Callable[[Prompt, str], bool]
    """The exam's marker."""
    gold: Callable[[Prompt, str], float]
    """The judge's worth of an answer, 0 … 1."""
    judge: Callable[[Prompt, str, str], float]
    """1 if the first answer is better, 0 if the second, 0.5 for a tie."""
    starters: Callable[[int], list[str]]
    """What a visitor may ask first."""
    items: Callable[[Prompt, str], dict[str, float]] | None = None
    """The judge's verdict item by item (correctness, intent, …), 0 … 1 each."""
    excerpt: Callable[[int], list[str]] | None = None
    """A part of the corpus that is quickly told, for steps that mix in raw text; without it, they take the corpus."""
    base: Path | None = None
    """The folder of a base model pretrained on the corpus of seed 0, where one is shipped."""
