"""`hardware.compile`: the learner's blocks are compiled, compute the same, and the engine goes on without them."""

import shutil
from functools import partialmethod

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from mynah.engine import Engine
from mynah.model.heads import with_scalar_head
from mynah.model.packed import PackedPlan
from mynah.model.precision import Hardware, place
from mynah.model.transformer import Block, Transformer
from mynah.nouns import Group, SamplingParams
from mynah.train.packing import lay_out
from mynah.train.token_loss import token_logprobs
from tests.model.tiny import plain, random_tokens, tiny_model

COMPILED = Hardware(device="cpu", dtype="float32", compile=True)
LAYERS = 10  # more than torch.compile is willing to compile one after another


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile traces as it always does, then runs the graphs without a C++ compiler."""
    torch.compiler.reset()
    counters.clear()
    monkeypatch.setattr(Block, "compile", partialmethod(nn.Module.compile, backend="eager"))


def group(prompt: int, completion: int) -> Group:
    branches = tuple(random_tokens(completion, seed) for seed in (1, 2))
    return Group(random_tokens(prompt), (False,) * prompt, branches, ((True,) * completion,) * 2)


def gradients(model: Transformer, groups: list[Group]) -> tuple[Tensor, list[Tensor]]:
    model.zero_grad()
    logprobs = token_logprobs(model, lay_out(groups))
    logprobs.sum().backward()
    return logprobs.detach(), [weight.grad for weight in model.parameters() if weight.grad is not None]


def assert_compiled_equals_plain(layers: int) -> None:
    model, compiled = tiny_model(layers=layers), place(tiny_model(layers=layers), COMPILED)
    for groups in ([group(10, 4)], [group(20, 7)] * 2, [group(33, 9)] * 3, [group(150, 10)] * 2, [group(50, 3)] * 2):
        (values, grads), (values_2, grads_2) = gradients(model, groups), gradients(compiled, groups)
        torch.testing.assert_close(values, values_2, rtol=0, atol=1e-4)
        for grad, grad_2 in zip(grads, grads_2, strict=True):
            torch.testing.assert_close(grad, grad_2, rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("traced")
def test_a_compiled_model_learns_the_same() -> None:
    """All shapes and layers share few graphs: one batch row or several, short rows or long."""
    assert_compiled_equals_plain(LAYERS)
    assert 1 <= counters["stats"]["unique_graphs"] <= 4


@pytest.mark.usefixtures("traced")
def test_with_attention_left_out_all_layers_share_code_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is on a GPU; with batches of other parts as well."""
    monkeypatch.setattr(PackedPlan, "attend", lambda plan, layer, q, k, v: plan.rows.uncompiled(q, k, v))
    assert_compiled_equals_plain(LAYERS)
    assert counters["stats"]["unique_graphs"] < LAYERS


@pytest.mark.usefixtures("traced")
def test_the_engine_runs_a_compiled_model_as_it_is() -> None:
    params = SamplingParams(max_new_tokens=6)
    [expected] = Engine(tiny_model(layers=LAYERS)).generate([(1, 2, 3)], params, n=2)
    compiled = place(tiny_model(layers=LAYERS), COMPILED)
    gradients(compiled, [group(10, 4)])
    graphs = counters["stats"]["unique_graphs"]
    assert graphs > 0
    assert Engine(compiled).generate([(1, 2, 3)], params, n=2) == [expected]
    assert counters["stats"]["unique_graphs"] == graphs


@pytest.mark.usefixtures("traced")
@torch.no_grad()
def test_a_reward_model_made_of_a_compiled_policy_has_its_own_weights() -> None:
    policy = place(tiny_model(), COMPILED)
    reward = with_scalar_head(policy, 0)
    batch = lay_out([plain(random_tokens(9))])
    before = reward.hidden(batch.tokens, batch.positions, PackedPlan(batch, reward.dtype))
    assert counters["stats"]["unique_graphs"] > 0  # it is compiled, too
    for weight in policy.parameters():
        weight.zero_()
    assert torch.equal(reward.hidden(batch.tokens, batch.positions, PackedPlan(batch, reward.dtype)), before)


@pytest.mark.stress
@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="needs a C++ compiler")
def test_code_from_the_compiler_learns_the_same() -> None:
    torch.compiler.reset()
    assert_compiled_equals_plain(layers=2)
