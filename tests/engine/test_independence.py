"""A sequence is a function of (weights, prompt, settings, seed, sequence number), whatever shares the batch.

In bf16 bit for bit, log-probabilities included; in fp32, where small and large matrix products may differ in the last
bits, the tokens are the same and log p agrees to 1e-5.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from mynah.engine import Engine, Token, kv_cache
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, SamplingParams
from tests.model.tiny import FAMILIES, random_tokens, tiny_model

PARAMS = SamplingParams(max_new_tokens=20, seed=5, stop=(3,))
FP32 = 1e-5
both_formats = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])


def alone(
    model: Transformer, prompt: Sequence[int], params: SamplingParams, sequence: int, rows: int = 1
) -> Completion:
    [[completion]] = Engine(model, rows).generate([prompt], params, first_sequence=sequence)
    return completion


def assert_same(one: Completion, other: Completion, dtype: torch.dtype) -> None:
    assert one.tokens == other.tokens
    assert one.finish_reason == other.finish_reason
    if dtype == torch.bfloat16:
        assert one.logprobs == other.logprobs
    assert one.logprobs == pytest.approx(other.logprobs, abs=FP32)


@both_formats
@pytest.mark.parametrize(
    "shape",
    [
        {},
        {
            "architecture": "qwen3",
            "kv_heads": 1,
            "head_width": 8,
        },  # products so small that PyTorch would special-case them
        {"architecture": "qwen2", "width": 32, "head_width": 32, "ff_width": 64, "tied": False},
        FAMILIES["gpt2"],
    ],
    ids=["llama", "qwen3-small", "qwen2", "gpt2"],
)
def test_output_does_not_depend_on_batch_mates(
    prompts: list[tuple[int, ...]], dtype: torch.dtype, shape: dict[str, Any]
) -> None:
    model = tiny_model(dtype=dtype, **shape)
    together = Engine(model, rows=24).generate(prompts, PARAMS, n=2)
    for i, prompt in enumerate(prompts):
        for k in range(2):
            assert_same(alone(model, prompt, PARAMS, i * 2 + k), together[i][k], dtype)


@both_formats
def test_output_does_not_depend_on_how_the_cache_grew(prompts: list[tuple[int, ...]], dtype: torch.dtype) -> None:
    """The cache is as long as the longest sequence in flight: it grows with it, and shrinks when it is gone."""
    model = tiny_model(dtype=dtype)
    together = Engine(model, rows=8)
    assert together._runner.cache.length == kv_cache.BLOCK
    lengths, step = [], together.step

    def watched() -> list[Token]:
        tokens = step()
        lengths.append(together._runner.cache.length)
        return tokens

    together.step = watched  # type: ignore[method-assign]
    requests = [
        together.submit(prompt, replace(PARAMS, max_new_tokens=20 + 10 * i), sequence=i)
        for i, prompt in enumerate(sorted(prompts, key=len, reverse=True))
    ]
    while together._scheduler.running or together._scheduler.waiting:
        together.step()
    assert max(lengths) == 3 * kv_cache.BLOCK
    assert lengths[-1] < max(lengths)  # the longest prompt had the smallest budget
    for i, (request, prompt) in enumerate(zip(requests, sorted(prompts, key=len, reverse=True), strict=True)):
        params = replace(PARAMS, max_new_tokens=20 + 10 * i)
        assert_same(together.collect(request)[0], alone(model, prompt, params, i), dtype)

    long = Engine(tiny_model(dtype=dtype, context=131_072), rows=128)  # an open model's context is not held unused
    assert sum(slab.nbytes for slab in long._runner.cache.keys) < 10**7


@both_formats
def test_output_does_not_depend_on_rows_or_passes(prompts: list[tuple[int, ...]], dtype: torch.dtype) -> None:
    model = tiny_model(dtype=dtype)
    wide = Engine(model, rows=64).generate(prompts, PARAMS, n=2)
    engines = [Engine(model, rows=3), Engine(model, rows=7, prefill_tokens=70), Engine(model, rows=20, context=200)]
    for engine in engines:
        for ours, theirs in zip(wide, engine.generate(prompts, PARAMS, n=2), strict=True):
            for one, other in zip(ours, theirs, strict=True):
                assert_same(one, other, dtype)


@both_formats
def test_n_samples_of_one_prefill_equal_n_requests(dtype: torch.dtype) -> None:
    model, prompt = tiny_model(dtype=dtype), random_tokens(30)
    [together] = Engine(model, rows=8).generate([prompt], PARAMS, n=6, first_sequence=40)
    assert len({completion.tokens for completion in together}) == 6
    for k, completion in enumerate(together):
        assert_same(alone(model, prompt, PARAMS, 40 + k, rows=4), completion, dtype)


@both_formats
def test_neighbours_with_other_settings_change_nothing(prompts: list[tuple[int, ...]], dtype: torch.dtype) -> None:
    model, prompt = tiny_model(dtype=dtype), random_tokens(50, seed=77)
    engine = Engine(model, rows=12)
    mine = engine.submit(prompt, PARAMS, n=1, sequence=900)
    for i, other in enumerate(prompts):
        settings = SamplingParams(
            8 + 5 * i, temperature=0.3 * i, top_k=i % 4, top_p=1 - 0.05 * i, min_p=0.02 * (i % 2), top_logprobs=i % 3
        )
        engine.submit(other, settings, n=1 + i % 3)
    done: list[Completion] = []
    while len(done) == 0:
        if any(token.request == mine and token.finish_reason for token in engine.step()):
            done = engine.collect(mine)
    assert_same(done[0], alone(model, prompt, PARAMS, 900), dtype)


@both_formats
def test_reused_rows_remember_nothing(prompts: list[tuple[int, ...]], dtype: torch.dtype) -> None:
    """Long sequences fill the cache, short ones follow in the same rows and are swapped about."""
    model = tiny_model(dtype=dtype)
    used = Engine(model, rows=4)
    used.generate([random_tokens(200, seed=n) for n in range(4)], replace(PARAMS, max_new_tokens=50, stop=()))
    for cache in (used._runner.cache.keys, used._runner.cache.values):
        for slab in cache:
            assert slab.abs().amax(dim=(1, 2, 3)).min() > 0  # every row has been used
    again, fresh = (engine.generate(prompts, PARAMS, n=2) for engine in (used, Engine(model, rows=4)))
    assert again == fresh  # same engine shape: to the bit, in fp32 too


def test_no_layer_gets_few_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrix products of a few rows take other kernels; the last bits seldom show it, so it is held here."""
    model, widths = tiny_model(), []

    def listen(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        widths.append(len(inputs[0]))

    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(listen)
    logits = model.logits
    monkeypatch.setattr(model, "logits", lambda hidden: widths.append(len(hidden)) or logits(hidden))
    alone(model, (1,), PARAMS, 0)
    assert len(widths) > 20
    assert min(widths) >= 16


def test_a_draw_depends_on_seed_sequence_and_position(model: Transformer) -> None:
    prompt = random_tokens(10)
    first = alone(model, prompt, PARAMS, 0)
    assert alone(model, prompt, PARAMS, 0) == first
    assert alone(model, prompt, PARAMS, 1).tokens != first.tokens
    assert alone(model, prompt, replace(PARAMS, seed=6), 0).tokens != first.tokens
    # at one and the same distribution, other positions draw other tokens
    flat = tiny_model()
    with torch.no_grad():
        flat.embed_tokens.weight.zero_()
    assert len(set(alone(flat, prompt, replace(PARAMS, stop=()), 0).tokens)) > 12
    # and what was drawn so far does not matter: a continued sequence goes on as it would have
    tail = alone(model, (*prompt, *first.tokens[:6]), replace(PARAMS, max_new_tokens=14), 0)
    assert tail.tokens == first.tokens[6:]


def test_the_engine_counts_sequences_when_not_told(model: Transformer) -> None:
    prompt, engine = random_tokens(10), Engine(model, rows=8)
    requests = [engine.submit(prompt, PARAMS, n) for n in (2, 1)]
    while len(engine._requests[requests[1]].done) < 1 or len(engine._requests[requests[0]].done) < 2:
        engine.step()
    counted = [completion.tokens for request in requests for completion in engine.collect(request)]
    assert counted == [alone(model, prompt, PARAMS, sequence).tokens for sequence in range(3)]
