"""decode.c against PyTorch: the same logits but for the order of sums, the same draws, nothing where it cannot run."""

import pytest
import torch

from mynah.engine import native
from mynah.engine.engine import Engine
from mynah.engine.native import Native
from mynah.engine.packed import Readable, readable
from mynah.engine.runner import Runner
from mynah.engine.sampler import row_keys, sample
from mynah.model.lora import LoRA, adapted
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.nouns import SamplingParams

pytestmark = pytest.mark.skipif(native.library() is None, reason="no C compiler here")

LLAMA = {"vocab_size": 500, "width": 64, "layers": 3, "heads": 4, "kv_heads": 2, "head_width": 32, "ff_width": 96}
SHAPES = {
    "llama": {},
    "one kv head": {"kv_heads": 1},
    "three queries a head": {"heads": 6, "head_width": 64},
    "every head its own": {"kv_heads": 4},
    "wide heads": {"head_width": 128, "heads": 2, "kv_heads": 1},
    "odd vocabulary": {"vocab_size": 301},
    "half a pair of panels": {"width": 48, "ff_width": 112},
    "untied": {"tied": False},
    "qwen2": {"architecture": "qwen2"},
    "qwen3": {"architecture": "qwen3"},
    "smollm3": {"architecture": "smollm3", "nope_layers": (1,)},
    "biases": {"attention_bias": True},
}


def model_of(**changes) -> Transformer:
    model = initialise(ModelConfig(**{**LLAMA, "context": 256, **changes}), 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():  # so that every part has a say, and none is 0 or 1
            if weight.ndim == 1:
                weight.add_(torch.randn(weight.shape, generator=generator) * 0.3)
            else:
                weight.mul_(4)
    return model.bfloat16()


def both(model: Transformer, rows: int, longest: int, int8: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits after one step over the same random cache: PyTorch's, and C's."""
    generator = torch.Generator().manual_seed(rows)
    positions = torch.randint(longest, (rows,), generator=generator)
    tokens = torch.randint(model.config.vocab_size, (rows,), generator=generator)
    answers = []
    with torch.inference_mode():
        slabs = None
        for plain in (True, False):
            runner = Runner(model, rows, 256, int8)
            runner.cache.fit(-(-longest // 64) * 64)
            slabs = slabs or [torch.randn(x.shape, generator=generator) / 2 for x in runner.cache.keys * 2]
            for slab, numbers in zip((*runner.cache.keys, *runner.cache.values), slabs, strict=True):
                slab.copy_(numbers)
            now = readable(model, int8)
            assert now.native is not None
            runner._readable = Readable(now.model, now.head, now.single_rows, None if plain else now.native)
            answers.append(runner.decode(tokens, positions).float())
    return answers[0], answers[1]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rows", "longest"), [(1, 64), (7, 40), (23, 200)])
def test_a_step_has_pytorchs_logits(shape: str, rows: int, longest: int) -> None:
    plain, fast = both(model_of(**SHAPES[shape]), rows, longest)
    spread = plain.std()
    assert spread > 0.3, "logits that are all alike would prove nothing"
    assert (plain - fast).abs().max() < 0.12 * spread  # a few bf16 roundings that fall the other way
    assert (plain - fast).abs().mean() < 0.01 * spread


def test_a_step_in_8_bits_has_pytorchs_logits() -> None:
    plain, fast = both(model_of(), 9, 100, int8=True)
    assert (plain - fast).abs().mean() < 0.02 * plain.std()
    exact, _ = both(model_of(), 9, 100)
    assert (plain - exact).abs().mean() > (plain - fast).abs().mean(), "8 bits differ from 16 more than C from PyTorch"


@pytest.mark.parametrize("rows", [2, 10, 11, 37])
def test_a_row_comes_out_the_same_alone_and_among_others(rows: int) -> None:
    model = model_of()
    with torch.inference_mode():
        many, one = Runner(model, rows, 256), Runner(model, 1, 256)
        for runner in (many, one):
            runner.cache.fit(128)
        for slabs, alone in ((many.cache.keys, one.cache.keys), (many.cache.values, one.cache.values)):
            for slab, single in zip(slabs, alone, strict=True):
                slab.copy_(torch.randn(slab.shape))
                single.copy_(slab[-1:])
        tokens, positions = torch.arange(rows), torch.arange(rows) + 60
        together = many.decode(tokens, positions)
        assert torch.equal(together[-1:], one.decode(tokens[-1:], positions[-1:]))
        for slab, single in zip(many.cache.keys, one.cache.keys, strict=True):
            assert torch.equal(slab[-1:], single)


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("vocab", [17, 500, 4096])
def test_a_draw_is_the_samplers(temperature: float, vocab: int) -> None:
    rows = 400
    logits = (torch.randn(rows, vocab, generator=torch.Generator().manual_seed(vocab)) * 3).bfloat16()
    keys = row_keys(torch.full((rows,), 5), torch.arange(rows), torch.arange(rows) % 7)
    one = torch.ones(rows)
    tokens, logprobs, _ = sample(logits, keys, one * temperature, one.long() * 0, one, one * 0)
    drawn, scores = native.draw(logits, keys, one * temperature)
    if temperature:
        assert torch.equal(tokens, drawn)
    else:  # of several that are as likely, C takes the first
        assert torch.equal(logits.float().amax(1), logits.float().gather(1, drawn[:, None])[:, 0])
        assert all((logits[i, : drawn[i]] < logits[i, drawn[i]]).all() for i in range(rows))
        return
    assert (logprobs - scores).abs().max() < 3e-6


def test_an_impossible_token_is_never_drawn() -> None:
    logits = torch.full((64, 40), float("-inf"), dtype=torch.bfloat16)
    logits[:, 33] = 1.0
    tokens, logprobs = native.draw(logits, torch.arange(64), torch.ones(64))
    assert tokens.tolist() == [33] * 64
    assert logprobs.abs().max() < 1e-6


def test_what_c_does_not_do_is_left_to_pytorch() -> None:
    fine = model_of()
    assert Native.of(fine) is not None
    assert Native.of(model_of().float()) is None
    assert Native.of(model_of(head_width=16)) is None
    assert Native.of(adapted(fine, LoRA(rank=2), 0)) is None
    gpt2 = {"architecture": "gpt2", "kv_heads": 4, "head_width": 16}
    assert Native.of(model_of(**gpt2)) is None


def test_learning_goes_on_from_new_weights_after_refresh() -> None:
    model = model_of()
    engine, greedy = Engine(model, rows=4), SamplingParams(12, 0.0)
    [[before]] = engine.generate([[1, 2, 3]], greedy)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.flip(0))
    engine.refresh()
    [[after]] = engine.generate([[1, 2, 3]], greedy)
    [[anew]] = Engine(model, rows=4).generate([[1, 2, 3]], greedy)
    assert after.tokens == anew.tokens != before.tokens


@pytest.mark.parametrize("setting", [("MYNAH_NATIVE", "0"), ("CC", "false"), ("CC", "no-such-compiler")])
def test_without_a_compiler_pytorch_does_it_all(setting, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(*setting)
    native.library.cache_clear()
    try:
        assert native.library() is None
        assert Native.of(model_of()) is None
        [[answer]] = Engine(model_of(), rows=4).generate([[1, 2, 3]], SamplingParams(5))
        assert len(answer.tokens) == 5
    finally:
        monkeypatch.undo()
        native.library.cache_clear()
    assert not list(tmp_path.rglob("*.so"))
    assert native.library() is not None
