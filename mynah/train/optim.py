"""AdamW or Muon with fp32 masters and an fp32 moving average over working weights of any format; schedules.

At small learning rates most bf16 weights would not move at all: an update must exceed 1/256 of a weight to show. The
masters take every update; the working weights are their rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mynah.config import Amount, Settings, Share
from mynah.train.muon import Muon


class OptimSettings(Settings):
    """How weights move. Fractions are of the run, so that 12 iterations and 12 000 both make sense."""

    learning_rate: Amount
    """Peak learning rate."""
    optimiser: Literal["adamw", "muon"] = "adamw"
    """muon moves the blocks' matrices by orthogonalised momentum (Jordan 2024), all else by AdamW; not for PPO."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls after the warm-up."""
    warmup: Share = 0.02
    """Share of the run over which the learning rate rises from 0."""
    final: Share = 0.1
    """Learning rate at the end, as a share of the peak (cosine and linear)."""
    weight_decay: Amount = 0.0
    """Decoupled decay of matrices; vectors are never decayed."""
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay of Adam's first moment (Muon's momentum is 0.95)."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.95
    """Decay of Adam's second moment."""
    epsilon: Amount = 1e-8
    """Adam's ε."""
    clip: Amount = 1.0
    """Largest gradient norm; 0 does not clip."""
    ema_half_life: Amount = 0.0
    """Half-life of the moving average of the weights, as a share of the run; 0 keeps none."""


class MasterOptimiser:
    """Owns the fp32 masters of `model`'s weights (the weights themselves where those are fp32)."""

    def __init__(self, model: nn.Module, settings: OptimSettings, total_steps: int) -> None:
        self.settings, self.total_steps = settings, total_steps
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.masters = [
            weight if weight.dtype == torch.float32 else weight.detach().float().clone() for weight in self.weights
        ]
        for master in self.masters:
            master.grad = None
        names = [name for name, weight in model.named_parameters() if weight.requires_grad]
        rest: list[Tensor] = []
        in_blocks: list[Tensor] = []
        for name, master in zip(names, self.masters, strict=True):
            by_muon = settings.optimiser == "muon" and master.ndim == 2 and "layers." in name
            (in_blocks if by_muon else rest).append(master)
        decay = settings.weight_decay
        self.adam = torch.optim.AdamW(
            [
                {"params": [master for master in rest if master.ndim > 1], "weight_decay": decay},
                {"params": [master for master in rest if master.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            eps=settings.epsilon,
            fused=True,
        )
        self.muon = Muon(in_blocks, decay, self.weights[0].dtype)
        self.learning_rate = 0.0
        self.ema = [master.detach().clone() for master in self.masters] if settings.ema_half_life else []

    def collect(self) -> None:
        """Add the working weights' gradients to the masters', in fp32, and clear them."""
        for weight, master in zip(self.weights, self.masters, strict=True):
            if weight is master or weight.grad is None:
                continue
            gradient = weight.grad.float()
            master.grad = gradient if master.grad is None else master.grad.add_(gradient)
            weight.grad = None

    @torch.no_grad()
    def step(self, step: int) -> float:
        """Apply the gradients as update number `step` (from 0); returns the share of working weights that changed."""
        self.learning_rate = learning_rate(self.settings, step, self.total_steps)
        before = [weight.clone() for weight in self.weights]
        for group in self.adam.param_groups:
            group["lr"] = self.learning_rate
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self.muon.step(self.learning_rate)
        self._round()
        if self.ema:
            decay = 0.5 ** (1 / max(1.0, self.settings.ema_half_life * self.total_steps))
            torch._foreach_lerp_(self.ema, [m.detach() for m in self.masters], 1 - decay)
        changed = [(old != new).sum() for old, new in zip(before, self.weights, strict=True)]
        return int(torch.stack(changed).sum()) / sum(weight.numel() for weight in self.weights)

    @torch.no_grad()
    def copy_ema_to(self, model: nn.Module) -> None:
        """Round the moving average into another model's weights (the masters' own, when no average is kept)."""
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        for weight, average in zip(weights, self.ema or self.masters, strict=True):
            weight.copy_(average)

    def _round(self) -> None:
        """The working weights are their masters, rounded."""
        torch._foreach_copy_([weight.detach() for weight in self.weights], [m.detach() for m in self.masters])

    def state(self) -> dict[str, Any]:
        """All that a bitwise resume needs."""
        masters = [master.detach() for master in self.masters]
        return {"masters": masters, "ema": self.ema, "adam": self.adam.state_dict(), "momenta": self.muon.momenta}

    @torch.no_grad()
    def load(self, state: Mapping[str, Any]) -> None:
        for name, targets in (("masters", self.masters), ("ema", self.ema), ("momenta", self.muon.momenta)):
            for target, source in zip(targets, state[name], strict=True):
                target.copy_(source)
        self._round()
        self.adam.load_state_dict(dict(state["adam"]))


def learning_rate(settings: OptimSettings, step: int, total_steps: int) -> float:
    """The rate of update number `step` (from 0) of `total_steps`."""
    warmup = math.ceil(settings.warmup * total_steps)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    if settings.schedule == "constant":
        return settings.learning_rate
    progress = (step - warmup) / max(1, total_steps - warmup)
    fall = progress if settings.schedule == "linear" else (1 - math.cos(math.pi * progress)) / 2
    return settings.learning_rate * (1 - (1 - settings.final) * fall)
