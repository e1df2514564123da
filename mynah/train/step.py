"""One update for all steps: accumulate gradients, clip, refuse what is not finite, move the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from mynah.errors import UserError
from mynah.nouns import UpdateStats
from mynah.train.optim import MasterOptimiser, OptimSettings

Model = TypeVar("Model", bound=nn.Module)


class Diverged(UserError):
    """Loss or gradient was not finite; the weights are those from before the bad update."""


class Learner(Generic[Model]):
    """A model with the optimiser that trains it. `update` is the whole of it; PPO uses its parts one by one."""

    def __init__(self, model: Model, settings: OptimSettings, total_steps: int) -> None:
        self.model, self.settings = model, settings
        self.optimiser = MasterOptimiser(model, settings, total_steps)
        self.step = 0

    def update(self, losses: Iterable[Tensor]) -> UpdateStats:
        """One optimiser step on the sum of `losses`, one scalar a microbatch, each freed before the next is computed.

        The losses must already be divided by what the whole batch counts, so that microbatches are only a matter
        of memory.
        """
        total = self.backward(losses)
        return self.apply(total, self.clip())

    def backward(self, losses: Iterable[Tensor]) -> float:
        """Accumulate gradients; returns the summed loss."""
        found: list[Tensor] = []
        for loss in losses:
            loss.backward()
            self.optimiser.collect()
            found.append(loss.detach())
        return sum(torch.stack(found).tolist()) if found else 0.0  # read once: a GPU is waited for here

    def clip(self) -> float:
        """Scale the accumulated gradients down to the largest norm allowed; returns their norm before that."""
        gradients = [master.grad for master in self.optimiser.masters if master.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self.settings.clip and norm > self.settings.clip:
            torch._foreach_mul_(gradients, self.settings.clip / norm)
        return float(norm)

    def take_gradients(self) -> list[Tensor | None]:
        """Hand over the accumulated gradients and start from nothing, so that another loss can be measured apart."""
        gradients = [master.grad for master in self.optimiser.masters]
        for master in self.optimiser.masters:
            master.grad = None
        return gradients

    def add_gradients(self, gradients: Iterable[Tensor | None]) -> None:
        for master, gradient in zip(self.optimiser.masters, gradients, strict=True):
            if gradient is not None:
                master.grad = gradient if master.grad is None else master.grad.add_(gradient)

    def apply(self, loss: float, grad_norm: float) -> UpdateStats:
        """Move the weights. Raises Diverged, the weights untouched, if loss or gradient is not finite."""
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            self.take_gradients()
            raise Diverged(
                f"update {self.step + 1}: the loss became {loss:g} (gradient norm {grad_norm:g}); the last good "
                f"checkpoint is kept. Try a lower learning_rate, a longer warmup, or dtype=float32."
            )
        changed = self.optimiser.step(self.step)
        self.step += 1
        return UpdateStats(loss, grad_norm, self.optimiser.learning_rate, changed)

    def state(self) -> dict[str, Any]:
        return {"step": self.step, "optimiser": self.optimiser.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        self.step = state["step"]
        self.optimiser.load(state["optimiser"])
