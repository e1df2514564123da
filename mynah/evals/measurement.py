"""What one measurement found: figures with their intervals, what had to be left out, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mynah.evals.intervals import Estimate


@dataclass(frozen=True)
class Measurement:
    """The result of one eval on one file."""

    kind: str
    figures: Mapping[str, Estimate]
    counts: Mapping[str, int] = field(default_factory=dict)
    """What did not enter the figures, by why: too long for the context, not runnable in the sandbox."""
    notes: Mapping[str, str | float] = field(default_factory=dict)
    """Chance level, how a refusal is recognised, and the like."""

    def to_json(self) -> dict[str, Any]:
        figures = {name: figure.to_json("value") for name, figure in self.figures.items()}
        return {"kind": self.kind, "figures": figures, "counts": dict(self.counts), "notes": dict(self.notes)}

    def lines(self) -> list[str]:
        """As a person reads it, one figure a line."""
        found = [
            f"{name}: {figure.value:.4g} [{figure.low:.4g}, {figure.high:.4g}], n = {figure.n:,}"
            for name, figure in self.figures.items()
        ]
        found += [f"{name}: {count:,}" for name, count in self.counts.items() if count]
        return found + [
            f"{name}: {note:.4g}" if isinstance(note, float) else f"{name}: {note}" for name, note in self.notes.items()
        ]
