"""AdamW and Muon with fp32 masters, the moving average, schedules: against their formulas."""

import copy
import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from mynah.train.muon import Muon
from mynah.train.optim import MasterOptimiser, OptimSettings, learning_rate


class Weights(nn.Module):
    """A matrix and a vector."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.matrix = nn.Parameter(torch.randn(4, 3, generator=draw).to(dtype))
        self.vector = nn.Parameter(torch.randn(3, generator=draw).to(dtype))
        self.fixed = nn.Parameter(torch.ones(2, dtype=dtype), requires_grad=False)


def settings(**changes: object) -> OptimSettings:
    return OptimSettings.model_validate({"learning_rate": 0.1, "schedule": "constant", "warmup": 0} | changes)


def gradients(step: int, model: Weights) -> list[Tensor]:
    draw = torch.Generator().manual_seed(step + 10)
    return [torch.randn(weight.shape, generator=draw).to(weight.dtype) for weight in (model.matrix, model.vector)]


def take_steps(model: Weights, optimiser: MasterOptimiser, steps: range) -> list[float]:
    changed = []
    for step in steps:
        for weight, gradient in zip((model.matrix, model.vector), gradients(step, model), strict=True):
            weight.grad = gradient
        optimiser.collect()
        changed.append(optimiser.step(step))
    return changed


def textbook_adamw(weight: Tensor, gradients: list[Tensor], s: OptimSettings, decay: float) -> Tensor:
    """Loshchilov & Hutter 2019, algorithm 2, in fp64."""
    weight, m, v = weight.double(), torch.zeros(()), torch.zeros(())
    for t, gradient in enumerate(gradients, 1):
        g = gradient.double()
        m = s.beta1 * m + (1 - s.beta1) * g
        v = s.beta2 * v + (1 - s.beta2) * g * g
        direction = (m / (1 - s.beta1**t)) / ((v / (1 - s.beta2**t)).sqrt() + s.epsilon)
        weight = weight - s.learning_rate * direction - s.learning_rate * decay * weight
    return weight


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_the_textbooks_adamw_and_decays_matrices_only(dtype: torch.dtype) -> None:
    model, s = Weights(dtype), settings(weight_decay=0.3, epsilon=1e-5)
    start = copy.deepcopy(model)
    optimiser = MasterOptimiser(model, s, 6)
    take_steps(model, optimiser, range(6))
    columns = list(zip(*(gradients(step, model) for step in range(6)), strict=True))
    want = [
        textbook_adamw(start.matrix.detach(), list(columns[0]), s, 0.3),
        textbook_adamw(start.vector.detach(), list(columns[1]), s, 0.0),
    ]
    for master, working, expected in zip(optimiser.masters, (model.matrix, model.vector), want, strict=True):
        assert master.dtype == torch.float32
        torch.testing.assert_close(master.detach().double(), expected, atol=1e-5, rtol=1e-5)
        assert torch.equal(working, master.to(dtype)), "working weights are the masters, rounded"
    assert torch.equal(model.fixed, torch.ones(2, dtype=dtype))


def test_updates_too_small_for_bf16_add_up_in_the_masters() -> None:
    """An update of 1/1000 of a weight rounds away in bf16; after some of them the weight moves."""
    model = Weights(torch.bfloat16)
    with torch.no_grad():
        model.matrix.fill_(1.0)
        model.vector.fill_(1.0)
    optimiser = MasterOptimiser(model, settings(learning_rate=0.0005), 20)
    changed = []
    for step in range(20):
        for weight in (model.matrix, model.vector):
            weight.grad = torch.ones_like(weight)  # Adam's step is then exactly the learning rate
        optimiser.collect()
        changed.append(optimiser.step(step))
    torch.testing.assert_close(optimiser.masters[0].detach(), torch.full((4, 3), 1 - 20 * 0.0005))
    assert changed[:3] == [0.0, 0.0, 0.0]
    assert changed.count(1.0) == 3, "from 1 it falls by steps of 1/256 to 0.99"
    assert float(model.matrix[0, 0].detach()) == float(torch.tensor(0.99).bfloat16())


def test_the_share_of_weights_that_moved_is_counted() -> None:
    model = Weights()
    optimiser = MasterOptimiser(model, settings(), 1)
    gradient = torch.zeros(4, 3)
    gradient[0, :] = 1.0
    model.matrix.grad, model.vector.grad = gradient, torch.tensor([1.0, 0.0, 0.0])
    optimiser.collect()
    assert optimiser.step(0) == 4 / 15


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_moving_average_follows_its_formula(dtype: torch.dtype) -> None:
    model = Weights(dtype)
    optimiser = MasterOptimiser(model, settings(ema_half_life=0.25), 20)
    average = optimiser.masters[0].detach().clone()
    decay = 0.5 ** (1 / 5)  # a quarter of 20 steps halves what the start counts
    for step in range(20):
        take_steps(model, optimiser, range(step, step + 1))
        average = decay * average + (1 - decay) * optimiser.masters[0].detach()
    torch.testing.assert_close(optimiser.ema[0], average)
    other = Weights(dtype)
    optimiser.copy_ema_to(other)
    assert torch.equal(other.matrix, optimiser.ema[0].to(dtype))
    assert not torch.equal(other.matrix, model.matrix)


def test_without_an_average_the_weights_themselves_are_copied() -> None:
    model, other = Weights(), Weights()
    optimiser = MasterOptimiser(model, settings(), 3)
    take_steps(model, optimiser, range(3))
    optimiser.copy_ema_to(other)
    assert torch.equal(other.matrix, model.matrix)
    assert optimiser.ema == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_restored_state_goes_on_bitwise(dtype: torch.dtype) -> None:
    s = settings(ema_half_life=0.5, weight_decay=0.1, schedule="cosine", warmup=0.2)
    whole, first, second = Weights(dtype), Weights(dtype), Weights(dtype)
    straight = MasterOptimiser(whole, s, 10)
    take_steps(whole, straight, range(10))
    before = MasterOptimiser(first, s, 10)
    take_steps(first, before, range(4))
    state = copy.deepcopy(before.state())
    take_steps(first, before, range(4, 6))  # what came after the save is lost
    after = MasterOptimiser(second, s, 10)
    after.load(state)
    take_steps(second, after, range(4, 10))
    for one, other in [*zip(straight.masters, after.masters), *zip(straight.ema, after.ema)]:  # noqa: B905
        assert torch.equal(one, other)
    assert torch.equal(whole.matrix, second.matrix)
    assert torch.equal(whole.vector, second.vector)


def test_schedules() -> None:
    total = 100

    def rates(**changes: object) -> list[float]:
        s = settings(learning_rate=2.0, final=0.1, **changes)
        return [learning_rate(s, step, total) for step in range(total)]

    assert rates() == [2.0] * total
    warm = rates(warmup=0.1)
    assert warm[:11] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.0])
    linear = rates(schedule="linear")
    assert linear[0] == 2.0
    assert linear[50] == pytest.approx((2.0 + 0.2) / 2)
    assert all(a - b == pytest.approx(0.018) for a, b in pairwise(linear))
    cosine = rates(schedule="cosine", warmup=0.2)
    assert cosine[20] == 2.0
    for step in (30, 60, 99):
        progress = (step - 20) / 80
        assert cosine[step] == pytest.approx(0.2 + (2.0 - 0.2) * (1 + math.cos(math.pi * progress)) / 2)
    assert cosine[60] == pytest.approx(1.1)
    assert 0.2 < cosine[99] < 0.201


def test_a_run_of_one_step_has_a_rate() -> None:
    assert learning_rate(settings(schedule="cosine", warmup=0.02), 0, 1) == 0.1


def test_the_schedule_is_what_the_optimiser_uses() -> None:
    model = Weights()
    optimiser = MasterOptimiser(model, settings(schedule="linear", final=0.0), 4)
    seen = []
    for step in range(4):
        take_steps(model, optimiser, range(step, step + 1))
        seen.append(optimiser.learning_rate)
    assert seen == pytest.approx([0.1, 0.075, 0.05, 0.025])


class Small(nn.Module):
    """One block's matrix among an embedding and a norm, named as a transformer names them."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(1)
        self.embed_tokens = nn.Embedding(6, 8)
        self.layers = nn.ModuleList([nn.Linear(8, 16, bias=False)])
        self.norm = nn.Parameter(torch.ones(8))
        with torch.no_grad():
            for weight in self.parameters():
                weight.normal_(generator=draw)


