"""The token loss: supervised positions only, the same in chunks, in microbatches and in packs."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.nouns import Group
from mynah.train import token_loss
from mynah.train.packing import lay_out
from mynah.train.token_loss import target_logprobs, token_logprobs

V = 50


@pytest.fixture
def model() -> Transformer:
    model = initialise(ModelConfig.of_size(32, 2, V, 64, True, "llama"), seed=0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5)  # so that what is wrong shows
    return model


def group(length: int, supervised: set[int], seed: int = 0) -> Group:
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randint(V, (length,), generator=draw).tolist()
    return Group(tuple(tokens), tuple(i in supervised for i in range(length)))


def logprobs(model: Transformer, *groups: Group) -> torch.Tensor:
    return token_logprobs(model, lay_out(groups))


def test_it_is_log_softmax_at_the_token_before(model: Transformer) -> None:
    one = group(8, {2, 5})
    batch = lay_out([one])
    hidden = model(batch.tokens, batch.positions, token_loss.PackedPlan(batch, model.dtype))
    expected = model.logits(hidden).log_softmax(-1)
    want = [expected[1, one.trunk[2]], expected[4, one.trunk[5]]]
    torch.testing.assert_close(logprobs(model, one), torch.stack(want))


def test_only_what_stands_before_a_supervised_token_matters(model: Transformer) -> None:
    """Tokens 0–6 lead to the supervised 3 and 6; 7–9 come later and are not supervised."""
    one = group(10, {3, 6})
    before = logprobs(model, one)
    for place in range(10):
        changed = replace(one, trunk=(*one.trunk[:place], (one.trunk[place] + 1) % V, *one.trunk[place + 1 :]))
        after = logprobs(model, changed)
        assert len(after) == 2
        assert torch.equal(before[0], after[0]) == (place > 3)
        assert torch.equal(before[1], after[1]) == (place > 6)


def test_an_unsupervised_token_gives_no_gradient_through_the_head(model: Transformer) -> None:
    untied = initialise(ModelConfig.of_size(32, 2, V, 64, False, "llama"), seed=0)
    one = Group((1, 2, 3, 4), (False, True, False, False))
    logprobs(untied, one).sum().backward()
    assert untied.embed_tokens.weight.grad is not None
    assert untied.embed_tokens.weight.grad.abs().sum(1).nonzero().flatten().tolist() == [1], "only token 1 precedes"


def test_packed_is_the_same_as_alone(model: Transformer) -> None:
    groups = [group(9, {1, 4, 8}, 1), group(5, {2}, 2), group(13, set(range(1, 13)), 3)]
    together = logprobs(model, *groups)
    torch.testing.assert_close(together, torch.cat([logprobs(model, one) for one in groups]), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_and_gradients_are_those_of_autograd_whatever_the_chunk(
    monkeypatch: pytest.MonkeyPatch, temperature: float, dtype: torch.dtype
) -> None:
    """The simple way is the oracle: all logits at once, cross entropy, and PyTorch's own backward pass."""
    draw = torch.Generator().manual_seed(0)
    hidden, head = (torch.randn(n, 16, generator=draw).to(dtype).requires_grad_() for n in (150, V))
    targets, weights = torch.randint(V, (150,), generator=draw), torch.randn(150, generator=draw)

    def simple() -> torch.Tensor:
        return -F.cross_entropy(F.linear(hidden, head).float() / temperature, targets, reduction="none")

    def gradients(values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad((values * weights).sum(), (hidden, head))

    monkeypatch.setattr(token_loss, "CHUNK_LOGITS", {"cpu": V})
    for rows in (150, 64, 7):
        monkeypatch.setattr(token_loss, "CHUNK_ROWS", rows)
        values = target_logprobs(hidden, head, targets, temperature)
        torch.testing.assert_close(values, simple(), atol=1e-5, rtol=1e-5)
        for one, other in zip(gradients(values), gradients(simple()), strict=True):
            assert (one - other).norm() <= (1e-6 if dtype == torch.float32 else 5e-3) * other.norm()


def test_no_more_than_a_chunk_of_logits_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []
    logits = token_loss._logits
    monkeypatch.setattr(token_loss, "_logits", lambda rows, *a: (held.append(len(rows)), logits(rows, *a))[1])
    monkeypatch.setattr(token_loss, "CHUNK_ROWS", 7)
    monkeypatch.setattr(token_loss, "CHUNK_LOGITS", {"cpu": 0})
    hidden, head = torch.randn(20, 8, requires_grad=True), torch.randn(V, 8)
    target_logprobs(hidden, head, torch.zeros(20, dtype=torch.long)).sum().backward()
    assert held == [7, 7, 6] * 2, "forward and backward"


def test_temperature_divides_the_logits(model: Transformer) -> None:
    one = group(6, {3})
    batch = lay_out([one])
    hidden = model(batch.tokens, batch.positions, token_loss.PackedPlan(batch, model.dtype))[2]
    want = (model.logits(hidden) / 0.5).log_softmax(-1)[one.trunk[3]]
    torch.testing.assert_close(token_logprobs(model, batch, temperature=0.5)[0], want)


def test_dropout_acts_only_when_asked_for(model: Transformer) -> None:
    batch = lay_out([group(12, {5, 9})])
    assert torch.equal(token_logprobs(model, batch), token_logprobs(model, batch))
    torch.manual_seed(3)
    first, second = token_logprobs(model, batch, dropout=0.2), token_logprobs(model, batch, dropout=0.2)
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(first, token_logprobs(model, batch, dropout=0.2))
