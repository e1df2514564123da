"""The embedded worlds, and which of them a prompt is from."""

from __future__ import annotations

from collections.abc import Sequence

from mynah.nouns import Prompt
from mynah.primer.earth.world import PRIMER
from mynah.primer.mini.world import MINI

WORLDS = {"primer": PRIMER, "mini": MINI}
"""By the word that begins the ids of its prompts; so is its recipe called."""


def world_of(prompts: Sequence[Prompt]) -> str | None:
    """The name in `WORLDS` of the world that all these prompts are from; None if there is no such one."""
    found = {prompt.id.partition("-")[0] if "behaviour" in prompt.meta else "" for prompt in prompts}
    return next((name for name in found if name in WORLDS), None) if len(found) == 1 else None
