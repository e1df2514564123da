"""One update: accumulation, clipping, gradients measured apart, and the refusal of what is not finite."""

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.nouns import Group
from mynah.train.optim import OptimSettings
from mynah.train.packing import microbatches
from mynah.train.step import Diverged, Learner
from mynah.train.token_loss import token_logprobs

S = OptimSettings(learning_rate=0.01, schedule="constant", warmup=0.0)


def model(dtype: torch.dtype = torch.float32) -> Transformer:
    return initialise(ModelConfig.of_size(32, 2, 50, 64, True, "llama"), seed=0).to(dtype)


def groups() -> list[Group]:
    draw = torch.Generator().manual_seed(0)
    lengths = (5, 17, 9, 3, 12, 12)
    tokens = [torch.randint(50, (length,), generator=draw).tolist() for length in lengths]
    return [Group(tuple(ids), (False, *(i % 3 > 0 for i in range(1, len(ids))))) for ids in tokens]


def losses(of: Transformer, budget: int) -> Iterator[Tensor]:
    count = sum(sum(group.trunk_mask) for group in groups())
    for batch in microbatches(groups(), budget, torch.device("cpu")):
        yield -token_logprobs(of, batch).sum() / count


def flat(tensors: list[Tensor | None]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors if tensor is not None])


def gradient(learner: Learner) -> Tensor:
    return flat([master.grad for master in learner.optimiser.masters])


def test_microbatches_are_only_a_matter_of_memory() -> None:
    one, many = Learner(model(), S, 3), Learner(model(), S, 3)
    assert len(list(losses(one.model, 10_000))) == 1
    assert len(list(losses(one.model, 10))) == 5
    assert one.backward(losses(one.model, 10_000)) == pytest.approx(many.backward(losses(many.model, 10)), rel=1e-6)
    torch.testing.assert_close(gradient(one), gradient(many), atol=1e-7, rtol=1e-4)


def test_bf16_gradients_add_up_in_fp32() -> None:
    """256 + 1 is 256 in bf16: without fp32 accumulation the small microbatches would vanish."""
    learner = Learner(model(torch.bfloat16), S, 3)
    weight = learner.optimiser.weights[0]
    learner.backward(weight.sum() * scale for scale in (256.0, 1.0, 1.0))
    master = learner.optimiser.masters[0]
    assert master.grad is not None
    assert master.grad.dtype == torch.float32
    assert torch.equal(master.grad, torch.full_like(master.grad, 258.0))
    assert weight.grad is None


def test_an_update_reports_what_it_did() -> None:
    learner = Learner(model(), S.model_copy(update={"clip": 0.0}), 3)
    twin = Learner(model(), S, 3)
    twin.backward(losses(twin.model, 99))
    norm = float(gradient(twin).norm())
    stats = learner.update(losses(learner.model, 99))
    assert stats.loss == pytest.approx(sum(float(loss.detach()) for loss in losses(model(), 99)))
    assert stats.grad_norm == pytest.approx(norm, rel=1e-5)
    assert stats.learning_rate == 0.01
    assert 0.5 < stats.weights_changed <= 1
    assert learner.step == 1
    assert all(master.grad is None for master in learner.optimiser.masters)


def test_gradients_are_clipped_to_the_norm_and_reported_unclipped() -> None:
    free, clipped = Learner(model(), S, 3), Learner(model(), S.model_copy(update={"clip": 0.01}), 3)
    free.backward(losses(free.model, 99))
    clipped.backward(losses(clipped.model, 99))
    norm = float(gradient(free).norm())
    assert norm > 0.02
    assert clipped.clip() == pytest.approx(norm, rel=1e-5)
    torch.testing.assert_close(gradient(clipped), gradient(free) * (0.01 / norm))
    loose = Learner(model(), S.model_copy(update={"clip": norm * 2}), 3)
    loose.backward(losses(loose.model, 99))
    loose.clip()
    assert torch.equal(gradient(loose), gradient(free)), "a gradient within the norm is not touched"


def test_losses_can_be_measured_apart_and_added() -> None:
    learner, both = Learner(model(), S, 3), Learner(model(), S, 3)
    learner.backward(losses(learner.model, 99))
    first = learner.take_gradients()
    assert all(master.grad is None for master in learner.optimiser.masters)
    learner.backward(2 * loss for loss in losses(learner.model, 99))
    torch.testing.assert_close(gradient(learner), 2 * flat(first))
    learner.add_gradients(first)
    both.backward(3 * loss for loss in losses(both.model, 99))
    torch.testing.assert_close(gradient(learner), gradient(both))
    learner.take_gradients()
    learner.add_gradients(first)
    torch.testing.assert_close(gradient(learner), flat(first))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_moves_nothing_and_says_what_to_try(bad: float) -> None:
    learner = Learner(model(), S, 9)
    learner.update(losses(learner.model, 99))
    before = copy.deepcopy(learner.state())
    with pytest.raises(Diverged, match=r"update 2: the loss became (nan|inf).*Try a lower learning_rate") as error:
        learner.update(loss * bad for loss in losses(learner.model, 99))
    assert "\n" not in str(error.value)
    torch.testing.assert_close(learner.state(), before, atol=0, rtol=0)
    learner.update(losses(learner.model, 99))
    straight = Learner(model(), S, 9)
    for _ in range(2):
        straight.update(losses(straight.model, 99))
    for one, other in zip(learner.optimiser.masters, straight.optimiser.masters, strict=True):
        assert torch.equal(one, other), "nothing of the bad update is left"


def test_a_bad_gradient_of_a_finite_loss_is_refused_too() -> None:
    learner = Learner(model(), S, 9)
    weight = learner.optimiser.weights[0]
    before = weight.detach().clone()
    with pytest.raises(Diverged, match="gradient norm"):
        learner.update(iter([(weight * 0).sqrt().sum()]))  # 0, with an infinite slope
    assert torch.equal(weight, before)
