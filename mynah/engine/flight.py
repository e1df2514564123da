"""What every step asks of the rows in flight, side by side in arrays: none is asked again at each of its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mynah.engine.scheduler import Row
from mynah.engine.siblings import Kin, siblings

TOKEN, POSITION, SEED, SEQUENCE = range(4)


class Flight:
    """At most `rows` of them, in the order of `Scheduler.running`; the arrays lie on the CPU.

    What is given out are views of them, good until rows enter, leave or draw.
    """

    def __init__(self, rows: int) -> None:
        self.count = 0
        self._numbers = np.zeros((4, rows), dtype=np.int64)
        self._temperatures = np.ones(rows, dtype=np.float32)
        self._kin: Kin | None = None
        self._kin_known = False

    def enter(self, rows: Sequence[Row]) -> None:
        """These come behind all others; each draws its next token behind the last one that was read of it."""
        place = slice(self.count, self.count + len(rows))
        self._numbers[TOKEN, place] = [(row.tokens or row.request.prompt)[-1] for row in rows]
        self._numbers[POSITION, place] = [row.length - 1 for row in rows]
        self._numbers[SEED, place] = [row.request.params.seed for row in rows]
        self._numbers[SEQUENCE, place] = [row.request.first_sequence + row.sample for row in rows]
        self._temperatures[place] = [row.request.params.temperature for row in rows]
        self.count, self._kin_known = place.stop, False

    def leave(self, index: int) -> None:
        """One is gone; the last one takes its place."""
        self.count -= 1
        self._numbers[:, index] = self._numbers[:, self.count]
        self._temperatures[index] = self._temperatures[self.count]
        self._kin_known = False

    def drew(self, tokens: Sequence[int], first: int = 0, steps: int = 1) -> None:
        """The newest tokens of the rows from `first` on, each of which has drawn `steps`."""
        place = slice(first, first + len(tokens))
        self._numbers[TOKEN, place] = tokens
        self._numbers[POSITION, place] += steps

    @property
    def newest(self) -> tuple[Tensor, Tensor]:
        """Each row's newest token [R] and the position [R] where the next step puts it."""
        tokens, positions = (self._numbers[of, : self.count] for of in (TOKEN, POSITION))
        return torch.from_numpy(tokens), torch.from_numpy(positions)

    @property
    def inputs(self) -> tuple[Tensor, Tensor]:
        """Newest tokens, their positions, seeds and sequences [4, R]; and temperatures [R]."""
        return torch.from_numpy(self._numbers[:, : self.count]), torch.from_numpy(self._temperatures[: self.count])

    def counters(self, first: int = 0) -> tuple[Tensor, Tensor]:
        """Seeds, sequences and positions [3, B] of the draws of the rows from `first` on; and temperatures [B]."""
        of = slice(first, self.count)
        seeds, sequences, positions = (self._numbers[what, of] for what in (SEED, SEQUENCE, POSITION))
        counters = np.stack((seeds, sequences, positions + 1))
        return torch.from_numpy(counters), torch.from_numpy(self._temperatures[of])

    def kin(self, rows: Sequence[Row]) -> Kin | None:
        """Who has a prompt in common; `rows` are those in flight."""
        if not self._kin_known:
            self._kin, self._kin_known = siblings(rows), True
        return self._kin
