"""The base model in the package: small, whole, readable by transformers, and it has read the primer's text."""

import random

import pytest
import torch

from mynah.agent.few_shot import FewShot
from mynah.model.hub import load_config, load_policy
from mynah.model.packed import PackedPlan
from mynah.nouns import Demonstration, Group, Message, Prompt, SamplingParams
from mynah.primer.earth.behaviours.fact import Fact
from mynah.primer.earth.corpus import excerpt
from mynah.primer.earth.kinds import KINDS
from mynah.primer.earth.world import PRIMER
from mynah.step0_pretrain.corpus import build
from mynah.tokens import Tokenizer
from mynah.train.bits import bits_per_byte
from mynah.train.packing import lay_out

BASE = PRIMER.base
MEGABYTES = 25
EXAMPLES = (("What is the capital of France?", "Paris."), ("Who wrote Hamlet?", "William Shakespeare."))


@pytest.fixture(scope="module")
def model():
    return load_policy(BASE, torch.float32)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.load(BASE)


def test_it_is_small_enough_for_a_package_and_has_a_card():
    config = load_config(BASE)
    assert config.parameters() <= 8_000_000
    assert config.kv_heads <= 2
    assert sum(path.stat().st_size for path in BASE.iterdir()) <= MEGABYTES * 2**20
    card = (BASE / "README.md").read_text(encoding="utf-8")
    assert f"{config.parameters() / 1e6:.1f} million" in card


def test_it_predicts_text_of_its_kind_that_it_has_not_read(model, tokenizer):
    texts = random.Random(0).sample(excerpt(1), 200)
    held = build(texts, tokenizer, model.config.context, heldout=1.0)
    with torch.no_grad():
        assert bits_per_byte(model, held.heldout, held.heldout_bytes, 8192) < 0.6


def test_it_knows_capitals_that_it_was_never_asked_about(model, tokenizer):
    """Few-shot in plain text, greedily; by chance one in 190 would be right."""
    [country] = [kind for kind in KINDS if kind.key == "country"]
    [capital] = [relation for relation in country.relations if relation.key == "capital"]
    facts = [Fact(country, entity, capital) for entity in country.entities if entity.split == "exam"]
    asked = [Prompt((Message("user", fact.say("What is the capital of {x}?")),)) for fact in facts]
    shown = [Demonstration((Message("user", question), Message("assistant", answer))) for question, answer in EXAMPLES]
    answered = FewShot(model, tokenizer, shown, "base").sample(asked, SamplingParams(16, 0.0), 1)
    right = [fact.value in row.completions[0] for fact, row in zip(facts, answered, strict=True)]
    assert len(right) >= 30
    assert sum(right) / len(right) >= 0.5


def test_transformers_reads_it_with_equal_logits(model, tokenizer):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    text = "The capital of France is Paris. It is in Europe."
    ids = transformers.AutoTokenizer.from_pretrained(BASE)(text, add_special_tokens=False)["input_ids"]
    assert ids == tokenizer.encode(text)
    with torch.no_grad():
        logits = theirs(torch.tensor([ids])).logits[0]
        batch = lay_out([Group(tuple(ids), (False,) * len(ids))])
        ours = model.logits(model(batch.tokens, batch.positions, PackedPlan(batch, model.dtype)))
    assert (logits - ours).abs().max() < 1e-4
