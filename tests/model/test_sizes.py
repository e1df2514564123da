"""The formulas of sizes.py against what PyTorch counts."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mynah.engine.kv_cache import KVCache
from mynah.model.packed import PackedPlan
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.train.packing import lay_out
from tests.model.test_parity import SHAPES
from tests.model.tiny import FAMILIES, TINY, plain, random_tokens


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_parameters_are_counted_right(shape: dict[str, Any]) -> None:
    config = replace(TINY, **shape)
    assert config.parameters() == sum(weight.numel() for weight in Transformer(config).parameters())


@pytest.mark.parametrize(("width", "layers"), [(32, 2), (64, 4), (192, 6), (512, 8), (768, 12), (1024, 24)])
def test_every_size_has_a_sound_shape(width: int, layers: int) -> None:
    config = ModelConfig.of_size(width, layers, 1000, 512, True, "llama")
    assert config.heads * config.head_width == width
    assert config.heads % config.kv_heads == 0
    assert 2.4 * width < config.ff_width < 3.1 * width
    with torch.device("meta"):
        assert config.parameters() == sum(weight.numel() for weight in Transformer(config).parameters())
        gpt2 = ModelConfig.of_size(width, layers, 1000, 512, True, "gpt2")
        assert gpt2.parameters() == sum(weight.numel() for weight in Transformer(gpt2).parameters())


def test_a_shape_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of kv_heads"):
        replace(TINY, kv_heads=3)
    with pytest.raises(ValueError, match="must be even"):
        replace(TINY, head_width=15)
    with pytest.raises(ValueError, match="without groups"):
        replace(TINY, architecture="gpt2")
    with pytest.raises(ValueError, match="must not exceed the sliding window"):
        replace(TINY, architecture="mistral", window=64, window_layers=(0, 1))


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_flops_are_counted_right(family: str) -> None:
    """Exactly the matrix products of a forward pass over sequences of 96 tokens, each of which meets 96 keys."""
    config = replace(TINY, **FAMILIES[family])
    model, batch = initialise(config, 0), lay_out([plain(random_tokens(96, seed)) for seed in range(8)])
    with FlopCounterMode(display=False) as counter:
        model.logits(model(batch.tokens, batch.positions, PackedPlan(batch, model.dtype)))
    assert counter.get_total_flops() == 8 * 96 * config.flops_per_token(96)


def test_cache_bytes_are_counted_right() -> None:
    """rows × the longest sequence in whole blocks × bytes a token, as it grows and shrinks."""
    cache = KVCache(TINY, 3, 256, torch.bfloat16, torch.device("cpu"))
    for length in (64, 256, 128):
        cache.fit(length, 3)
        held = sum(slab.untyped_storage().nbytes() for slab in (*cache.keys, *cache.values))
        assert held == 3 * length * TINY.kv_bytes_per_token()


def test_initialisation_is_a_function_of_the_seed() -> None:
    one, same, other = (initialise(TINY, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one if one[name].ndim == 2)
    torch.manual_seed(99)  # and of nothing else
    assert all(torch.equal(weight, one[name]) for name, weight in initialise(TINY, 3).state_dict().items())


def test_initialisation_has_the_stated_spread() -> None:
    weights = initialise(replace(TINY, tied=False, architecture="qwen2"), 0).state_dict()
    for name, weight in weights.items():
        if weight.ndim == 2:
            residual = name.endswith(("o_proj.weight", "down_proj.weight"))
            assert weight.std().item() == pytest.approx(0.01 if residual else 0.02, rel=0.06), name
        else:
            assert torch.equal(weight, torch.zeros_like(weight) if name.endswith("bias") else torch.ones_like(weight))
