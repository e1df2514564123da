"""The seam to the store: what is known of a finished generation, handed over before its client sees the end.

`build_app(…, record=f)` awaits `f(served)` for every generation that took a token from an engine: those that ended, and
those that were cut off (`finish_reason` "cancelled"). Nothing is recorded by default.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mynah.nouns import Completion, SamplingParams


@dataclass(frozen=True)
class Served:
    """The answers to one prompt, with their provenance. Times are seconds since 1970."""

    id: str
    """`chatcmpl-…` or `cmpl-…`, as the client saw it."""
    model: str
    """The name that the client asked for."""
    weights: str
    """`sha256:…` of the weights."""
    tokenizer: str
    """`sha256:…` of tokenizer and chat template."""
    prompt: tuple[int, ...]
    params: SamplingParams
    """Seed included; the seed is drawn where the client names none."""
    sequence: int
    """Choice k is sequence `sequence + k` of the seed: so the engine draws it again."""
    completions: tuple[Completion, ...]
    texts: tuple[str, ...]
    """What was shown, for each completion: without a stop string and what follows it."""
    asked: float
    first_token: float | None
    finished: float


Record = Callable[[Served], Awaitable[None]]


async def forget(served: Served) -> None:
    """Record nothing."""
