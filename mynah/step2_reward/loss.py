"""The pairwise ranking loss over the K completions of one prompt."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def ranking_loss(scores: Tensor, better: Tensor, worse: Tensor, weights: Tensor) -> Tensor:
    """−Σ w · log σ(r_better − r_worse), with w = 1/C(K,2) for a ranking of K (Ouyang 2022, eq. 1).

    Args:
        scores: [S] or, for M ensemble heads at once, [S, M].
        better, worse: [P] indices into S.
        weights: [P] or [P, M].
    """
    return -(weights * F.logsigmoid(scores[better] - scores[worse])).sum()
