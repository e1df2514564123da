"""The token loss: supervised positions only, the same in chunks, in microbatches and in packs."""

from dataclasses import replace

import pytest
import torch

from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer, initialise
from mynah.nouns import Group
from mynah.train import token_loss
from mynah.train.packing import lay_out
from mynah.train.token_loss import token_logprobs

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
def test_chunks_change_neither_values_nor_gradients(
    model: Transformer, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    batch = lay_out([group(20, set(range(1, 20)), seed) for seed in range(3)])

    def values_and_gradients() -> tuple[torch.Tensor, list[torch.Tensor]]:
        model.zero_grad()
        values = token_logprobs(model, batch, temperature=temperature)
        (values * torch.linspace(-1, 1, len(values))).sum().backward()
        return values.detach(), [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]

    whole, gradients = values_and_gradients()
    monkeypatch.setattr(token_loss, "CHUNK_LOGITS", 7 * V)
    calls = []
    checkpoint = token_loss.checkpoint
    monkeypatch.setattr(token_loss, "checkpoint", lambda *a, **k: (calls.append(1), checkpoint(*a, **k))[1])
    chunked, chunked_gradients = values_and_gradients()
    assert len(calls) == -(-len(whole) // 7)
    torch.testing.assert_close(chunked, whole)
    torch.testing.assert_close(chunked_gradients, gradients)


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
