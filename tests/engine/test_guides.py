"""Guides steer their own sample: what they forbid is never drawn, and nobody beside them notices."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mynah.engine import Engine
from mynah.engine.sampler import row_keys, sample
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, SamplingParams
from tests.model.tiny import full_logits, random_tokens, tiny_model

PARAMS = SamplingParams(max_new_tokens=20, seed=5)


class Only:
    """Permits multiples of a number, from the second token on; remembers what it was told."""

    def __init__(self, vocab_size: int, number: int) -> None:
        self.told: list[int] = []
        self._bias = torch.zeros(vocab_size).masked_fill(torch.arange(vocab_size) % number > 0, float("-inf"))

    def bias(self) -> Tensor | None:
        return self._bias if self.told else None

    def advance(self, token: int) -> None:
        self.told.append(token)


def run(engine: Engine, requests: list[int]) -> list[list[Completion]]:
    while engine._scheduler.urgent or engine._scheduler.waiting or engine._scheduler.running:
        engine.step()
    return [engine.collect(request) for request in requests]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_a_guide_steers_its_sample_and_no_other(dtype: torch.dtype) -> None:
    """Rows come and go around it: four rows, nine samples, top-p for some. The unguided are bit for bit as ever."""
    model = tiny_model(dtype=dtype)
    prompts = [random_tokens(5 + 7 * i, seed=i) for i in range(3)]
    several = [PARAMS, replace(PARAMS, top_p=0.8), replace(PARAMS, max_new_tokens=7, temperature=0.5)]

    def drawn(guided: bool) -> tuple[list[list[Completion]], list[Only]]:
        engine = Engine(model, rows=4)
        guides = [Only(model.config.vocab_size, 3 + i) for i in range(3)]
        requests = [engine.submit(p, q, 2, 2 * i) for i, (p, q) in enumerate(zip(prompts, several, strict=True))]
        if guided:
            requests.append(engine.submit(prompts[0], several[1], 3, 6, guides=guides))
        return run(engine, requests), guides

    (*plain, steered), guides = drawn(True)
    assert plain == drawn(False)[0] if dtype == torch.bfloat16 else True
    for mine, theirs in zip(plain, drawn(False)[0], strict=True):
        assert [c.tokens for c in mine] == [c.tokens for c in theirs]
    for completion, guide, number in zip(steered, guides, (3, 4, 5), strict=True):
        assert list(completion.tokens) == guide.told
        assert all(token % number == 0 for token in completion.tokens[1:])
        table = full_logits(model, [*prompts[0], *completion.tokens]).detach().float().log_softmax(-1)
        expected = table[len(prompts[0]) - 1 : -1].gather(1, torch.tensor(completion.tokens)[:, None]).squeeze(1)
        tolerance = 1e-4 if dtype == torch.float32 else 0.1
        assert completion.logprobs == pytest.approx(expected.tolist(), abs=tolerance)  # the model's own, unsteered


def test_steered_draws_follow_the_biased_distribution() -> None:
    """Frequencies over many keys against softmax((logits + bias) / T), cut to the nucleus of what is left."""
    count, vocab = 20_000, 8
    generator = torch.Generator().manual_seed(0)
    logits, bias = torch.randn(vocab, generator=generator), torch.randn(vocab, generator=generator)
    bias[2] = bias[5] = float("-inf")
    for temperature, top_p in ((1.0, 1.0), (0.6, 1.0), (1.3, 0.7)):
        numbers = torch.arange(count)
        keys = row_keys(torch.full((count,), 7), numbers, torch.zeros_like(numbers))
        warm, cut = torch.full((count,), temperature), torch.full((count,), top_p)
        steering = numbers, bias.expand(count, -1)
        drawn, _, table = sample(
            logits.expand(count, -1), keys, warm, torch.zeros(count).long(), cut, torch.zeros(count), steering
        )
        chances = ((logits + bias) / temperature).softmax(-1)
        order = chances.argsort(descending=True)
        outside = order[(chances[order].cumsum(0) - chances[order]) >= top_p]
        chances[outside] = 0
        chances /= chances.sum()
        found = torch.bincount(drawn, minlength=vocab) / count
        torch.testing.assert_close(found, chances, atol=0.015, rtol=0)
        torch.testing.assert_close(table[0], (logits / temperature).log_softmax(-1))


def test_greedy_takes_the_likeliest_of_what_is_left() -> None:
    logits = torch.tensor([[0.0, 3.0, 2.0], [0.0, 3.0, 2.0]])
    bias = torch.tensor([[1.0, float("-inf"), 0.0]])
    zeros = torch.zeros(2)
    choice, _, _ = sample(logits, zeros.long(), zeros, zeros.long(), zeros + 1, zeros, (torch.tensor([1]), bias))
    assert choice.tolist() == [1, 2]


def test_one_guide_a_sample(model: Transformer) -> None:
    with pytest.raises(AssertionError, match="one guide a sample"):
        Engine(model).submit((1, 2), PARAMS, n=2, guides=[Only(97, 2)])
