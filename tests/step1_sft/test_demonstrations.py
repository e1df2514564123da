"""Demonstrations as groups: what is supervised, what is held out, what is refused."""

from dataclasses import replace

import pytest

from mynah.errors import UserError
from mynah.nouns import Demonstration, Group, Message
from mynah.step1_sft.demonstrations import build
from mynah.tokens import ChatFormat, Tokenizer

TWO_TURNS = Demonstration(
    (
        Message("system", "Be brief."),
        Message("user", "Hi?"),
        Message("assistant", "Hello."),
        Message("user", "Bye?"),
        Message("assistant", "Bye."),
    )
)


@pytest.fixture(scope="module")
def chat(tiny_tokenizer: Tokenizer) -> ChatFormat:
    return ChatFormat(tiny_tokenizer)


def numbered(count: int) -> list[Demonstration]:
    return [Demonstration((Message("user", f"Say {i}."), Message("assistant", str(i)))) for i in range(count)]


def runs(group: Group, tokenizer: Tokenizer) -> list[str]:
    """The text of each unbroken stretch of supervised tokens."""
    texts, last = [], -2
    for place, (token, supervised) in enumerate(zip(group.trunk, group.trunk_mask, strict=True)):
        if supervised:
            texts = [*texts, []] if place > last + 1 else texts
            texts[-1].append(token)
            last = place
    return [tokenizer.decode(ids, keep_special=True) for ids in texts]


def test_every_answer_and_its_end_of_turn_is_supervised_and_nothing_else(
    chat: ChatFormat, tiny_tokenizer: Tokenizer
) -> None:
    [[group], _] = build([TWO_TURNS], chat, 64, heldout=0.0)
    assert runs(group, tiny_tokenizer) == ["Hello.<|end|>", "Bye.<|end|>"]
    ends = [on for token, on in zip(group.trunk, group.trunk_mask, strict=True) if token == tiny_tokenizer.end_of_turn]
    assert ends == [False, False, True, False, True], "the ends of other people's turns are not the model's to say"
    assert tiny_tokenizer.pad not in group.trunk
    assert tiny_tokenizer.pad != tiny_tokenizer.end_of_turn


def test_only_the_last_answer_is_supervised_where_a_model_gave_the_others(
    chat: ChatFormat, tiny_tokenizer: Tokenizer
) -> None:
    [[group], _] = build([replace(TWO_TURNS, supervise="last")], chat, 64, heldout=0.0)
    [[whole], _] = build([TWO_TURNS], chat, 64, heldout=0.0)
    assert runs(group, tiny_tokenizer) == ["Bye.<|end|>"]
    assert group.trunk == whole.trunk


def test_copies_lie_on_one_side_whatever_the_order(chat: ChatFormat) -> None:
    rows = numbered(60)
    train, held = build([*rows, *rows[:30]], chat, 64, heldout=0.3)
    assert len(train) + len(held) == 90
    assert 8 < len(held) < 50
    assert not {group.trunk for group in train} & {group.trunk for group in held}
    _, again = build(rows[::-1], chat, 64, heldout=0.3)
    assert {group.trunk for group in again} == {group.trunk for group in held}


def test_nothing_left_to_train_on_is_one_sentence(chat: ChatFormat) -> None:
    with pytest.raises(
        UserError, match=r"of 3 demonstrations none is left to train on; give more, or lower sft\.heldout"
    ):
        build(numbered(3), chat, 64, heldout=1.0)


def test_a_demonstration_longer_than_the_context_is_named(chat: ChatFormat) -> None:
    long = Demonstration((Message("user", "Hi?"), Message("assistant", "word " * 60)))
    length = len(chat.encode_conversation(long.messages)[0])
    assert build([long], chat, length, heldout=0.0)[0], "exactly as long as the context is not too long"
    with pytest.raises(
        UserError, match=f"demonstration 3 has {length} tokens and the model's context is {length - 1};"
    ):
        build([*numbered(2), long], chat, length - 1, heldout=0.0)
