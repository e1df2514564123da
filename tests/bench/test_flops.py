"""The least arithmetic of training, held against what PyTorch counts while our own passes run."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.flops import forward, ppo_iteration
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import initialise
from mynah.nouns import Group
from mynah.train.packing import microbatches
from mynah.train.token_loss import token_logprobs

SHAPE = ModelConfig(vocab_size=512, width=64, layers=2, heads=4, kv_heads=2, head_width=16, ff_width=96, context=64)
KEY = 2 * 2 * SHAPE.layers * SHAPE.heads * SHAPE.head_width
"""FLOPs of one token's attention to one other."""


def counted(groups: list[Group]) -> dict[str, int]:
    """FLOPs of `token_logprobs`: products with weights, and products of attention."""
    model = initialise(SHAPE, seed=0)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        for batch in microbatches(groups, 1000, model.device):
            token_logprobs(model, batch)
    found = counter.get_flop_counts()["Global"]
    return {str(name): count for name, count in found.items()}


def test_products_with_weights_are_as_many_as_pytorch_counts() -> None:
    """Two rows of 32 fill a stream of 64: nothing is padded but the 62 predictions, to 64."""
    rows = [Group(tuple(range(32)), (False,) + (True,) * 31)] * 2
    found = counted(rows)
    attention = KEY * 32 * 33 // 2
    ours = 2 * (forward(SHAPE, 32, predicted=32) - attention)
    assert found["aten.mm"] == ours
    assert found["aten.bmm"] == 2 * KEY * 32 * 32  # of which the causal half is needed


def test_a_shared_prompt_is_counted_once() -> None:
    alone = forward(SHAPE, 20 + 5) + forward(SHAPE, 20 + 7)
    assert forward(SHAPE, 20, [5, 7]) == alone - forward(SHAPE, 20)
    group = Group(tuple(range(40)), (False,) * 40, ((1,) * 12,) * 2, ((True,) * 12,) * 2)
    products = forward(SHAPE, 40, [12, 12], predicted=64) - KEY * (40 * 41 // 2 + 2 * (12 * 40 + 12 * 13 // 2))
    assert counted([group])["aten.mm"] == products  # 24 predictions, filled up to 64


def test_an_iteration_of_ppo_is_eleven_forward_passes_of_which_six_predict() -> None:
    passes = 11 * forward(SHAPE, 64, [64] * 4) + 6 * 4 * 64 * 2 * SHAPE.vocab_size * SHAPE.width
    assert ppo_iteration(SHAPE, prompts=16, samples=4, prompt=64, new=64) == 16 * passes
