"""What an answer must look like, token by token: JSON, calls of tools, biases and penalties (engine.Guide)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mynah.agent.grammar import Grammar, Walk


@dataclass(frozen=True)
class Form:
    """What every sample of a request must look like."""

    size: int
    """The model's number of logits."""
    ends: tuple[int, ...]
    """Ids that end an answer."""
    text: Grammar | None = None
    """Of all that is no call; None leaves it free."""
    call: Grammar | None = None
    """Of what stands between `markers`; None: there are no calls."""
    markers: tuple[int, int] = (-1, -1)
    must_call: bool = False
    """The answer is calls and nothing else."""
    parallel: bool = True
    """More than one call is fine."""
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0

    @property
    def steers(self) -> list[str]:
        """What keeps an answer from being the model's own; nothing: no guide is needed."""
        penalties = self.presence_penalty or self.frequency_penalty
        found = {"text": self.text, "calls": self.call, "bias": self.logit_bias, "penalties": penalties}
        return [name for name, there in found.items() if there]

    def begin(self) -> FormGuide:
        return FormGuide(self)


class FormGuide:
    """Leads one sample. Once a grammar has begun, only what it permits can follow, up to the end that it needs."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.lost = False
        """The grammar had no way on (it was too intricate), and the answer was ended where it was."""
        self._text = form.text.begin() if form.text else None
        self._call: Walk | None = None
        self._said = self._calls = 0
        self._penalised = bool(form.presence_penalty or form.frequency_penalty)
        self._counts = torch.zeros(form.size) if self._penalised else None
        self._bias = None
        if form.logit_bias:
            ids, values = torch.tensor(list(form.logit_bias)), torch.tensor(list(form.logit_bias.values()))
            self._bias = torch.zeros(form.size).index_add(0, ids, values)

    def bias(self) -> Tensor | None:
        possible, total = self._possible(), self._bias
        if self._counts is not None:
            form = self.form
            taken = self._counts * form.frequency_penalty + (self._counts > 0) * form.presence_penalty
            total = -taken if total is None else total - taken
        if possible is None:
            return total
        if not possible.any():
            self.lost = True
            possible[list(self.form.ends)] = True
        base = torch.zeros(self.form.size) if total is None else total
        return base.masked_fill(~possible, float("-inf"))

    def advance(self, token: int) -> None:
        self._said += 1
        if self._counts is not None:
            self._counts[token] += 1
        if self._call:
            if token == self.form.markers[1]:
                self._call, self._calls = None, self._calls + 1
            else:
                self._call.advance(token)
        elif self.form.call and token == self.form.markers[0]:
            self._call = self.form.call.begin()
        elif self._text and token not in self.form.ends:
            self._text.advance(token)

    def _possible(self) -> Tensor | None:
        """Which ids may come, bool [V]; None: all."""
        form = self.form
        if self._call:
            possible = self._call.possible()
            possible[form.markers[1]] = self._call.complete
            return possible
        more = form.call is not None and (form.parallel or not self._calls)
        if form.must_call or (self._calls and (self._text or not more)):
            possible = torch.zeros(form.size, dtype=torch.bool)
            possible[list(form.ends)] = self._calls > 0
        elif self._text:
            possible = self._text.possible()
            possible[list(form.ends)] = self._text.complete
            more = more and not self._said
        else:
            return None
        if more:
            possible[form.markers[0]] = True
        return possible
