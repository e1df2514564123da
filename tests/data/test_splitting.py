"""Near-duplicate prompts stay on one side, whatever the seed; the shares are met; the same seed splits alike."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mynah.data.near_duplicates import SHINGLE, near_duplicates, normalise
from mynah.data.splitting import groups_of, split
from mynah.errors import UserError
from mynah.nouns import Comparison, Demonstration, Message, Prompt

RNG = random.Random(0)
WORDS = ["".join(RNG.choices("abcdefghijklmnopqrstuvwxyz", k=RNG.randint(2, 9))) for _ in range(2000)]


def sentence(rng: random.Random, length: int) -> str:
    return " ".join(rng.choices(WORDS, k=length))


def jaccard(one: str, other: str) -> float:
    """The definition itself, without hashes."""
    a, b = ({text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))} for text in (one, other))
    return len(a & b) / len(a | b)


def ask(*turns: str) -> Prompt:
    return Prompt(tuple(Message(("user", "assistant")[i % 2], turn) for i, turn in enumerate(turns)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(8, 60))
def test_what_is_alike_by_the_definition_is_one_group_and_what_is_not_is_not(seed: int, length: int) -> None:
    rng = random.Random(seed)
    text = sentence(rng, length)
    words = text.split()
    versions = []
    for changes in range(6):
        changed = list(words)
        for place in rng.sample(range(length), min(changes, length)):
            changed[place] = rng.choice(WORDS)
        versions.append(" ".join(changed))
    for version in versions:
        first, second = near_duplicates([text, version])
        similarity = jaccard(text, version)
        if similarity >= 0.8:
            assert first == second
        if similarity <= 0.46:  # four standard deviations of the estimate below the threshold
            assert first != second


def test_case_punctuation_spacing_and_width_do_not_count() -> None:
    assert normalise("  What's  the CAPITAL, of Ｆrance? ") == normalise("what s the capital of france")
    assert normalise("法国的首都是哪里？") == "法国的首都是哪里"


def test_vowel_signs_count() -> None:
    assert normalise("नमस्ते, दुनिया!") == "नमस्ते दुनिया"
    assert normalise("की") != normalise("का")


def test_near_duplicates_hang_together_by_way_of_others() -> None:
    rng = random.Random(1)
    words = sentence(rng, 40).split()
    chain = [" ".join(words)]
    for place in range(20):
        words[place] = rng.choice(WORDS)
        chain.append(" ".join(words))
    groups = near_duplicates([*chain, sentence(rng, 40)])
    assert jaccard(chain[0], chain[-1]) < 0.5
    assert len(set(groups[:-1].tolist())) == 1
    assert groups[-1] != groups[0]


def test_many_copies_in_one_band_are_all_found() -> None:
    text = sentence(random.Random(2), 30)
    groups = near_duplicates([f"{text} {i}" for i in range(500)])
    assert len(set(groups.tolist())) == 1


def test_no_texts_and_empty_texts() -> None:
    assert near_duplicates([]).tolist() == []
    assert near_duplicates(["", "", "a"]).tolist() == [0, 0, 2]


def test_depths_of_one_conversation_are_one_group_by_its_first_turn_only() -> None:
    rng = random.Random(3)
    first = sentence(rng, 8)
    short, long = ask(first), ask(first.upper() + "!", sentence(rng, 40), sentence(rng, 40))
    assert len(set(groups_of([short, long]).tolist())) == 1
    assert len(set(groups_of([short, long], "prompt").tolist())) == 2


def test_a_system_message_does_not_join_prompts() -> None:
    rng = random.Random(4)
    system = Message("system", sentence(rng, 100))
    rows = [Prompt((system, Message("user", sentence(rng, 8)))) for _ in range(5)]
    assert len(set(groups_of(rows).tolist())) == 5


def rows() -> list[Prompt | Comparison | Demonstration]:
    """300 rows of 100 questions: each as a prompt, in other spelling as a ranking, and with another end."""
    rng = random.Random(5)
    made: list[Prompt | Comparison | Demonstration] = []
    for _ in range(100):
        question = sentence(rng, 30)
        made.append(ask(question))
        made.append(Comparison(ask(question.title()), ("a", "b"), (1, 2)))
        made.append(Demonstration((*ask(f"{question} please").messages, Message("assistant", "c"))))
    rng.shuffle(made)
    return made


@pytest.mark.parametrize("seed", range(5))
def test_no_question_is_on_two_sides_and_the_shares_are_met(seed: int) -> None:
    made = rows()
    groups = groups_of(made)
    sides = split(made, groups, {"heldout": 0.1, "test": 0.2}, seed)
    assert [sides.count(side) for side in ("train", "heldout", "test")] == [210, 30, 60]
    assert len(set(zip(groups.tolist(), sides, strict=True))) == len(set(groups.tolist())) == 100


def test_the_seed_decides_and_the_order_of_the_rows_does_not() -> None:
    made = rows()
    sides = split(made, groups_of(made), {"heldout": 0.1}, 0)
    assert sides == split(made, groups_of(made), {"heldout": 0.1}, 0)
    assert sides != split(made, groups_of(made), {"heldout": 0.1}, 1)
    back = made[::-1]
    assert split(back, groups_of(back), {"heldout": 0.1}, 0) == sides[::-1]


def test_a_split_that_cannot_be_is_refused() -> None:
    alike = [ask(f"The very same question, asked again and again and again {i}?") for i in range(9)]
    groups = groups_of(alike)
    with pytest.raises(UserError, match="less than the smallest of the 1 groups of prompts"):
        split(alike, groups, {"heldout": 0.1})
    with pytest.raises(UserError, match="together they must stay below 1"):
        split(alike, groups, {"heldout": 0.5, "test": 0.5})
    with pytest.raises(UserError, match="together they must stay below 1"):
        split(alike, groups, {"heldout": -0.1})


@pytest.mark.stress
def test_a_hundred_thousand_rows() -> None:
    rng = random.Random(6)
    made = [ask(sentence(rng, rng.randint(3, 60))) for _ in range(100_000)]
    groups = groups_of(made)
    assert len(split(made, groups, {"heldout": 0.1})) == 100_000
