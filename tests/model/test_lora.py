"""Adapters start at the base and leave it alone; merged, packed for PEFT and sampled from, they are one function."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from mynah.engine import Engine
from mynah.errors import UserError
from mynah.files import read_json
from mynah.model.heads import with_scalar_head
from mynah.model.hub import load_policy, save_adapter, save_policy, save_scalar
from mynah.model.lora import LoRA, adapted, adapters, frozen_and_trained, merged
from mynah.model.transformer import Transformer
from mynah.nouns import Group, SamplingParams
from mynah.train.packing import lay_out
from mynah.train.scoring import score_groups
from mynah.train.token_loss import token_logprobs
from tests.model.tiny import full_logits, plain, random_tokens, tiny_model

TOKENS = random_tokens(120, seed=3)
ARCHITECTURES = pytest.mark.parametrize("architecture", ["llama", "mistral", "smollm3", "qwen2", "qwen3"])
EIGHT = LoRA(rank=8, alpha=16.0)


def trained(base: Transformer, lora: LoRA = EIGHT) -> Transformer:
    """With adapters that do something."""
    model = adapted(base, lora, seed=1)
    stir(model)
    return model


@torch.no_grad()
def stir(model: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(2)
    for layer in adapters(model).values():
        layer.lora_B.copy_(0.2 * torch.randn(layer.lora_B.shape, generator=generator))


@ARCHITECTURES
@torch.no_grad()
def test_merged_is_unmerged_and_both_start_at_the_base(architecture: str) -> None:
    base = tiny_model(architecture=architecture, tied=False)
    before = full_logits(base, TOKENS)
    model = adapted(base, EIGHT, seed=1)
    assert torch.equal(full_logits(model, TOKENS), before)  # B is 0
    stir(model)
    after = full_logits(model, TOKENS)
    assert (after - before).abs().mean() > 0.1
    assert torch.equal(full_logits(base, TOKENS), before)  # the base knows nothing of it
    whole = merged(model)
    assert not adapters(whole)
    assert whole.state_dict().keys() == base.state_dict().keys()
    torch.testing.assert_close(full_logits(whole, TOKENS), after, rtol=0, atol=1e-5 * float(after.abs().max()))
    assert torch.equal(full_logits(model, TOKENS), after)  # merging leaves the adapters as they are


@torch.no_grad()
def test_merged_in_bf16_is_unmerged_but_for_one_rounding() -> None:
    model = trained(tiny_model(dtype=torch.bfloat16))
    exact = full_logits(merged(trained(tiny_model())), TOKENS).log_softmax(-1)
    computed = full_logits(model, TOKENS).log_softmax(-1)
    gap = (full_logits(merged(model), TOKENS).log_softmax(-1) - computed).abs()
    assert gap.mean() <= 2 * (computed - exact).abs().mean()  # no more than bf16 itself costs, on both sides


def test_only_adapters_are_trained_and_the_base_is_shared() -> None:
    base = tiny_model()
    model = adapted(base, EIGHT, seed=1)
    widths = [(layer.base.in_features, layer.base.out_features) for layer in adapters(model).values()]
    assert len(widths) == 2 * 7
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    assert sum(weight.numel() for weight in trainable) == 8 * sum(map(sum, widths))
    mine = {weight.data_ptr() for weight in model.parameters() if not weight.requires_grad}
    assert mine == {weight.data_ptr() for weight in base.parameters()}
    token_logprobs(model, lay_out([plain(TOKENS)])).sum().backward()
    assert all(weight.grad is None for weight in base.parameters())
    assert all(weight.grad is not None for weight in trainable)


def test_rank_0_is_full_training() -> None:
    base = tiny_model()
    assert adapted(base, LoRA(), 0) is base is merged(base)
    frozen, model = frozen_and_trained(base, LoRA(), 0)
    assert model is base
    assert all(weight.requires_grad for weight in model.parameters())
    assert not any(weight.requires_grad for weight in frozen.parameters())
    assert not {w.data_ptr() for w in frozen.parameters()} & {w.data_ptr() for w in model.parameters()}


def test_targets_are_chosen_by_name() -> None:
    model = adapted(tiny_model(), LoRA(rank=2, targets=("q_proj", "v_proj")), 0)
    assert {path.rpartition(".")[2] for path in adapters(model)} == {"q_proj", "v_proj"}
    with pytest.raises(UserError, match=r"lora.targets: no linear layer is called 'query'; there are down_proj, "):
        adapted(tiny_model(), LoRA(rank=2, targets=("query",)), 0)


@pytest.mark.parametrize(("dtype", "mean", "most"), [(torch.float32, 1e-5, 1e-4), (torch.bfloat16, 0.02, 0.1)])
@torch.no_grad()
def test_the_engine_samples_from_base_and_adapters(dtype: torch.dtype, mean: float, most: float) -> None:
    model = trained(tiny_model(dtype=dtype))
    prompts = [random_tokens(length, seed=length) for length in (5, 9, 30)]
    some = Engine(model, rows=16).generate(prompts, SamplingParams(max_new_tokens=30, seed=1), n=3)
    groups = [
        Group(prompt, (False,) * len(prompt), tuple(c.tokens for c in own), tuple((True,) * len(c.tokens) for c in own))
        for prompt, own in zip(prompts, some, strict=True)
    ]
    learner = token_logprobs(model, lay_out(groups))
    engine = torch.tensor([logprob for own in some for c in own for logprob in c.logprobs])
    assert (engine - learner).abs().mean() <= mean
    assert (engine - learner).abs().max() <= most
    [[alone]] = Engine(model, rows=4).generate(prompts[1:2], SamplingParams(max_new_tokens=30, seed=1), 1, 3)
    assert alone.tokens == some[1][0].tokens


def test_a_compiled_models_adapters_are_compiled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    base, compiled = tiny_model(), []
    base.compiled = True
    monkeypatch.setattr(Transformer, "compile_blocks", lambda self: compiled.append(self))
    model = adapted(base, EIGHT, 0)
    assert compiled == [model]


@ARCHITECTURES
@torch.no_grad()
def test_peft_puts_our_adapter_on_the_base_with_equal_logits(architecture: str, tmp_path: Path) -> None:
    base = tiny_model(architecture=architecture)
    (tmp_path / "base").mkdir()
    (tmp_path / "adapter").mkdir()
    save_policy(base, tmp_path / "base", eos=(1,), pad=2)
    model = trained(load_policy(tmp_path / "base", torch.float32))
    save_adapter(model, tmp_path / "adapter", base=str(tmp_path / "base"))
    theirs = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32), tmp_path / "adapter"
    ).eval()
    expected = theirs(torch.tensor([TOKENS])).logits[0]
    torch.testing.assert_close(full_logits(model, TOKENS), expected, rtol=0, atol=1e-4)
    assert (expected - full_logits(base, TOKENS)).abs().mean() > 0.1
    assert read_json(tmp_path / "adapter" / "adapter_config.json")["base_model_name_or_path"] == str(tmp_path / "base")


@torch.no_grad()
def test_peft_puts_a_reward_models_adapter_and_head_on_the_base(tmp_path: Path) -> None:
    base = tiny_model()
    for name in ("base", "adapter", "whole"):
        (tmp_path / name).mkdir()
    save_policy(base, tmp_path / "base", eos=(1,), pad=2)
    model = adapted(with_scalar_head(base, 0), EIGHT, 1)
    assert [name for name, weight in model.named_parameters() if weight.requires_grad][-1] == "score.weight"
    stir(model)
    save_adapter(model, tmp_path / "adapter", base=str(tmp_path / "base"))
    save_scalar(merged(model), tmp_path / "whole", eos=1, pad=2)
    bare = AutoModelForSequenceClassification.from_pretrained(tmp_path / "base", dtype=torch.float32, num_labels=1)
    theirs = PeftModel.from_pretrained(bare, tmp_path / "adapter").eval()
    whole = AutoModelForSequenceClassification.from_pretrained(tmp_path / "whole", dtype=torch.float32).eval()
    tokens = tuple(token for token in TOKENS if token != 2)
    group = Group(tokens[:5], (False,) * 5, (tokens[5:],), ((False,) * len(tokens[5:]),))
    [(scores, _)] = score_groups(model, [group], 1000)
    for other in (theirs, whole):
        assert float(other(torch.tensor([tokens])).logits) == pytest.approx(float(scores), abs=1e-4)
