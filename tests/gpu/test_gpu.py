"""What must hold on an NVIDIA GPU as it does on the CPU; left out where there is none.

The CPU in fp32 is the oracle. Bit for bit is asked only where the very same kernels run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from mynah.engine import Engine, triton_draw
from mynah.engine.sampler import gumbel, row_keys
from mynah.engine.scheduler import Row
from mynah.model.hub import load_policy
from mynah.model.packed import PackedPlan
from mynah.model.precision import Hardware
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, Group, SamplingParams
from mynah.train.optim import OptimSettings
from mynah.train.packing import FILL, lay_out
from mynah.train.step import Learner
from mynah.train.token_loss import token_logprobs
from tests.model.tiny import FAMILIES, random_tokens, tiny_model

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")

GPU = torch.device("cuda")
BF16 = 0.06
"""Largest |Δ log p| of a tiny random model in bf16 against fp32."""


def plain(length: int) -> Group:
    return Group(random_tokens(length, length), (False,) + (True,) * (length - 1))


def ranked(length: int, branches: Sequence[int]) -> Group:
    """A prompt with answers, all of whose tokens are supervised."""
    answers = tuple(random_tokens(n, length + n) for n in branches)
    masks = tuple((True,) * n for n in branches)
    return Group(random_tokens(length, length), (False,) * length, answers, masks)


GROUPS = {
    "no siblings": [plain(n) for n in (3, 31, 32, 70, 200)] + [ranked(40, [9])],
    "siblings": [ranked(20, [5, 17, 3]), ranked(50, [4, 4]), ranked(7, [60, 1])],
    "both": [plain(40), ranked(20, [5, 12]), plain(9)],
}
SHAPES = {"llama": {}, "qwen3": {"architecture": "qwen3"}, "gpt2": FAMILIES["gpt2"]}
groups_of_each_kind = pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def on_gpu(model: Transformer, dtype: torch.dtype = torch.bfloat16) -> Transformer:
    """A copy of `model` there."""
    twin = Transformer(model.config)
    twin.load_state_dict(model.state_dict())
    return twin.to(GPU, dtype)


def logprobs(model: Transformer, groups: Sequence[Group]) -> torch.Tensor:
    return token_logprobs(model, lay_out(groups, model.device, FILL))


@every_shape
@groups_of_each_kind
def test_log_probabilities_are_those_of_the_cpu(shape: dict[str, object], groups: list[Group]) -> None:
    model = tiny_model(**shape)
    expected = logprobs(model, groups)
    exact = logprobs(on_gpu(model, torch.float32), groups).cpu()
    torch.testing.assert_close(exact, expected, atol=2e-4, rtol=0)
    assert (logprobs(on_gpu(model), groups).cpu() - expected).abs().max() < BF16


def gradient(weight: torch.Tensor) -> torch.Tensor:
    assert weight.grad is not None
    return weight.grad.float().cpu()


@groups_of_each_kind
def test_gradients_are_those_of_the_cpu(groups: list[Group]) -> None:
    model = tiny_model()
    twin, rounded = on_gpu(model, torch.float32), on_gpu(model)
    for one in (model, twin, rounded):
        logprobs(one, groups).mean().backward()
    for (name, weight), exact, rough in zip(
        model.named_parameters(), twin.parameters(), rounded.parameters(), strict=True
    ):
        expected, close, rough_one = (gradient(one) for one in (weight, exact, rough))
        assert (close - expected).norm() <= 1e-3 * expected.norm(), name
        assert (rough_one - expected).norm() <= 0.1 * expected.norm(), name


def test_a_prompt_shared_by_its_answers_gives_what_each_gets_alone() -> None:
    model = on_gpu(tiny_model(), torch.float32)
    shared = ranked(30, [6, 11, 2])
    alone = [
        Group(shared.trunk, shared.trunk_mask, (b,), (m,))
        for b, m in zip(shared.branches, shared.branch_masks, strict=True)
    ]
    torch.testing.assert_close(logprobs(model, [shared]), logprobs(model, alone), atol=2e-5, rtol=0)


def answers(engine: Engine, params: SamplingParams, n: int = 2) -> list[Completion]:
    prompts = [random_tokens(k, k) for k in (1, 5, 63, 64, 65, 130, 40)]
    return [one for many in engine.generate(prompts, params, n) for one in many]


@every_shape
def test_the_engine_says_what_the_learner_says(shape: dict[str, object]) -> None:
    model = on_gpu(tiny_model(**shape))
    prompts = [random_tokens(k, k) for k in (1, 5, 63, 64, 65, 130, 40)]
    for prompt, one in zip(prompts, answers(Engine(model, rows=5), SamplingParams(40, seed=3), n=1), strict=True):
        length = len(prompt)
        group = Group(prompt, (False,) * length, (one.tokens,), ((True,) * len(one.tokens),))
        gap = (logprobs(model, [group]).cpu() - torch.tensor(one.logprobs)).abs()
        assert gap.max() < BF16


@every_shape
@pytest.mark.parametrize("temperature", [1.0, 0.0])
def test_recorded_steps_are_the_steps(shape: dict[str, object], temperature: float) -> None:
    """To the bit: played back three times over, against steps that are launched one by one."""
    model = on_gpu(tiny_model(**shape))
    params = SamplingParams(60, temperature, stop=(3, 4), seed=5)
    recorded, launched = Engine(model, rows=8), Engine(model, rows=8)
    assert recorded._ahead
    assert launched._ahead
    launched._ahead.record = False
    launched._ahead.pool = None
    for _ in range(3):
        for one, other in zip(answers(recorded, params), answers(launched, params), strict=True):
            assert (one.tokens, one.logprobs) == (other.tokens, other.logprobs)
    assert recorded._ahead._graphs
    assert not launched._ahead._graphs


def test_little_memory_changes_no_token() -> None:
    """Rows step back, and the slabs are made anew with fewer or more of them, under recorded steps. In fp32 and
    greedily, for what is read again comes out of other kernels than what was decoded."""
    model = on_gpu(tiny_model(context=1024), torch.float32)
    params = SamplingParams(150, temperature=0.0)
    plenty, little = Engine(model, rows=6), Engine(model, rows=6, slots=1280)
    put_back, cache, stepped_back, held = little._scheduler.put_back, little._runner.cache, [], []

    def watched(row: Row) -> None:
        stepped_back.append(row)
        held.append(cache.rows * cache.keys[0].shape[2])
        put_back(row)

    little._scheduler.put_back = watched  # type: ignore[method-assign]
    for one, other in zip(answers(plenty, params), answers(little, params), strict=True):
        assert one.tokens == other.tokens
    assert stepped_back
    assert max(held) <= 1280


def test_a_recorded_step_reads_new_weights() -> None:
    model = on_gpu(tiny_model())
    engine, params = Engine(model, rows=8), SamplingParams(40, temperature=0.0)
    for _ in range(3):
        before = answers(engine, params)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    engine.refresh()
    after = answers(engine, params)
    assert [one.tokens for one in after] != [one.tokens for one in before]
    assert [one.tokens for one in after] == [one.tokens for one in answers(Engine(model, rows=8), params)]


def test_a_stream_gets_each_token_as_it_comes() -> None:
    engine = Engine(on_gpu(tiny_model()), rows=2)
    tokens = list(engine.stream(random_tokens(9, 1), SamplingParams(30)))
    assert len(tokens) == 30
    assert tokens[-1].finish_reason == "length"


@pytest.mark.skipif(triton_draw.triton is None, reason="needs Triton")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("vocab_size", [97, 2048, 151_936])
def test_triton_draws_what_pytorch_draws(vocab_size: int, dtype: torch.dtype) -> None:
    assert triton_draw.available()
    torch.manual_seed(0)
    logits = (3 * torch.randn(64, vocab_size, device=GPU)).to(dtype)
    numbers = torch.arange(64, device=GPU)
    keys = row_keys(numbers % 3, numbers * 7, numbers + 3)
    temperature = torch.ones(64, device=GPU)
    temperature[::4], temperature[1::4] = 0.0, 0.7
    tokens, found = triton_draw.draw(logits, keys, temperature)
    table = (logits.float() / temperature.masked_fill(temperature == 0, 1.0)[:, None]).log_softmax(-1)
    noisy = table + gumbel(keys, vocab_size).masked_fill((temperature == 0)[:, None], 0.0)
    best = noisy.topk(2).values
    clear = best[:, 0] - best[:, 1] > 1e-4  # two numbers as close may be told apart either way
    assert clear.sum() > 50
    assert torch.equal(tokens[clear], noisy.argmax(-1)[clear])
    torch.testing.assert_close(found, table.gather(1, tokens[:, None]).squeeze(1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_model_learns_in_bf16(optimiser: str) -> None:
    model = on_gpu(tiny_model())
    settings = OptimSettings(learning_rate=3e-3, optimiser=optimiser)
    learner, groups = Learner(model, settings, 60), [plain(n) for n in (20, 33, 64)]
    losses = [learner.update([-logprobs(model, groups).mean()]).loss for _ in range(60)]
    assert losses[0] > 4
    assert losses[-1] < 0.5 * losses[0]


def test_compiled_blocks_compute_the_same() -> None:
    model = on_gpu(tiny_model())
    groups = GROUPS["both"]
    before = logprobs(model, groups).detach()
    model.compile_blocks()
    after = logprobs(model, groups)
    assert (after.detach() - before).abs().max() < BF16
    after.mean().backward()
    engine = Engine(model, rows=4)
    assert len(answers(engine, SamplingParams(20))) == 14


def test_plans_agree_with_plain_attention() -> None:
    """The kernel for those without siblings, and the one with a bias."""
    model = on_gpu(tiny_model(), torch.float32)
    groups = GROUPS["no siblings"]
    batch = lay_out(groups, GPU, FILL)
    causal = model(batch.tokens, batch.positions, PackedPlan(batch, torch.float32))
    assert all(bias is None for _, bias in PackedPlan(batch, torch.float32).rows.parts)
    on_cpu = lay_out(groups, "cpu", FILL)
    expected = model.cpu()(on_cpu.tokens, on_cpu.positions, PackedPlan(on_cpu, torch.float32))
    held = sum(map(len, groups))
    torch.testing.assert_close(causal.cpu()[:held], expected[:held], atol=1e-4, rtol=0)


def test_a_checkpoint_comes_from_the_gpu_as_it_went(tiny_base: Path) -> None:
    there = load_policy(tiny_base, torch.bfloat16, Hardware(device="cuda").device)
    here = load_policy(tiny_base, torch.bfloat16)
    for (name, one), other in zip(there.named_parameters(), here.parameters(), strict=True):
        assert one.device.type == "cuda"
        assert torch.equal(one.cpu(), other), name
