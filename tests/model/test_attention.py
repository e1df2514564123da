"""Packing changes nothing: groups do not see each other, siblings do not see each other, gradients included.

Rows up to SHORT take matrix products, up to MIDDLING the same a few rows at a time, and longer ones the fused kernel;
every proof holds on all sides.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mynah.model import attention as attention_module
from mynah.model.attention import MIDDLING, SHORT, attention
from mynah.model.packed import PackedPlan
from mynah.model.transformer import Transformer
from mynah.nouns import Group
from mynah.train.packing import lay_out
from mynah.train.token_loss import token_logprobs
from tests.model.tiny import FAMILIES, full_logits, plain, random_tokens, tiny_model

SHORTER, LONGER, LONGEST = 9, SHORT - 5, MIDDLING - 5
"""Of a prompt, behind which all of the completions below but the shortest reach beyond a bound, or do not."""
every_path = pytest.mark.parametrize("length", [SHORTER, LONGER, LONGEST], ids=["products", "by rows", "fused"])
VALUES, GRADIENTS = 2e-5, 5e-5  # fp32; the gradients here are around 1


def shared_prompt(length: int, seed: int = 0) -> Group:
    branches = tuple(random_tokens(n, seed + n) for n in (7, 1, 21, 12))
    masks = tuple((True,) * len(branch) for branch in branches)
    return Group(random_tokens(length, seed), (False,) * length, branches, masks)


def separate(group: Group) -> list[Group]:
    """The same supervised tokens, each completion in a sequence of its own behind its own copy of the prompt."""
    pairs = zip(group.branches, group.branch_masks, strict=True)
    return [Group(group.trunk + branch, group.trunk_mask + mask) for branch, mask in pairs]


def hidden(model: Transformer, groups: list[Group]) -> Tensor:
    batch = lay_out(groups)
    return model(batch.tokens, batch.positions, PackedPlan(batch, model.dtype))


def gradients(model: Transformer, logprobs: Callable[[], Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """log p [N] of every supervised token, and the gradients of Σ w_i · log p_i for uneven w."""
    model.zero_grad()
    values = logprobs()
    (values * torch.linspace(-1, 1, len(values))).sum().backward()
    return values.detach(), {name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None}


def assert_same(model: Transformer, one: Callable[[], Tensor], other: Callable[[], Tensor]) -> None:
    (values, grads), (values_2, grads_2) = gradients(model, one), gradients(model, other)
    torch.testing.assert_close(values, values_2, rtol=0, atol=VALUES)
    assert grads.keys() == grads_2.keys() == dict(model.named_parameters()).keys()
    for name, grad in grads.items():
        # Without rotation a bias on the keys shifts all scores of a query alike, and the softmax does not see it.
        assert grad.abs().max() > 1e-3 or name.endswith("k_proj.bias"), name
        torch.testing.assert_close(
            grad, grads_2[name], rtol=1e-4, atol=GRADIENTS, msg=lambda m, name=name: f"{name}: {m}"
        )


@every_path
@pytest.mark.parametrize("family", ["llama", "qwen3", "smollm3", "gpt2"])
def test_a_shared_prompt_equals_separate_sequences(family: str, length: int) -> None:
    model, group = tiny_model(**FAMILIES[family], context=2 * MIDDLING), shared_prompt(length)
    assert_same(
        model,
        lambda: token_logprobs(model, lay_out([group])),
        lambda: torch.cat([token_logprobs(model, lay_out([each])) for each in separate(group)]),
    )


@every_path
def test_every_hidden_state_of_a_shared_prompt_is_that_of_separate_sequences(length: int) -> None:
    model, group = tiny_model(), shared_prompt(length)
    states = hidden(model, [group])
    offset = length
    for branch in group.branches:
        alone = hidden(model, [plain(group.trunk + branch)])
        torch.testing.assert_close(states[:length], alone[:length], rtol=0, atol=VALUES)
        torch.testing.assert_close(states[offset : offset + len(branch)], alone[length:], rtol=0, atol=VALUES)
        offset += len(branch)


@every_path
def test_packed_equals_unpacked(length: int) -> None:
    model = tiny_model()
    groups = [plain(random_tokens(n, n)) for n in (3, length + 30, 2, 17)] + [shared_prompt(length, seed=9)]
    assert_same(
        model,
        lambda: token_logprobs(model, lay_out(groups)),
        lambda: torch.cat([token_logprobs(model, lay_out([group])) for group in groups]),
    )


@every_path
def test_filler_changes_nothing(length: int) -> None:
    model, groups = tiny_model(), [shared_prompt(length), plain(random_tokens(5))]
    assert len(lay_out(groups, fill=64).tokens) % 64 == 0 != len(lay_out(groups).tokens) % 64
    assert_same(
        model,
        lambda: token_logprobs(model, lay_out(groups, fill=64)),
        lambda: token_logprobs(model, lay_out(groups)),
    )


@every_path
def test_the_order_of_groups_does_not_matter(length: int) -> None:
    model = tiny_model()
    groups = [plain(random_tokens(5, 1)), shared_prompt(length), plain(random_tokens(length, 2))]
    forth = hidden(model, groups).split([len(group) for group in groups])
    back = hidden(model, groups[::-1]).split([len(group) for group in groups[::-1]])
    for one, other in zip(forth, back[::-1], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=VALUES)


@every_path
def test_the_order_of_branches_does_not_matter(length: int) -> None:
    model, group = tiny_model(), shared_prompt(length)
    turned = Group(group.trunk, group.trunk_mask, group.branches[::-1], group.branch_masks[::-1])
    forth = hidden(model, [group])[length:].split([len(branch) for branch in group.branches])
    back = hidden(model, [turned])[length:].split([len(branch) for branch in turned.branches])
    for one, other in zip(forth, back[::-1], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=VALUES)


@every_path
def test_nothing_looks_ahead_or_aside(length: int) -> None:
    """Changing one token changes what may see it, and nothing else, not by one bit."""
    model, group, other = tiny_model(), shared_prompt(length), shared_prompt(length, seed=40)
    before = hidden(model, [group, other])
    first, *rest = group.branches
    other_first = (*first[:3], (first[3] + 1) % 97, *first[4:])
    changed = Group(group.trunk, group.trunk_mask, (other_first, *rest), group.branch_masks)
    moved = (hidden(model, [changed, other]) != before).any(-1).nonzero().flatten().tolist()
    assert moved == list(range(length + 3, length + len(first)))


def test_all_paths_compute_one_function() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, heads, MIDDLING + 1, 16, generator=generator) for heads in (4, 2, 2))
    bias = torch.full((MIDDLING + 1, MIDDLING + 1), float("-inf")).triu(1)[None, None].expand(2, 1, -1, -1)
    fused = attention(q, k, v, bias)
    for length in (SHORT, SHORT + 1):
        cut = slice(0, length)
        products = attention(q[:, :, cut], k[:, :, cut], v[:, :, cut], bias[..., cut, cut])
        torch.testing.assert_close(fused[:, :, cut], products, rtol=0, atol=1e-5)


def test_a_batch_of_one_token_groups_is_fine() -> None:
    model = tiny_model()
    states = hidden(model, [plain((5,)), plain((6, 7)), plain((5,))])
    torch.testing.assert_close(states[0], states[3], rtol=0, atol=VALUES)
    assert torch.isfinite(states).all()


def test_dropout_acts_only_when_asked_for() -> None:
    model, batch = tiny_model(), lay_out([shared_prompt(SHORTER)])
    assert model.training  # a module's mode decides nothing here
    still = [token_logprobs(model, batch) for _ in range(2)]
    assert torch.equal(*still)
    dropped = [token_logprobs(model, batch, dropout=0.2) for _ in range(2)]
    assert not torch.equal(dropped[0], dropped[1])


def test_positions_matter() -> None:
    """Rotation encodes relative order: a sequence shifted as a whole keeps its states, reversed it does not."""
    model, tokens = tiny_model(), random_tokens(12, 3)
    batch = lay_out([plain(tokens)])
    plan = PackedPlan(batch, model.dtype)
    here = model(batch.tokens, batch.positions, plan)
    torch.testing.assert_close(model(batch.tokens, batch.positions + 100, plan), here, rtol=0, atol=1e-4)
    assert (model(batch.tokens, batch.positions.flip(0), plan) - here).abs().max() > 0.1
    assert full_logits(model, tokens).std() > 0.3


@pytest.mark.parametrize("lengths", [(64, 64), (96, 32), (32, 96), (64, 32, 32), (96, 20, 96), (70,)])
def test_groups_may_come_in_any_order_and_fill_their_rows_or_not(lengths: tuple[int, ...]) -> None:
    """Full rows that follow each other are taken as they are; all else is gathered, and its gradient gathered back."""
    model, groups = tiny_model(), [plain(random_tokens(n, seed)) for seed, n in enumerate(lengths)]
    results = []
    for batches in ([groups], [[group] for group in groups]):
        model.zero_grad()
        together = torch.cat([token_logprobs(model, lay_out(some, fill=64)) for some in batches])
        together.mean().backward()
        results.append((together.detach(), [weight.grad for weight in model.parameters()]))
    (values, gradients), (expected, expected_gradients) = results
    torch.testing.assert_close(values, expected, rtol=0, atol=VALUES)
    for one, other in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=GRADIENTS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_rows_taken_a_few_at_a_time_give_the_same(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, gradients too; the last part is smaller than the others."""
    monkeypatch.setattr(attention_module, "SCORES_AT_ONCE", 2 * 4 * 300 * 300)
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(5, heads, 300, 16, generator=generator).to(dtype).requires_grad_() for heads in (4, 2, 2))
    bias = torch.zeros(5, 1, 300, 300, dtype=dtype).masked_fill_(torch.ones(300, 300).triu(1).bool(), float("-inf"))
    weights = torch.randn(5, 4, 300, 16, generator=generator).to(dtype)
    results = []
    for way in (attention_module.attention, attention_module.plain_attention):
        mixed = way(q, k, v, bias)
        results.append((mixed, *torch.autograd.grad(mixed, (q, k, v), weights)))
    for ours, expected in zip(*results, strict=True):
        assert torch.equal(ours, expected)
    fused = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, enable_gqa=True)
    torch.testing.assert_close(results[0][0], fused, atol=2e-2 if dtype == torch.bfloat16 else 1e-5, rtol=1e-2)


def test_answers_of_all_sorts_equal_separate_sequences() -> None:
    """No, one, or only empty answers, short trunks, and rows that are the stream while their keys are not."""
    model = tiny_model()
    for trunk, lengths in [(32, (32, 32)), (32, (0, 32)), (9, (0, 5, 0, 7)), (1, (2, 3)), (40, (6,)), (5, (3, 0))]:
        branches = tuple(random_tokens(n, seed) if n else () for seed, n in enumerate(lengths))
        group = Group(random_tokens(trunk), (False,) * trunk, branches, tuple((True,) * n for n in lengths))
        for fill in (1, 64):
            assert_same(
                model,
                lambda group=group, fill=fill: token_logprobs(model, lay_out([group], fill=fill)),
                lambda group=group: torch.cat(
                    [token_logprobs(model, lay_out([each])) for each in separate(group) if any(each.trunk_mask)]
                ),
            )
