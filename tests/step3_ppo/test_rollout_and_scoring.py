"""Rollouts and what the models say of them: log p, values and scores, each against the models asked by hand."""

from dataclasses import replace

import pytest
import torch

from mynah.model.packed import PackedPlan
from mynah.nouns import Group, SamplingParams, Trajectory
from mynah.step3_ppo.rollout import as_group, roll_out
from mynah.step3_ppo.scoring import evaluate, score
from mynah.train.packing import lay_out
from tests import toys

STOP = toys.tokenizer().stop_ids
END = toys.tokenizer().end_of_turn


def rolled(ppo, prompts, temperature: float = 1.0, n: int = 2, budget: int = 10) -> list[list[Trajectory]]:
    return roll_out(ppo.engine, prompts, SamplingParams(budget, temperature, stop=STOP, seed=3), n, 0)


def laid(groups: list[list[Trajectory]]):
    return lay_out([as_group(group) for group in groups]), [t for group in groups for t in group]


def states(model, tokens):
    """Hidden states of one sequence alone."""
    batch = lay_out([Group(tuple(tokens), (False,) * len(tokens))])
    read = model.hidden if hasattr(model, "hidden") else model
    return read(batch.tokens, batch.positions, PackedPlan(batch, torch.float32))


def valued(ppo):
    """With values that say something, as the reward model's head reads them; at the start all are 0."""
    with torch.no_grad():
        ppo.value_model.score.weight.copy_(ppo.reward_model.score.weight)
    return ppo


def test_rollouts_are_the_policys_own_samples(make, prompts):
    ppo = make()
    for prompt, group in zip(prompts(), rolled(ppo, prompts()), strict=True):
        assert len(group) == 2
        for one in group:
            assert list(one.tokens[: one.prompt_length]) == prompt
            assert one.loss_mask.all()
            assert len(one.loss_mask) == len(one.completion) == len(one.engine_logprobs) <= 10
            assert (one.completion[-1] in STOP) == (one.finish_reason == "stop")
    assert [t.tokens for t in rolled(ppo, prompts())[3]] == [t.tokens for t in rolled(ppo, prompts())[3]]


@pytest.mark.parametrize("temperature", [1.0, 0.7, 1.6])
def test_engine_learner_and_hand_agree_on_log_p_at_any_temperature(make, prompts, temperature):
    ppo = make()
    batch, flat = laid(rolled(ppo, prompts(), temperature))
    for one in evaluate(flat, batch, ppo.policy, ppo.reference, ppo.value_model, temperature):
        with torch.no_grad():
            logits = ppo.policy.logits(states(ppo.policy, one.tokens))[one.prompt_length - 1 : -1]
        byhand = (logits / temperature).log_softmax(-1).gather(1, torch.tensor(one.completion)[:, None])[:, 0]
        assert torch.allclose(one.logprobs, byhand, atol=1e-4)
        assert torch.allclose(one.logprobs, one.engine_logprobs, atol=1e-4)
        assert torch.equal(one.logprobs, one.ref_logprobs)  # nothing has moved yet: divided alike


def test_values_are_those_of_the_state_before_the_choice(make, prompts):
    ppo = valued(make())
    batch, flat = laid(rolled(ppo, prompts()))
    for one in evaluate(flat, batch, ppo.policy, ppo.reference, ppo.value_model, 1.0):
        with torch.no_grad():
            everywhere = ppo.value_model.read(states(ppo.value_model, one.tokens))
        assert torch.allclose(one.values, everywhere[one.prompt_length - 1 : -1], atol=1e-4)


def scored(ppo, groups, penalty: float = 0.0) -> list[Trajectory]:
    batch, flat = laid(groups)
    return score(flat, batch, ppo.reward_model, ppo.ensemble, penalty, END, -1.0)


def test_the_score_is_read_at_the_end_of_turn_and_replaced_without_one(make, prompts):
    ppo = make()
    results = scored(ppo, rolled(ppo, prompts(), n=4, budget=3))
    cut = [one for one in results if one.finish_reason == "length"]
    ended = [one for one in results if one.finish_reason == "stop"]
    assert cut
    assert ended
    assert all(one.score == -1.0 for one in cut)
    for one in ended:
        with torch.no_grad():
            assert one.tokens[-1] == END
            last = ppo.reward_model.read(states(ppo.reward_model, one.tokens))[-1]
        assert one.score == pytest.approx(float(last), abs=1e-4)


def test_another_stop_token_is_no_end_of_turn(make, prompts):
    ppo = make()
    [[one]] = rolled(ppo, prompts(1), n=1)
    other = replace(one, tokens=(*one.tokens[:-1], toys.tokenizer().end_of_text), finish_reason="stop")
    assert scored(ppo, [[other]])[0].score == -1.0


def test_the_uncertainty_penalty_is_mean_minus_beta_times_spread(make, prompts):
    ppo = make()
    groups = rolled(ppo, prompts())
    for plain, careful in zip(scored(ppo, groups), scored(ppo, groups, penalty=1.5), strict=True):
        if plain.tokens[-1] != END:
            continue
        with torch.no_grad():
            heads = ppo.ensemble(states(ppo.reward_model, plain.tokens)[-1:])[0]
        assert heads.std() > 0
        expected = heads.mean() - 1.5 * ((heads - heads.mean()) ** 2).mean().sqrt()
        assert careful.score == pytest.approx(float(expected), abs=1e-4)


def test_masked_tokens_are_read_but_neither_predicted_nor_valued(make, prompts):
    ppo = valued(make())
    [[one]] = rolled(ppo, prompts(1), n=1)
    mask = torch.ones(6, dtype=torch.bool)
    mask[2:4] = False  # a tool's words in the middle of the episode
    words = (*one.tokens[: one.prompt_length], *([*one.completion] * 6)[:5], END)
    episode = Trajectory(words, one.prompt_length, mask, "stop", torch.zeros(6))
    batch, flat = laid([[episode]])
    assert batch.targets.tolist() == [t for t, chosen in zip(episode.completion, mask, strict=True) if chosen]
    [filled] = evaluate(flat, batch, ppo.policy, ppo.reference, ppo.value_model, 1.0)
    for column in (filled.logprobs, filled.ref_logprobs, filled.values):
        assert column[~mask].eq(0).all()
        assert column[mask].ne(0).all()
    with torch.no_grad():
        logits = ppo.policy.logits(states(ppo.policy, words))[one.prompt_length - 1 : -1]
    byhand = logits.log_softmax(-1).gather(1, torch.tensor(episode.completion)[:, None])[:, 0]
    assert torch.allclose(filled.logprobs[mask], byhand[mask], atol=1e-4)  # as context, the tool's words count


def test_nothing_is_random(make, prompts):
    ppo = valued(make())
    batch, flat = laid(rolled(ppo, prompts()))
    one, other = (
        scored(ppo, [[t] for t in evaluate(flat, batch, ppo.policy, ppo.reference, ppo.value_model, 1.0)])
        for _ in range(2)
    )
    for a, b in zip(one, other, strict=True):
        assert a.score == b.score
        assert all(torch.equal(getattr(a, n), getattr(b, n)) for n in ("logprobs", "ref_logprobs", "values"))
