"""A transformer with a scalar head: the reward model (one score per completion) and the value model (one per token)."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mynah.model.attention import AttentionPlan
from mynah.model.transformer import Transformer


class ScalarModel(nn.Module):
    """hidden · score.weightᵀ + bias: Hugging Face's `…ForSequenceClassification` with one label, plus a bias.

    The bias is not a weight of theirs: it is kept in the config as `score_bias`. The backbone is taken over, and loses
    its output head.
    """

    bias: Tensor

    def __init__(self, backbone: Transformer, bias: float = 0.0) -> None:
        super().__init__()
        self.backbone = backbone
        if not backbone.config.tied:
            del backbone.lm_head
        self.score = nn.Linear(backbone.config.width, 1, bias=False, device=backbone.device, dtype=backbone.dtype)
        self.register_buffer("bias", torch.tensor(bias, device=backbone.device), persistent=False)

    def hidden(self, tokens: Tensor, positions: Tensor, plan: AttentionPlan) -> Tensor:
        """Hidden states [T, D]."""
        return self.backbone(tokens, positions, plan)

    def read(self, hidden: Tensor) -> Tensor:
        """Scalars [N] in fp32 from hidden states [N, D]; the dot product is taken in fp32 too."""
        return F.linear(hidden.float(), self.score.weight.float()).squeeze(-1) + self.bias

    @property
    def device(self) -> torch.device:
        return self.backbone.device

    @property
    def dtype(self) -> torch.dtype:
        return self.backbone.dtype


class EnsembleHeads(nn.Module):
    """M linear heads over a reward model's hidden states, each trained on its own bootstrap sample of the rankings.

    Where they disagree, the rankings do not settle what is better: ask people there, and trust the score less.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.float())  # [M, D]
        self.bias = nn.Parameter(bias.float(), requires_grad=False)  # [M]

    def forward(self, hidden: Tensor) -> Tensor:
        """Scores [N, M] in fp32 from hidden states [N, D]."""
        return F.linear(hidden.float(), self.weight, self.bias)


def with_scalar_head(policy: Transformer, seed: int) -> ScalarModel:
    """A reward model that starts as a copy of `policy`, its head drawn from N(0, 1/√(D+1)), bias 0 (Stiennon 2020)."""
    model = ScalarModel(copy.deepcopy(policy))
    if policy.compiled:  # a copy of a compiled module is a plain one
        model.backbone.compile_blocks()
    with torch.no_grad():
        model.score.weight.copy_(_head(1, policy.config.width, seed))
    return model


def fresh_ensemble(members: int, width: int, seed: int) -> EnsembleHeads:
    """Heads drawn like the reward model's, each its own."""
    return EnsembleHeads(_head(members, width, seed), torch.zeros(members))


def _head(rows: int, width: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.empty(rows, width).normal_(0.0, (width + 1) ** -0.5, generator=generator)
