"""One iteration's update: ratio 1, losses over valid tokens, minibatches, ptx, the average, what moves and what not."""

import copy
import itertools
from dataclasses import replace
from functools import partialmethod

import pytest
import torch
from torch import nn

from mynah.model.transformer import Block
from mynah.nouns import Group, SamplingParams
from mynah.step3_ppo import train
from mynah.step3_ppo.loss import policy_loss
from mynah.step3_ppo.rollout import as_group, roll_out
from mynah.step3_ppo.train import PPO
from mynah.train.packing import lay_out
from mynah.train.token_loss import token_logprobs
from tests import toys

TEXT = [
    Group((0, *ids), (False,) + (True,) * len(ids))
    for ids in toys.tokenizer().encode_many([f"gold is in the hill {i}" for i in range(40)])
]


def weights(model) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in model.parameters()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def close(one: list[torch.Tensor], other: list[torch.Tensor], atol: float) -> bool:
    return all(torch.allclose(a, b, atol=atol) for a, b in zip(one, other, strict=True))


def prepared(ppo, ids):
    """The microbatches of one iteration, before any update."""
    kept = []
    original = ppo._update
    ppo._update = lambda iteration, packed, pretraining: kept.extend(packed) or {}
    ppo.iterate(0, ids)
    ppo._update = original
    return kept


def test_policy_and_value_model_are_compiled_when_asked_for(settings, prompts, monkeypatch):
    """Traced as always, then run without a C++ compiler; with them an iteration goes as it does without."""
    torch.compiler.reset()
    monkeypatch.setattr(Block, "compile", partialmethod(nn.Module.compile, backend="eager"))
    figures = []
    for compiled in (False, True):
        hardware = toys.CPU.model_copy(update={"compile": compiled})
        ppo = PPO(toys.policy_folder(), toys.reward_folder(), settings(), hardware, 8, seed=0)
        assert ppo.policy.compiled == ppo.value_model.backbone.compiled == compiled
        figures.append(ppo.iterate(0, prompts()))
    plain, traced = figures
    for name in ("score", "ref_kl", "policy_loss", "value_loss", "policy_grad_norm", "value_grad_norm"):
        assert traced[name] == pytest.approx(plain[name], rel=1e-3, abs=1e-5), name


def test_at_learning_rate_0_the_ratio_is_1_in_every_inner_epoch(make, prompts, monkeypatch):
    gaps = []

    def watched(*arguments):
        result = policy_loss(*arguments)
        gaps.append(float(result.largest_ratio_gap))
        return result

    monkeypatch.setattr(train, "policy_loss", watched)
    ppo = make(learning_rate=0.0, value_learning_rate=0.0, epochs=4, temperature=0.8)
    before = weights(ppo.policy)
    figures = ppo.iterate(0, prompts())
    assert len(gaps) == 8
    assert max(gaps) < 1e-6
    assert figures["approx_kl"] < 1e-10
    assert figures["clip_fraction"] == figures["weights_changed"] == 0
    assert same(before, weights(ppo.policy))


def test_in_bf16_the_first_ratio_is_1_and_engine_and_learner_agree(make, prompts):
    ppo = make(dtype="bfloat16", learning_rate=1e-5, prompts=32, temperature=0.9)
    for iteration in range(2):  # each asserts its first ratio
        figures = ppo.iterate(iteration, prompts(32))
        assert abs(figures["mismatch_kl"]) <= 0.02
        assert figures["mismatch_max"] <= 0.1
        assert 0 < figures["weights_changed"] < 0.9  # bf16 shows a small step in some weights only
    masters = ppo.policy_learner.optimiser.masters
    assert {master.dtype for master in [*masters, *ppo.policy_learner.optimiser.ema]} == {torch.float32}
    assert ppo.policy.dtype == torch.bfloat16


def test_with_a_learning_rate_the_ratio_leaves_1_after_the_first_minibatch(make, prompts):
    figures = make(learning_rate=3e-3, epochs=4).iterate(0, prompts())
    assert figures["approx_kl"] > 1e-4
    assert figures["weights_changed"] > 0.9


def test_the_first_ratio_is_asserted_against_moved_weights(make, prompts):
    ppo = make()
    packed = prepared(ppo, prompts())
    with torch.no_grad():
        ppo.policy.layers[0].mlp.up_proj.weight.mul_(1.01)
    with pytest.raises(AssertionError, match="first ratio is off by"):
        ppo._update(0, packed, ())


