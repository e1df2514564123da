"""Steps that draw their own next tokens give what one step at a time gives; recording them is for GPUs (tests/gpu)."""

from __future__ import annotations

import pytest
import torch

from mynah.engine import Engine
from mynah.engine.engine import AHEAD
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, SamplingParams
from tests.model.tiny import FAMILIES, random_tokens, tiny_model

Prompts = list[tuple[int, ...]]


def completions(model: Transformer, prompts: Prompts, params: SamplingParams, ahead: bool) -> list[Completion]:
    engine = Engine(model, rows=6, draws_ahead=ahead)
    return [one for many in engine.generate(prompts, params, n=2) for one in many]


@pytest.mark.parametrize("temperature", [1.0, 0.6, 0.0])
def test_same_tokens_as_one_at_a_time(model: Transformer, prompts: Prompts, temperature: float) -> None:
    """Rows end at different steps, by a stop token or their budget, and their places are taken by others."""
    stops = tuple(range(3, 9))
    params = SamplingParams(3 * AHEAD - 2, temperature, stop=stops, seed=5)
    plain, ahead = (completions(model, prompts, params, way) for way in (False, True))
    for one, other in zip(plain, ahead, strict=True):
        assert (one.tokens, one.finish_reason) == (other.tokens, other.finish_reason)
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
    if temperature:
        assert {"stop", "length"} == {one.finish_reason for one in ahead}
        assert len({len(one.tokens) for one in ahead}) > 3


@pytest.mark.parametrize("shape", [{}, FAMILIES["gpt2"]], ids=["llama", "gpt2"])
def test_nothing_is_drawn_beyond_the_context(shape: dict[str, object]) -> None:
    """GPT-2 has no position there."""
    model = tiny_model(**shape)
    prompt = random_tokens(model.config.context - AHEAD - 3, 1)
    plain, ahead = (completions(model, [prompt], SamplingParams(1000, seed=1), way) for way in (False, True))
    assert [one.tokens for one in plain] == [one.tokens for one in ahead]
    assert all(len(prompt) + len(one.tokens) == model.config.context for one in ahead)


def test_a_step_is_one_token_unless_more_are_asked_for(model: Transformer) -> None:
    engine = Engine(model, rows=2, draws_ahead=True)
    engine.submit(random_tokens(5, 1), SamplingParams(50))
    assert len(engine.step()) == 1  # of the prompt
    assert [len(engine.step()) for _ in range(2)] == [1, 1]
    assert len(engine.step(AHEAD)) == AHEAD


def test_rows_with_wishes_of_their_own_are_drawn_one_by_one(model: Transformer) -> None:
    engine = Engine(model, rows=4, draws_ahead=True)
    for params in (SamplingParams(20), SamplingParams(20, top_p=0.9), SamplingParams(20, top_logprobs=2)):
        engine.submit(random_tokens(5, 1), params)
    engine.step()
    assert len(engine.step(AHEAD)) == 3


def test_new_weights_are_read(model: Transformer) -> None:
    engine = Engine(model, rows=2, draws_ahead=True)
    prompt, params = random_tokens(9, 2), SamplingParams(20, temperature=0.0)
    [[before]] = engine.generate([prompt], params)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    engine.refresh()
    [[after]] = engine.generate([prompt], params)
    assert before.tokens != after.tokens
    [[plain]] = Engine(model, rows=2).generate([prompt], params)
    assert after.tokens == plain.tokens
