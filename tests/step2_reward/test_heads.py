"""The scalar head's start, and the bootstrap of the ensemble."""

import torch

from mynah.model.heads import fresh_ensemble, with_scalar_head
from mynah.step2_reward.ensemble import bootstrap_weights
from tests import toys


def test_the_head_is_drawn_from_the_papers_normal():
    weight = fresh_ensemble(400, 1000, 0).weight.detach()
    assert abs(weight.std() * 1001**0.5 - 1) < 0.01
    assert abs(weight.mean()) < 1e-3
    assert fresh_ensemble(5, 8, 0).bias.eq(0).all()


def test_a_reward_model_starts_as_the_policy_with_a_small_head():
    policy = toys.model()
    model = with_scalar_head(policy, 3)
    assert float(model.bias) == 0
    assert torch.equal(
        model.score.weight, fresh_ensemble(1, 32, 3).weight
    )  # the same draw, whose spread is proven above
    assert not torch.equal(model.score.weight, with_scalar_head(policy, 4).score.weight)
    ours, theirs = model.backbone.state_dict(), policy.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert model.backbone.embed_tokens.weight.data_ptr() != policy.embed_tokens.weight.data_ptr()  # a copy


def test_bootstrap_draws_as_many_prompts_as_there_are_and_each_head_its_own():
    weights = bootstrap_weights(200, 5, seed=0)
    assert weights.shape == (200, 5)
    assert torch.equal(weights.sum(0), torch.full((5,), 200.0))
    assert len({tuple(column.tolist()) for column in weights.T}) == 5
    assert torch.equal(weights, bootstrap_weights(200, 5, seed=0))
    left_out = (weights == 0).float().mean()  # (1 − 1/n)^n → 1/e of the prompts are not drawn by a head
    assert 0.32 < left_out < 0.42
