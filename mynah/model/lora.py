"""Low-rank adapters: a frozen base shared by whoever needs it, and a few trained weights beside its linear layers.

LoRA (Hu et al. 2021): y = W x + (alpha / rank) · B A x, with W frozen and B = 0 at first, so that training starts at
the base itself. Nothing is switched on or off: `adapted` returns another model over the same base weights, and the
model it was given stays what it is (so PPO's reference policy costs no memory); `merged` returns a plain model again.
"""

from __future__ import annotations

import copy
from typing import Annotated, TypeVar

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat
from torch import Tensor, nn

from mynah.config import Settings
from mynah.errors import UserError
from mynah.model.heads import ScalarModel
from mynah.model.transformer import Transformer

Model = TypeVar("Model", Transformer, ScalarModel)


class LoRA(Settings):
    """Adapters in place of training every weight."""

    rank: Annotated[int, Field(ge=0)] = 0
    """Rank of each adapter; 0 trains all weights. Adapters usually want a learning rate some ten times as high."""
    alpha: PositiveFloat = 32.0
    """An adapter's product is scaled by alpha / rank, so that a learning rate fits other ranks too."""
    targets: tuple[str, ...] = ()
    """Linear layers of the blocks that get one, as q_proj; none named: all of them."""


class AdaptedLinear(nn.Module):
    """A frozen linear layer and its adapter."""

    def __init__(self, base: nn.Linear, lora: LoRA, generator: torch.Generator) -> None:
        super().__init__()
        self.base, self.scale = base, lora.alpha / lora.rank
        bound = base.in_features**-0.5  # as in the authors' code
        drawn = torch.empty(lora.rank, base.in_features).uniform_(-bound, bound, generator=generator)
        self.lora_A = nn.Parameter(drawn.to(base.weight))  # [rank, in]
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, lora.rank))  # [out, rank]

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One plain layer with the sum of both, added in fp32 and rounded once."""
        whole = nn.Linear(self.base.in_features, self.base.out_features, bias=False, device="meta")
        weight = self.base.weight.float() + self.lora_B.float() @ self.lora_A.float() * self.scale
        whole.weight = nn.Parameter(weight.to(self.base.weight.dtype))
        whole.bias = self.base.bias
        return whole


def adapted(model: Model, lora: LoRA, seed: int) -> Model:
    """A model over the weights of `model`, which are frozen, with adapters to train; with rank 0 `model` itself.

    A scalar head is its own, and trained. Raises UserError for a target that the blocks do not have, and for GPT-2.
    """
    if not lora.rank:
        return model
    if (model.backbone if isinstance(model, ScalarModel) else model).config.architecture == "gpt2":
        raise UserError(
            "lora.rank: GPT-2 keeps q, k and v in one matrix, for which PEFT's form has no adapters like ours; "
            "train all its weights with lora.rank=0."
        )
    twin = over_the_same(model.requires_grad_(False))
    if isinstance(twin, ScalarModel):
        twin.score = copy.deepcopy(twin.score).requires_grad_(True)
    generator = torch.Generator().manual_seed(seed)
    for path, layer in _targets(twin, lora.targets).items():
        twin.set_submodule(path, AdaptedLinear(layer, lora, generator))
    transformer = twin.backbone if isinstance(twin, ScalarModel) else twin
    if transformer.compiled:  # a copy of a compiled module is a plain one
        transformer.compile_blocks()
    return twin


def frozen_and_trained(model: Model, lora: LoRA, seed: int) -> tuple[Model, Model]:
    """`model` twice, frozen and to be trained: with a copy, or with adapters over one and the same base."""
    if lora.rank:
        return model, adapted(model, lora, seed)
    return copy.deepcopy(model).requires_grad_(False), model


def merged(model: Model) -> Model:
    """A plain model that computes what `model` does with its adapters; without any `model` itself."""
    layers = adapters(model)
    if not layers:
        return model
    whole = over_the_same(model)
    for path, layer in layers.items():
        whole.set_submodule(path, layer.merged())
    return whole


def adapters(model: nn.Module) -> dict[str, AdaptedLinear]:
    """The adapted layers of `model` by their paths in it."""
    return {path: layer for path, layer in model.named_modules() if isinstance(layer, AdaptedLinear)}


def over_the_same(model: Model) -> Model:
    """Another model of the same modules over the very same weights."""
    return copy.deepcopy(model, {id(weight): weight for weight in model.parameters()})


def _targets(model: nn.Module, names: tuple[str, ...]) -> dict[str, nn.Linear]:
    linear = {
        path: layer for path, layer in model.named_modules() if isinstance(layer, nn.Linear) and "layers." in path
    }
    known = sorted({path.rpartition(".")[2] for path in linear})
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"lora.targets: no linear layer is called {unknown[0]!r}; there are {', '.join(known)}.")
    return {path: layer for path, layer in linear.items() if not names or path.rpartition(".")[2] in names}