def test_the_first_ratio_is_asserted_against_another_layout(make, prompts):
    ppo = make()
    packed = prepared(ppo, prompts())
    shifted = [train.replace(m, old_logprobs=m.old_logprobs.roll(1)) for m in packed]
    with pytest.raises(AssertionError, match="first ratio is off by"):
        ppo._update(0, shifted, ())


@pytest.mark.parametrize("budget", [1, 130, 16_384])
def test_there_are_always_as_many_updates_as_the_schedule_counts(make, prompts, budget):
    uneven = [[*ids, *ids[-1:] * (3 * i)] for i, ids in enumerate(prompts(5))]
    ppo = make(minibatches=4, epochs=2, prompts=5, microbatch_tokens=budget)
    packed = prepared(ppo, uneven)
    groups = [sum(1 for _ in m.batch.group_lengths) for m in packed]
    by_minibatch = [sum(n for n, m in zip(groups, packed, strict=True) if m.minibatch == i) for i in range(4)]
    assert by_minibatch == [2, 1, 1, 1]
    ppo.iterate(0, uneven)
    assert ppo.policy_learner.step == ppo.value_learner.step == 8


def test_microbatches_are_a_matter_of_memory_not_of_results(make, prompts):
    small, large = make(microbatch_tokens=1, epochs=2), make(epochs=2)
    a, b = small.iterate(0, prompts()), large.iterate(0, prompts())
    assert close(weights(small.policy), weights(large.policy), 1e-4)
    assert close(weights(small.value_model), weights(large.value_model), 1e-4)
    for name in ("policy_loss", "value_loss", "policy_grad_norm", "value_grad_norm", "approx_kl", "score"):
        assert a[name] == pytest.approx(b[name], rel=1e-3, abs=1e-5), name


def test_every_rollout_is_in_one_minibatch_and_losses_average_over_its_tokens(make, prompts):
    ppo = make(learning_rate=0.0, value_learning_rate=0.0)
    packed = prepared(ppo, prompts())
    assert sum(len(m.batch.sequences_per_group) for m in packed) == 8
    figures = ppo._update(0, packed, ())
    for name in ("policy_loss", "value_loss"):
        means = []
        for minibatch in range(2):
            chosen = [m for m in packed if m.minibatch == minibatch]
            pooled = {n: torch.cat([getattr(m, n) for m in chosen]) for n in ("advantages", "old_values", "returns")}
            if name == "policy_loss":  # at ratio 1
                means.append(-float(pooled["advantages"].mean()))
            else:
                means.append(0.5 * float((pooled["old_values"] - pooled["returns"]).square().mean()))
        assert figures[name] == pytest.approx(sum(means) / 2, abs=1e-5)


def test_prompts_are_shared_and_the_gradients_are_those_of_separate_prompts(make, prompts):
    ppo = make()
    rollouts = roll_out(ppo.engine, prompts(3), SamplingParams(10, stop=ppo.tokenizer.stop_ids), 4, 0)
    advantages = torch.randn(200, generator=torch.Generator().manual_seed(0))

    def gradients(layouts: list[list[Group]]) -> list[torch.Tensor]:
        ppo.policy.zero_grad()
        used = 0
        for groups in layouts:
            batch = lay_out(groups)
            logprobs = token_logprobs(ppo.policy, batch)
            old = logprobs.detach() - 0.05
            policy_loss(logprobs, old, advantages[used : used + len(old)], 0.2).loss.backward()
            used += len(old)
        return [weight.grad.clone() for weight in ppo.policy.parameters()]

    shared = gradients([[as_group(group) for group in rollouts]])
    separate = gradients([[as_group([one])] for group in rollouts for one in group])
    scale = max(float(gradient.abs().max()) for gradient in separate)
    assert close(shared, separate, 2e-5 * scale)


def test_the_value_model_starts_as_the_reward_model_with_values_of_0(make, prompts):
    ppo = make()
    assert same(weights(ppo.value_model.backbone), weights(ppo.reward_model.backbone))
    assert not ppo.value_model.score.weight.any()
    assert ppo.value_model.score.weight.requires_grad
    assert ppo.reward_model.score.weight.any()  # which goes on scoring
    packed = prepared(ppo, prompts(2))
    assert not packed[0].old_values.any()