def test_muon_moves_a_blocks_matrix_by_an_orthogonal_update_as_large_as_adamws() -> None:
    model, s = Small(), settings(optimiser="muon", learning_rate=0.05)
    start, optimiser = copy.deepcopy(model), MasterOptimiser(model, s, 1)
    draw = torch.Generator().manual_seed(2)
    for weight in model.parameters():
        weight.grad = torch.randn(weight.shape, generator=draw)
    optimiser.step(0)
    moved = model.layers[0].weight.detach() - start.layers[0].weight.detach()
    # Jordan 2024: five Newton-Schulz steps bring every singular value near 1; Liu 2025: times 0.2 · √(longer side).
    scale = s.learning_rate * 0.2 * 16**0.5
    stretched = torch.linalg.svdvals(moved.double()) / scale
    assert stretched.min() > 0.6
    assert stretched.max() < 1.3
    assert moved.square().mean().sqrt() == pytest.approx(0.2 * s.learning_rate, rel=0.3)
    for name in ("embed_tokens.weight", "norm"):  # a first step of Adam moves each weight by the learning rate
        others = model.get_parameter(name).detach() - start.get_parameter(name).detach()
        assert others.abs() == pytest.approx(s.learning_rate, rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_muon_is_pytorchs_muon(dtype: torch.dtype) -> None:
    """Theirs computes in bfloat16 always: in that format we agree to its rounding, in fp32 to a few hundredths."""
    draw = torch.Generator().manual_seed(3)
    shapes = [(8, 24), (24, 8), (8, 8), (8, 24)]  # two of one shape go through together
    ours = [torch.randn(shape, generator=draw) for shape in shapes]
    theirs = [matrix.clone() for matrix in ours]
    muon = Muon(ours, 0.1, dtype)
    oracle = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        for matrix, other in zip(ours, theirs, strict=True):
            matrix.grad = torch.randn(matrix.shape, generator=draw)
            other.grad = matrix.grad.clone()
        muon.step(0.02)
        oracle.step()
    for matrix, other in zip(ours, theirs, strict=True):
        assert matrix.grad is None
        torch.testing.assert_close(matrix, other, atol=2e-3, rtol=0)


def test_a_matrix_without_a_gradient_moves_by_its_momentum_alone() -> None:
    matrices = [torch.eye(4), torch.eye(4)]
    muon = Muon(matrices, 0.0, torch.float32)
    matrices[0].grad = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    muon.step(0.1)
    assert not torch.equal(matrices[0], torch.eye(4))
    assert torch.equal(matrices[1], torch.eye(4))


def test_muon_goes_on_bitwise_from_a_restored_state() -> None:
    def steps(model: Small, optimiser: MasterOptimiser, which: range) -> None:
        for step in which:
            draw = torch.Generator().manual_seed(step)
            for weight in model.parameters():
                weight.grad = torch.randn(weight.shape, generator=draw)
            optimiser.step(step)

    s = settings(optimiser="muon", weight_decay=0.1, schedule="cosine", warmup=0.2)
    whole, first, second = Small(), Small(), Small()
    steps(whole, MasterOptimiser(whole, s, 6), range(6))
    before = MasterOptimiser(first, s, 6)
    steps(first, before, range(3))
    after = MasterOptimiser(second, s, 6)
    after.load(copy.deepcopy(before.state()))
    steps(second, after, range(3, 6))
    for one, other in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
