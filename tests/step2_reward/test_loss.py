"""The ranking loss is the paper's; all pairs of a prompt in one element, in whatever microbatches."""

import itertools
import math

import pytest
import torch

from mynah.model.heads import fresh_ensemble, with_scalar_head
from mynah.model.packed import PackedPlan
from mynah.nouns import Comparison, Prompt
from mynah.step2_reward.comparisons import RankedGroup, build
from mynah.step2_reward.ensemble import bootstrap_weights
from mynah.step2_reward.loss import ranking_loss
from mynah.step2_reward.train import _losses
from mynah.train.packing import lay_out
from mynah.train.scoring import score_groups, unsupervised
from tests import toys


def compared(*rankings: tuple[int, ...]) -> Comparison | list[Comparison]:
    """Rankings of the same answers to the same prompt."""
    prompt = Prompt(toys.user("what is in the hill 1"))
    answers = ("red", "blue cat", "gold", "dog sun dog", "sun")[: len(rankings[0])]
    return [Comparison(prompt, answers, ranks, f"labeller {i}") for i, ranks in enumerate(rankings)]


def group(*rankings: tuple[int, ...]) -> RankedGroup:
    [found] = build(compared(*rankings), toys.chat(), toys.CONTEXT, heldout=0.0)
    return found


def loss_of(ranked: RankedGroup, scores: torch.Tensor) -> torch.Tensor:
    better, worse, weights = zip(*ranked.pairs, strict=True)
    return ranking_loss(scores, torch.tensor(better), torch.tensor(worse), torch.tensor(weights))


@pytest.mark.parametrize("ranks", [(1, 2), (1, 2, 3, 4), (2, 1, 2, 3), (3, 1, 2, 2, 1)])
def test_loss_is_brute_force_over_strict_pairs(ranks):
    scores = torch.randn(len(ranks), generator=torch.Generator().manual_seed(0))
    k, total = len(ranks), 0.0
    for i, j in itertools.combinations(range(k), 2):
        if ranks[i] != ranks[j]:
            won, lost = (i, j) if ranks[i] < ranks[j] else (j, i)
            total -= math.log(1 / (1 + math.exp(-float(scores[won] - scores[lost]))))
    assert float(loss_of(group(ranks), scores)) == pytest.approx(total / math.comb(k, 2), rel=1e-5)


def test_a_tie_gives_no_pair():
    assert {(i, j) for i, j, _ in group((2, 1, 2)).pairs} == {(1, 0), (1, 2)}


def test_opposite_labellers_want_equal_scores():
    ranked = group((1, 2), (2, 1))
    assert sorted(ranked.pairs) == [(0, 1, 0.5), (1, 0, 0.5)]
    equal = torch.zeros(2, requires_grad=True)
    loss_of(ranked, equal).backward()
    assert torch.equal(equal.grad, torch.zeros(2))
    for gap in (-2.0, -0.1, 0.1, 2.0):
        assert loss_of(ranked, torch.tensor([gap, 0.0])) > loss_of(ranked, torch.zeros(2))


def test_two_against_one_is_a_soft_target_of_two_thirds():
    ranked = group((1, 2), (1, 2), (2, 1))
    assert {(i, j): w for i, j, w in ranked.pairs} == pytest.approx({(0, 1): 2 / 3, (1, 0): 1 / 3})
    best = torch.tensor([math.log(2.0), 0.0], requires_grad=True)  # σ(ln 2) = 2/3
    loss_of(ranked, best).backward()
    assert best.grad.abs().max() < 1e-6


def test_one_prompt_weighs_one_however_many_rank_it():
    for rankings in (((1, 2, 3),), ((1, 2, 3), (3, 2, 1)), ((1, 2, 3), (1, 2, 3), (2, 1, 3))):
        assert sum(weight for *_, weight in group(*rankings).pairs) == pytest.approx(1)


@pytest.fixture(scope="module")
def ranked() -> list[RankedGroup]:
    return build(toys.rankings(6, k=4), toys.chat(), toys.CONTEXT, heldout=0.0)


@pytest.mark.parametrize("budget", [1, 150, 100_000])
def test_microbatches_add_up_to_the_mean_over_prompts(ranked, budget):
    model = with_scalar_head(toys.model(), 0)
    heads, counts = fresh_ensemble(3, 32, 1), bootstrap_weights(len(ranked), 3, 0)
    for loss in _losses(model, heads, ranked, counts, budget):
        loss.backward()
    got = [weight.grad.clone() for weight in model.parameters()], heads.weight.grad.clone()

    alone = with_scalar_head(toys.model(), 0)
    lonely = fresh_ensemble(3, 32, 1)
    for one, drawn in zip(ranked, counts, strict=True):
        groups = [unsupervised(one.group.trunk, [branch]) for branch in one.group.branches]  # every answer by itself
        ends = []
        for each in groups:
            batch = lay_out([each])
            ends.append(alone.hidden(batch.tokens, batch.positions, PackedPlan(batch, alone.dtype))[batch.ends])
        features = torch.cat(ends)
        (loss_of(one, alone.read(features)) / len(ranked)).backward()
        for head in range(3):
            own = loss_of(one, lonely(features.detach())[:, head])
            (drawn[head] * own / len(ranked)).backward()
    for mine, theirs in zip(got[0], alone.parameters(), strict=True):
        assert torch.allclose(mine, theirs.grad, atol=2e-5), (mine - theirs.grad).abs().max()
    assert torch.allclose(got[1], lonely.weight.grad, atol=2e-5)


def test_the_ensemble_teaches_the_trunk_nothing(ranked):
    gradients = []
    for seed in (1, 2):
        model = with_scalar_head(toys.model(), 0)
        heads = fresh_ensemble(4, 32, seed)
        for loss in _losses(model, heads, ranked, torch.full((len(ranked), 4), 3.0), 100_000):
            loss.backward()
        gradients.append([weight.grad for weight in model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_permuting_the_answers_permutes_the_scores(ranked):
    model = with_scalar_head(toys.model(), 0)
    for one in ranked:
        order = [2, 0, 3, 1]
        moved = unsupervised(one.group.trunk, [one.group.branches[i] for i in order])
        [(scores, _)], [(permuted, _)] = (score_groups(model, [g], 10_000) for g in (one.group, moved))
        assert torch.allclose(permuted, scores[order], atol=1e-5)
        assert scores.std() > 0.01


def test_a_score_does_not_depend_on_its_neighbours(ranked):
    model = with_scalar_head(toys.model(), 0)
    groups = [one.group for one in ranked]
    alone = [
        torch.cat([score_groups(model, [unsupervised(g.trunk, [b])], 10_000)[0][0] for b in g.branches]) for g in groups
    ]
    for budget in (1, 200, 100_000):  # one group a pass, some, all in one with padding inside attention
        for (scores, _), expected in zip(score_groups(model, groups, budget), alone, strict=True):
            assert torch.allclose(scores, expected, atol=1e-5)
