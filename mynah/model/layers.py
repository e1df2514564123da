"""The small layers of a block: norms, feed-forward layers, dropout."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mynah.model import native_layers
from mynah.model.sizes import ModelConfig


class RMSNorm(nn.Module):
    """x / √(mean(x²) + ε) · w, the mean in fp32 (Zhang & Sennrich 2019)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda:  # one kernel, its arithmetic fp32
            return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)
        if native_layers.runs(x, self.weight):
            return native_layers.rms_norm(x, self.weight, self.eps)
        return self.weight * F.rms_norm(x.float(), (x.shape[-1],), eps=self.eps).to(x.dtype)


def residual_norm(config: ModelConfig) -> nn.Module:
    """The norm that the model reads its residual stream through."""
    norm = nn.LayerNorm if config.norm == "layer" else RMSNorm
    return norm(config.width, config.norm_eps)


class SwiGLU(nn.Module):
    """down(silu(gate(x)) · up(x)) (Shazeer 2020)."""

    def __init__(self, width: int, ff_width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, ff_width, bias=False)
        self.up_proj = nn.Linear(width, ff_width, bias=False)
        self.down_proj = nn.Linear(ff_width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_proj(x), self.up_proj(x)
        if native_layers.runs(gate, up):
            return self.down_proj(native_layers.gated(gate, up))
        return self.down_proj(F.silu(gate) * up)


class GELU(nn.Module):
    """down(gelu(up(x))), GELU by its tanh approximation as GPT-2 has it (Hendrycks & Gimpel 2016)."""

    def __init__(self, width: int, ff_width: int) -> None:
        super().__init__()
        self.up_proj = nn.Linear(width, ff_width)
        self.down_proj = nn.Linear(ff_width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.gelu(self.up_proj(x), approximate="tanh"))


def feed_forward(config: ModelConfig) -> nn.Module:
    """The feed-forward layer of a block."""
    layer = GELU if config.feed_forward == "gelu" else SwiGLU
    return layer(config.width, config.ff_width)


def dropout(x: Tensor, share: float) -> Tensor:
    """x with about `share` of its elements 0 and the rest scaled up, so that its mean stays (Srivastava 2014).

    PyTorch's own draws one number an element, a tenth of the time of fine-tuning a small model on a CPU. There, four
    elements share a 64-bit draw; the share is then rounded to 1/65536.
    """
    if not share or x.is_cuda:
        return F.dropout(x, share)
    draws = x.new_empty(-(-x.numel() // 4), dtype=torch.long).random_(-(2**63), None)
    dropped = min(round(share * 2**16), 2**16 - 1)
    kept = draws.view(torch.int16)[: x.numel()].view(x.shape) >= dropped - 2**15
    return x * (kept * (2**16 / (2**16 - dropped))).to(x.dtype)
