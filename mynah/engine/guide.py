"""What may steer one sample from outside: a grammar, a bias, a penalty. The engine sees ids and numbers only."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Guide(Protocol):
    """Steers one sample; a function of that sample's tokens alone, so that batch-mates stay without influence.

    Neither method may raise: a step belongs to all rows. `bias` must leave at least one token possible.
    """

    def bias(self) -> Tensor | None:
        """What is added to the next logits, [V] in fp32; −∞ forbids. None: they stay as they are."""

    def advance(self, token: int) -> None:
        """`token` was drawn."""
