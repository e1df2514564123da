"""Engine and learner compute one function: sampled, prompt and top log-probabilities against a full forward pass.

Tolerances: fp32 1e-4; bf16 mean |Δ| ≤ 0.02, max ≤ 0.1.
"""

from dataclasses import replace
from typing import Any

import pytest
import torch

from mynah.engine import Engine
from mynah.model.packed import PackedPlan
from mynah.model.sizes import RopeScaling
from mynah.model.transformer import Transformer
from mynah.nouns import Group, SamplingParams
from mynah.train.packing import lay_out
from mynah.train.token_loss import token_logprobs
from tests.model.tiny import FAMILIES, full_logits, random_tokens, tiny_model

PARAMS = SamplingParams(max_new_tokens=40, seed=1)
every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
YARN = RopeScaling("yarn", 4.0, 64, attention_factor=1.2)


@torch.no_grad()
def differences(model: Transformer, prompts: list[tuple[int, ...]], temperature: float = 1.0) -> torch.Tensor:
    """|engine − learner| for every sampled token; the learner sees prompts with K completions each, packed."""
    completions = Engine(model, rows=16).generate(prompts, replace(PARAMS, temperature=temperature), n=3)
    groups = [
        Group(
            prompt, (False,) * len(prompt), tuple(c.tokens for c in some), tuple((True,) * len(c.tokens) for c in some)
        )
        for prompt, some in zip(prompts, completions, strict=True)
    ]
    learner = token_logprobs(model, lay_out(groups), temperature=temperature)
    engine = torch.tensor([logprob for some in completions for c in some for logprob in c.logprobs])
    assert len(engine) == len(learner) == 3 * 40 * len(prompts)
    assert engine.std() > 0.5
    return (engine - learner).abs()


@every_family
def test_engine_equals_learner_in_fp32(prompts: list[tuple[int, ...]], family: dict[str, Any]) -> None:
    assert differences(tiny_model(**family), prompts).max() <= 1e-4


def test_engine_equals_learner_at_another_temperature(prompts: list[tuple[int, ...]]) -> None:
    assert differences(tiny_model(rope_scaling=YARN), prompts, temperature=0.7).max() <= 1e-4


@pytest.mark.parametrize("family", [FAMILIES[name] for name in ("llama", "qwen2", "qwen3", "gpt2")])
def test_engine_equals_learner_in_bf16(prompts: list[tuple[int, ...]], family: dict[str, Any]) -> None:
    delta = differences(tiny_model(dtype=torch.bfloat16, **family), prompts)
    assert delta.mean() <= 0.02
    assert delta.max() <= 0.1


def test_greedy_is_the_argmax_of_a_full_forward(model: Transformer, prompts: list[tuple[int, ...]]) -> None:
    completions = Engine(model, rows=4).generate(prompts, replace(PARAMS, temperature=0.0))
    for prompt, [completion] in zip(prompts, completions, strict=True):
        logits = full_logits(model, prompt + completion.tokens)[len(prompt) - 1 : -1]
        assert tuple(logits.argmax(-1).tolist()) == completion.tokens


def test_prompt_logprobs_equal_a_full_forward(model: Transformer, prompts: list[tuple[int, ...]]) -> None:
    completions = Engine(model, rows=4).generate(prompts, replace(PARAMS, max_new_tokens=2, prompt_logprobs=True), n=2)
    for prompt, both in zip(prompts, completions, strict=True):
        expected = (
            full_logits(model, prompt).log_softmax(-1)[:-1].gather(1, torch.tensor(prompt[1:])[:, None]).flatten()
        )
        for completion in both:
            assert completion.prompt_logprobs == pytest.approx(expected.tolist(), abs=1e-4)
    [[without]] = Engine(model).generate(prompts[:1], PARAMS)
    assert without.prompt_logprobs == without.top_logprobs == ()


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_top_logprobs_equal_a_full_forward(
    model: Transformer, prompts: list[tuple[int, ...]], temperature: float
) -> None:
    params = replace(PARAMS, max_new_tokens=10, top_logprobs=4, temperature=temperature, top_k=3)
    for prompt, [completion] in zip(prompts, Engine(model, rows=4).generate(prompts, params), strict=True):
        table = (full_logits(model, prompt + completion.tokens)[len(prompt) - 1 : -1] / temperature).log_softmax(-1)
        best = table.topk(4)
        assert len(completion.top_logprobs) == len(completion.tokens)
        for i, ranked in enumerate(completion.top_logprobs):
            assert [token for token, _ in ranked] == best.indices[i].tolist()
            assert [logprob for _, logprob in ranked] == pytest.approx(best.values[i].tolist(), abs=1e-4)
            assert completion.tokens[i] in best.indices[i, :3]


@torch.no_grad()
def test_the_engine_follows_the_weights(model: Transformer) -> None:
    """Weights are shared, not copied: after an update and refresh() the next tokens are the new model's."""
    prompt, params = random_tokens(20), replace(PARAMS, temperature=0.0, max_new_tokens=8)
    engine = Engine(model, rows=2)
    [[before]] = engine.generate([prompt], params)
    other = tiny_model(seed=1)
    for mine, new in zip(model.parameters(), other.parameters(), strict=True):
        mine.copy_(new)
    engine.refresh()
    [[after]] = engine.generate([prompt], params)
    assert (before.weight_version, after.weight_version) == (0, 1)
    assert before.tokens != after.tokens
    [[expected]] = Engine(other, rows=2).generate([prompt], params)
    assert (after.tokens, after.logprobs) == (expected.tokens, expected.logprobs)


def test_the_likeliest_tokens_of_a_prompt_are_those_of_a_full_forward(model: Transformer) -> None:
    prompt = random_tokens(700 % model.config.context)
    params = replace(PARAMS, max_new_tokens=1, prompt_logprobs=True, top_logprobs=3)
    [[completion]] = Engine(model, rows=4).generate([prompt], params)
    best = full_logits(model, prompt)[:-1].log_softmax(-1).topk(3)
    assert [tuple(id for id, _ in top) for top in completion.prompt_top_logprobs] == list(
        map(tuple, best.indices.tolist())
    )
    for top, values in zip(completion.prompt_top_logprobs, best.values.tolist(), strict=True):
        assert [logprob for _, logprob in top] == pytest.approx(values, abs=1e-4)
    everything = replace(params, top_logprobs=10_000)
    [[completion]] = Engine(model, rows=4).generate([prompt], everything)
    assert len(completion.top_logprobs[0]) == model.config.vocab_size


def test_embeddings_are_means_of_the_hidden_states(model: Transformer, prompts: list[tuple[int, ...]]) -> None:
    made = Engine(model, rows=1).embed(prompts)
    for mean, prompt in zip(made, prompts, strict=True):
        batch = lay_out([Group(prompt, (False,) * len(prompt))])
        hidden = model(batch.tokens, batch.positions, PackedPlan(batch, model.dtype))
        torch.testing.assert_close(mean, hidden.detach().mean(0), atol=1e-4, rtol=1e-4)
