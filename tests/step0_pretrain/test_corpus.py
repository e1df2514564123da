"""Raw text as groups: each token predicted once, copies on one side of the split."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from mynah.errors import UserError
from mynah.model.packed import PackedPlan
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import initialise
from mynah.nouns import Group
from mynah.step0_pretrain.corpus import Documents, build, pieces
from mynah.tokens import Tokenizer
from mynah.train.bits import bits_per_byte
from mynah.train.order import share
from mynah.train.packing import lay_out

END = 99


def test_a_short_document_stands_between_two_ends_of_text() -> None:
    documents = Documents()
    documents.add(pieces([1, 2, 3], END, 10))
    assert list(documents) == [Group((END, 1, 2, 3, END), (False, True, True, True, True))]


@pytest.mark.parametrize("context", [2, 3, 4, 7, 50])
@pytest.mark.parametrize("length", [0, 1, 2, 5, 6, 11, 12, 13])
def test_every_token_of_a_long_document_is_predicted_once(length: int, context: int) -> None:
    found = pieces(list(range(length)), END, context)
    assert all(2 <= len(piece) <= context for piece in found)
    documents = Documents()
    documents.add(found)
    assert [group.trunk for group in documents] == found
    predicted = [token for group in documents for token, on in zip(group.trunk, group.trunk_mask, strict=True) if on]
    assert predicted == [*range(length), END]
    for piece, following in pairwise(found):
        assert piece[-1] == following[0], "the next piece goes on where the last one ended"


def test_held_out_documents_are_chosen_by_the_hash_of_their_text(tiny_tokenizer: Tokenizer) -> None:
    texts = [f"Text number {i}, né." for i in range(60)]
    corpus = build([*texts, *texts[:30]], tiny_tokenizer, 64, heldout=0.3)
    held = [text for text in [*texts, *texts[:30]] if share(text) < 0.3]
    assert 0 < len(held) < 60
    assert [tiny_tokenizer.decode(group.trunk) for group in corpus.heldout] == held
    assert corpus.heldout_bytes == sum(len(text.encode()) for text in held)
    sides = [{group.trunk for group in side} for side in (corpus.train, corpus.heldout)]
    assert not sides[0] & sides[1], "a copy lies on the other side"
    assert len(corpus.train) + len(corpus.heldout) == 90


def test_nothing_held_out_and_nothing_to_train_on(tiny_tokenizer: Tokenizer) -> None:
    corpus = build(["one", "two"], tiny_tokenizer, 64, heldout=0.0)
    assert (len(corpus.train), len(corpus.heldout), corpus.heldout_bytes) == (2, 0, 0)
    with pytest.raises(UserError, match=r"2 documents, all held out; give more text, or lower pretrain\.heldout"):
        build(["one", "two"], tiny_tokenizer, 64, heldout=0.999)


def test_special_tokens_in_raw_text_are_plain_text(tiny_tokenizer: Tokenizer) -> None:
    corpus = build(["a<|endoftext|>b"], tiny_tokenizer, 64, heldout=0.0)
    assert corpus.train[0].trunk.count(tiny_tokenizer.end_of_text) == 2


def test_bits_per_byte_equals_the_sum_done_by_hand(tiny_tokenizer: Tokenizer, texts: list[str]) -> None:
    model = initialise(ModelConfig.of_size(32, 2, tiny_tokenizer.vocab_size, 12, True, "llama"), seed=1)
    documents = [*texts, "é" * 40]
    groups = list(build(documents, tiny_tokenizer, 12, heldout=1.0).heldout)
    assert len(groups) > len(documents), "some documents are cut"
    bits = 0.0
    for text in documents:
        stream = [tiny_tokenizer.end_of_text, *tiny_tokenizer.encode(text), tiny_tokenizer.end_of_text]
        for start in range(0, len(stream) - 1, 11):
            piece = torch.tensor(stream[start : start + 12])
            batch = lay_out([Group(tuple(piece.tolist()), (False,) * len(piece))])
            hidden = model(piece, torch.arange(len(piece)), PackedPlan(batch, torch.float32))
            logprobs = F.log_softmax(model.logits(hidden), -1).detach()
            bits -= sum(float(logprobs[i, piece[i + 1]]) for i in range(len(piece) - 1)) / math.log(2)
    size = sum(len(text.encode("utf-8")) for text in documents)
    for budget in (16, 10_000):
        assert bits_per_byte(model, groups, size, budget) == pytest.approx(bits / size, rel=1e-5)
