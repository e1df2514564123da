"""The learner's weights as a CPU reads them fastest: reordered once, not in every product; or, for chat, in 8 bits.

oneDNN multiplies by a matrix in blocks of its own and reorders a plain one each time. Reordered beforehand, a product
comes out the same to the last bit, in 0.4 to 0.9 of the time; and, unlike PyTorch's own products, it does so for a
single row too. It costs a second copy of the matrices; none is made where that would be a quarter of the free memory.

In 8 bits a matrix is half as long to read, which is what a single row waits for, and its products are rounded anew: an
option for chat, where nobody learns from the log-probabilities. Many rows gain nothing: they wait for arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mynah.engine.memory import free_memory
from mynah.engine.native import Native, eight_bits
from mynah.model.lora import adapters, over_the_same
from mynah.model.transformer import Transformer


@dataclass(frozen=True)
class Readable:
    """A model as the engine reads it."""

    model: Transformer
    head: Callable[[Tensor], Tensor]
    """Logits [N, V] of hidden states [N, D]."""
    single_rows: bool = False
    """A row comes out the same alone; otherwise every layer must get several."""
    native: Native | None = None
    """Takes all passes, if it was chosen."""


def readable(model: Transformer, int8: bool = False, native: bool = False) -> Readable:
    """`model` with its matrices as they are now, for C if that is chosen, or in 8 bits or reordered where that pays."""
    if native:
        fast = Native(model, int8)
        return Readable(model, fast.logits, single_rows=True, native=fast)
    if not int8 and not _pays(model):
        return Readable(model, model.logits)
    kind = Int8Linear if int8 else PackedLinear
    twin = over_the_same(model)
    for path, layer in list(twin.named_modules()):
        if isinstance(layer, nn.Linear):
            twin.set_submodule(path, kind(layer.weight, layer.bias))
    return Readable(twin, kind(model.head, None), single_rows=not adapters(model))


class PackedLinear(nn.Module):
    """A linear layer over a reordered copy of its bf16 weights."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), None)
        self.bias = bias

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


class Int8Linear(nn.Module):
    """A linear layer over 8-bit weights, each output's scaled by its largest. A row comes out the same in any batch."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.rounded, self.scale = eight_bits(weight)
        self.bias = bias

    def forward(self, x: Tensor) -> Tensor:
        y = torch._weight_int8pack_mm(x, self.rounded, self.scale)
        return y if self.bias is None else y + self.bias


def _pays(model: Transformer) -> bool:
    if model.device.type != "cpu" or model.dtype != torch.bfloat16 or not torch.backends.mkldnn.is_available():
        return False
    if not hasattr(torch.ops.mkldnn, "_reorder_linear_weight") or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    return has_room(model)


def has_room(model: Transformer) -> bool:
    """Whether a copy of the matrices takes less than a quarter of the free memory."""
    return 4 * 2 * model.config.parameters() < free_memory(model.device)
