"""The small layers of a block: RMSNorm, rotary positions, SwiGLU, dropout."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / √(mean(x²) + ε) · w, the mean in fp32 (Zhang & Sennrich 2019)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * F.rms_norm(x.float(), (x.shape[-1],), eps=self.eps).to(x.dtype)


class Rotary(nn.Module):
    """Rotary position embedding (Su et al. 2021), halves rotated as in Hugging Face's Llama."""

    def __init__(self, head_width: int, theta: float) -> None:
        super().__init__()
        self.head_width, self.theta = head_width, theta

    def forward(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines and sines [T, 1, head_width] for positions [T]; the angles are computed in fp32."""
        exponents = torch.arange(0, self.head_width, 2, device=positions.device).float() / self.head_width
        angles = positions.float()[:, None] / self.theta**exponents  # [T, head_width / 2]
        angles = torch.cat((angles, angles), dim=-1)[:, None]
        return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (x_i, x_{i + half}) of heads x [T, H, head_width] by its position's angle."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class SwiGLU(nn.Module):
    """down(silu(gate(x)) · up(x)) (Shazeer 2020)."""

    def __init__(self, width: int, ff_width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, ff_width, bias=False)
        self.up_proj = nn.Linear(width, ff_width, bias=False)
        self.down_proj = nn.Linear(ff_width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


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