def test_policy_and_value_move_and_the_rest_is_frozen(make, prompts):
    ppo = make()
    names = ("policy", "value_model", "reference", "reward_model", "ensemble")
    before = {name: weights(getattr(ppo, name)) for name in names}
    for iteration in range(2):
        ppo.iterate(iteration, prompts())
    moved = {name for name in names if not same(before[name], weights(getattr(ppo, name)))}
    assert moved == {"policy", "value_model"}


def test_the_engine_rolls_out_the_newest_weights(make, prompts):
    ppo = make(learning_rate=3e-3)
    versions, mismatches, kls = [], [], []
    for iteration in range(3):
        versions.append(ppo.engine.weight_version)
        figures = ppo.iterate(iteration, prompts())
        mismatches.append(figures["mismatch_max"])
        kls.append(figures["ref_kl"])
    assert versions == [0, 1, 2]
    assert max(mismatches) < 1e-4  # were old weights rolled out, these would be as far apart as policy and reference
    assert kls[0] == 0
    assert kls[2] > 0.01


def test_each_iteration_draws_anew(make, prompts):
    ppo = make(learning_rate=0.0)
    drawn = []
    original = train.roll_out
    try:
        train.roll_out = lambda *arguments: drawn.append(original(*arguments)) or drawn[-1]
        for iteration in range(2):
            ppo.iterate(iteration, prompts())
    finally:
        train.roll_out = original
    one, other = ([t.tokens for group in rollouts for t in group] for rollouts in drawn)
    assert one != other
    assert len(set(one)) > 4


@pytest.mark.parametrize("clip", [0.5, 0.0])
def test_ptx_is_clipped_apart_and_joins_one_optimiser_step(make, prompts, clip):
    """The applied gradient is clip(ppo) + clip(ptx), each taken alone."""
    ppo = make(ptx_coef=3.0, ptx_examples=6, clip=clip, minibatches=1)
    applied = {}
    original = ppo.policy_learner.apply

    def watched(loss, norm):
        applied["gradients"] = [master.grad.clone() for master in ppo.policy_learner.optimiser.masters]
        return original(loss, norm)

    ppo.policy_learner.apply = watched
    packed = prepared(ppo, prompts())
    alone = copy.deepcopy(ppo.policy)
    figures = ppo._update(0, packed, TEXT)
    assert ppo.policy_learner.step == 1

    def gradients(loss) -> tuple[list[torch.Tensor], float]:
        found = torch.autograd.grad(loss, list(alone.parameters()))
        norm = float(torch.cat([g.flatten() for g in found]).norm())
        factor = min(1.0, clip / norm) if clip else 1.0
        return [g * factor for g in found], norm

    [m] = packed
    logprobs = token_logprobs(alone, m.batch)
    ppo_gradients, ppo_norm = gradients(-(((logprobs - logprobs.detach()).exp()) * m.advantages).mean())
    drawn = train.random.Random("0/0/0")
    drawn.sample(range(1), 1)
    text = lay_out(drawn.choices(TEXT, k=6))
    ptx_loss = -3.0 * token_logprobs(alone, text).mean()
    ptx_gradients, ptx_norm = gradients(ptx_loss)
    expected = [a + b for a, b in zip(ppo_gradients, ptx_gradients, strict=True)]
    assert close(applied["gradients"], expected, 1e-4)
    assert figures["ptx_loss"] == pytest.approx(float(ptx_loss.detach()), rel=1e-4)
    assert figures["policy_grad_norm"] == pytest.approx(ppo_norm, rel=1e-3)
    assert figures["ptx_grad_norm"] == pytest.approx(ptx_norm, rel=1e-3)
    assert figures["ptx_gradient_ratio"] == pytest.approx(ptx_norm / ppo_norm, rel=1e-3)
    assert figures["value_grad_norm"] > 0


def test_ptx_goes_on_where_all_answers_scored_alike(make, prompts):
    """Exact answers to problems that are all too hard: no advantage, so no gradient but that of the text."""
    ppo = make(ptx_coef=1.0, ptx_examples=4, minibatches=1)
    packed = [replace(m, advantages=torch.zeros_like(m.advantages)) for m in prepared(ppo, prompts())]
    figures = ppo._update(0, packed, TEXT)
    assert figures["policy_grad_norm"] == figures["ptx_gradient_ratio"] == 0
    assert figures["ptx_grad_norm"] > 0


