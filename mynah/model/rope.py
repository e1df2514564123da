"""Rotary positions (Su et al. 2021), and how they are stretched for contexts longer than pretraining's."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mynah.model import native_layers
from mynah.model.sizes import ModelConfig, RopeScaling

Turns = tuple[Tensor, Tensor]
"""Cosines and sines [T, 1, head_width] by which each position turns the pairs (i, i + half) of a head; the sines of
the first half are negative, as they are added there."""


class Rotary(nn.Module):
    """Turns of positions; halves are rotated, and the numbers are those of Hugging Face's models."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # No buffer: whatever number format the weights have, and even while they have none yet, these are fp32 numbers.
        self.frequencies = frequencies(config.head_width, config.rope_theta, config.rope_scaling)
        self.attention_factor = config.rope_scaling.attention_factor if config.rope_scaling else 1.0

    def forward(self, positions: Tensor, dtype: torch.dtype) -> Turns:
        """For positions [T]; the angles are computed in fp32."""
        self.frequencies = self.frequencies.to(positions.device)  # once: a copy would interrupt a recorded step
        angles = positions.float()[:, None] * self.frequencies  # [T, head_width / 2]
        cos, sin = angles.cos() * self.attention_factor, angles.sin() * self.attention_factor
        cos, sin = torch.cat((cos, cos), dim=-1)[:, None], torch.cat((-sin, sin), dim=-1)[:, None]
        return cos.to(dtype), sin.to(dtype)


def rotate(x: Tensor, turns: Turns) -> Tensor:
    """Turn each pair (x_i, x_{i + half}) of heads x [T, H, head_width] by its position's angle."""
    cos, sin = turns
    first, second = x.chunk(2, dim=-1)
    other = torch.cat((second, first), dim=-1)
    if x.is_cuda:  # one pass less over memory; rounded once less, too
        return torch.addcmul(x * cos, other, sin)
    return x * cos + other * sin


def rotate_both(q: Tensor, k: Tensor, turns: Turns) -> tuple[Tensor, Tensor]:
    """Queries [T, H, W] and keys [T, KV, W]; on a GPU in one go, since a small kernel's time is that of its start."""
    if native_layers.runs(q, k, *turns, parts=2):
        return native_layers.rotated(q, *turns), native_layers.rotated(k, *turns)
    if not q.is_cuda:
        return rotate(q, turns), rotate(k, turns)
    turned = rotate(torch.cat((q, k), dim=1), turns)
    return turned[:, : q.shape[1]], turned[:, q.shape[1] :]


def frequencies(head_width: int, theta: float, scaling: RopeScaling | None = None) -> Tensor:
    """Radians per position of each pair, [head_width / 2] on the CPU: θ^(−2i/W), stretched as `scaling` says.

    Position interpolation (Chen 2023) divides them all; dynamic NTK changes them only beyond the model's context, which
    is never left here.
    """
    exponents = torch.arange(0, head_width, 2, dtype=torch.float, device="cpu") / head_width
    plain = 1.0 / theta**exponents
    if scaling is None or scaling.kind == "dynamic":
        return plain
    if scaling.kind == "linear":
        return plain / scaling.factor
    if scaling.kind == "llama3":
        return _llama3(plain, scaling)
    return _yarn(theta**exponents, theta, scaling)


def _llama3(plain: Tensor, scaling: RopeScaling) -> Tensor:
    """Long waves divided by the factor, short ones kept, those between mixed by how often they turn (Llama 3.1)."""
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    waves = 2 * math.pi / plain  # positions per turn
    stretched = torch.where(waves > scaling.original_context / low, plain / scaling.factor, plain)
    share = (scaling.original_context / waves - low) / (high - low)
    mixed = (1 - share) * stretched / scaling.factor + share * stretched
    between = (waves >= scaling.original_context / high) & (waves <= scaling.original_context / low)
    return torch.where(between, mixed, stretched)


def _yarn(powers: Tensor, theta: float, scaling: RopeScaling) -> Tensor:
    """Between the pairs that turn β_fast and β_slow times, from kept to divided along a ramp (YaRN, Peng 2023)."""
    width = 2 * len(powers)

    def pair_that_turns(times: float) -> float:
        return width * math.log(scaling.original_context / (times * 2 * math.pi)) / (2 * math.log(theta))

    first, last = pair_that_turns(scaling.beta_fast), pair_that_turns(scaling.beta_slow)
    if scaling.truncate:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, width - 1)
    ramp = (torch.arange(len(powers), dtype=torch.float, device="cpu") - first) / ((last - first) or 0.001)
    kept = 1 - ramp.clamp(0, 1)
    return (1.0 / (scaling.factor * powers)) * (1 - kept) + (1.0 / powers) * kept
