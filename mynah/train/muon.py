"""Muon: momentum made orthogonal, for the matrices of a transformer's blocks (Jordan 2024)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that Jordan tuned: its slope at 0 is steep, and it keeps singular values near 1 without settling."""
ITERATIONS = 5


class Muon:
    """w ← (1 − lr · decay) · w − lr · 0.2 √max(n, m) · orthogonal(nesterov momentum) for each matrix w [n, m].

    The factor makes an update about as large as one of AdamW's, so that both want one learning rate (Liu 2025).
    torch.optim.Muon is the oracle of our tests. It always computes in bfloat16, a hundred times slower than fp32 on
    processors that lack it; here the format is given, and matrices of one shape go through together.
    """

    def __init__(self, matrices: Sequence[Tensor], weight_decay: float, dtype: torch.dtype) -> None:
        self.weight_decay, self.dtype = weight_decay, dtype
        shapes: dict[torch.Size, list[Tensor]] = {}
        for matrix in matrices:
            shapes.setdefault(matrix.shape, []).append(matrix)
        self.stacks = list(shapes.values())
        self.momenta = [torch.zeros_like(torch.stack(tuple(stack))).detach() for stack in self.stacks]  # [N, n, m]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every matrix by its gradient in `.grad`, and clear that; a matrix without one has gradient 0."""
        for stack, momentum in zip(self.stacks, self.momenta, strict=True):
            gradients = torch.stack([torch.zeros_like(m) if m.grad is None else m.grad for m in stack])
            momentum.lerp_(gradients, 1 - MOMENTUM)
            directions = orthogonal(gradients.lerp_(momentum, MOMENTUM).to(self.dtype))
            rate = learning_rate * 0.2 * max(momentum.shape[1:]) ** 0.5
            for matrix, direction in zip(stack, directions, strict=True):
                matrix.mul_(1 - learning_rate * self.weight_decay).add_(direction, alpha=-rate)
                matrix.grad = None


def orthogonal(matrices: Tensor) -> Tensor:
    """U Vᵀ of each matrix U S Vᵀ [N, n, m], roughly: singular values come to lie between 0.7 and 1.2.

    Five Newton-Schulz steps X ← aX + (bA + cA²)X with A = XXᵀ: matrix products only.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices  # the smaller side makes the smaller XXᵀ
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