def test_ptx_draws_other_pieces_for_every_update(make, prompts, monkeypatch):
    seen = []
    original = train.microbatches
    monkeypatch.setattr(
        train, "microbatches", lambda groups, *rest: seen.append(tuple(groups)) or original(groups, *rest)
    )
    make(ptx_coef=1.0, ptx_examples=4, epochs=2).iterate(0, prompts(), TEXT)
    assert len(set(seen)) == len(seen) == 4
    assert all(len(groups) == 4 for groups in seen)


def test_ptx_that_is_not_finite_stops_the_policy_too(make, prompts, monkeypatch):
    ppo = make(ptx_coef=float("1e38"), clip=0.0, minibatches=1)
    before = weights(ppo.policy)
    with pytest.raises(train.UserError, match="the loss became"):
        ppo.iterate(0, prompts(), TEXT)
    assert same(before, weights(ppo.policy))


def test_ptx_keeps_the_policy_better_at_the_text(make, prompts):
    def text_loss(policy) -> float:
        with torch.no_grad():
            return -float(token_logprobs(policy, lay_out(TEXT)).mean())

    plain, mixed = make(iterations=6), make(iterations=6, ptx_coef=2.0)
    for iteration in range(6):
        plain.iterate(iteration, prompts())
        mixed.iterate(iteration, prompts(), TEXT)
    assert text_loss(mixed.policy) < text_loss(plain.policy) - 0.1


def test_the_average_has_the_papers_decay_at_the_papers_length(make):
    """0.992 an update over 500 updates; and a run of 12 has the same shape."""
    for updates, decay in ((500, 0.992), (12, 0.5 ** (1 / (0.17 * 12)))):
        settings = train.PPOSettings()
        model = torch.nn.Linear(2, 2)
        optimiser = train.Learner(model, settings, updates).optimiser
        start = optimiser.ema[0].clone()
        model.weight.grad = torch.ones(2, 2)
        optimiser.step(0)
        moved = (optimiser.ema[0] - start) / (model.weight.detach() - start)
        assert torch.allclose(1 - moved, torch.tensor(decay), atol=2e-4)


def test_the_adaptive_coefficient_is_fed_the_measured_kl(make, prompts):
    ppo = make(kl_target=1000.0, kl_coef=0.1, kl_horizon=0.5)
    assert [ppo.iterate(i, prompts())["kl_coef"] for i in range(3)] == pytest.approx(
        [0.1, 0.1 * 0.9, 0.1 * 0.9**2]  # far below the target: −0.2 over a horizon of 2 iterations
    )
    fixed = make(kl_coef=0.1)
    assert {fixed.iterate(i, prompts())["kl_coef"] for i in range(2)} == {0.1}


def test_the_kl_penalty_holds_the_policy_back(make, prompts):
    def kl(coefficient: float) -> float:
        ppo = make(kl_coef=coefficient, learning_rate=2e-3, iterations=6)
        return [ppo.iterate(i, prompts(8, seed=i))["ref_kl"] for i in range(6)][-1]

    assert kl(2.0) < 0.5 * kl(0.0)


def test_figures_hold_what_the_checklist_wants_logged(make, prompts):
    figures = make(ptx_coef=1.0).iterate(0, prompts(), TEXT)
    wanted = (
        "score ref_kl entropy length ended mismatch_kl mismatch_max kl_coef approx_kl clip_fraction weights_changed"
    )
    norms = "policy_grad_norm value_grad_norm ptx_grad_norm ptx_gradient_ratio learning_rate policy_loss value_loss"
    assert set(itertools.chain(wanted.split(), norms.split())) <= figures.keys()
    assert all(isinstance(value, float) for value in figures.values())


def test_the_entropy_is_that_of_the_policy(make, prompts):
    """Estimated by what was drawn, it comes out at the exact mean over the same states."""
    ppo = make(completions=32, learning_rate=0.0)
    packed = prepared(ppo, prompts())
    exact = torch.cat([exact_entropies(ppo.policy, m.batch) for m in packed]).mean()
    sampled = -torch.cat([m.old_logprobs for m in packed]).mean()
    assert float(sampled) == pytest.approx(float(exact), rel=0.1)
    assert make(completions=32, learning_rate=0.0).iterate(0, prompts())["entropy"] == pytest.approx(float(sampled))


@torch.no_grad()
def exact_entropies(policy, batch) -> torch.Tensor:
    hidden = policy(batch.tokens, batch.positions, train.PackedPlan(batch, policy.dtype))[batch.sources]
    logprobs = policy.logits(hidden).log_softmax(-1)
    return -(logprobs.exp() * logprobs).sum(-1)
