"""Weights in 8 bits: close to the exact ones, the same in any batch, a quarter of fp32 to read, and never for a GPU."""

import pytest
import torch

from mynah.agent.assistant import Assistant
from mynah.engine import Engine
from mynah.engine.packed import Int8Linear
from mynah.errors import UserError
from mynah.model.precision import Hardware
from mynah.nouns import SamplingParams
from tests.model.tiny import FAMILIES, tiny_model

PARAMS = SamplingParams(max_new_tokens=20, seed=5, stop=(3,), prompt_logprobs=True)
both_formats = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])


@both_formats
def test_a_product_is_the_exact_one_to_half_a_step(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = (torch.randn(96, 64, generator=generator) * torch.linspace(0.01, 3, 96)[:, None]).to(dtype)
    weight[5] = 0  # an output that is always the bias
    x, bias = torch.randn(7, 64, generator=generator).to(dtype), torch.linspace(-1, 1, 96).to(dtype)
    layer = Int8Linear(weight, bias)
    assert layer.rounded.dtype == torch.int8
    step = weight.float().abs().amax(1) / 127
    bound = x.float().abs().sum(1)[:, None] * step / 2
    off = (layer(x).float() - torch.nn.functional.linear(x.double(), weight.double(), bias.double()).float()).abs()
    format_error = torch.finfo(dtype).eps * 64
    assert (off <= bound + format_error).all()
    assert off.max() > 0  # it does round


@both_formats
@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2"])
def test_output_does_not_depend_on_batch_mates(prompts: list[tuple[int, ...]], dtype: torch.dtype, family: str) -> None:
    model = tiny_model(dtype=dtype, **FAMILIES[family])
    together = Engine(model, rows=16, int8=True).generate(prompts, PARAMS)
    for i, prompt in enumerate(prompts):
        [[alone]] = Engine(model, rows=1, int8=True).generate([prompt], PARAMS, first_sequence=i)
        assert alone.tokens == together[i][0].tokens
        assert alone.logprobs == pytest.approx(together[i][0].logprobs, abs=0 if dtype == torch.bfloat16 else 1e-5)


def test_the_model_is_nearly_the_same_and_its_own_weights_are_untouched(prompts: list[tuple[int, ...]]) -> None:
    model = tiny_model()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    exact, rounded = (Engine(model, int8=int8).generate(prompts, PARAMS) for int8 in (False, True))
    off = [
        abs(a - b)
        for [one], [other] in zip(exact, rounded, strict=True)
        for a, b in zip(one.prompt_logprobs, other.prompt_logprobs, strict=True)
    ]
    assert 0 < sum(off) / len(off) < 0.02
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_a_gpu_has_no_use_for_it(tmp_path) -> None:
    with pytest.raises(UserError, match="leave int8 off"):
        Assistant.load(tmp_path, Hardware(device="cuda", dtype="bfloat16"), int8=True)
