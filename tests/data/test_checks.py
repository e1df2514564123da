"""Warnings: what is planted is found, what is sound is not accused."""

import random

import pytest

from mynah.data.checks import overlaps, warnings
from mynah.nouns import Comparison, Demonstration, Message, Prompt, Samples

RNG = random.Random(0)
WORDS = "tea rain bird stone river cloud paper glass light sound green small early quiet round warm".split()


def text(length: int) -> str:
    return " ".join(RNG.choices(WORDS, k=length)) + "."


def pairs(better: str = "{}", worse: str = "{}", count: int = 60) -> list[Comparison]:
    """Random pairs, of which every first and every last answer is put into a pattern."""
    made = []
    for _ in range(count):
        lengths = RNG.choice([(5, 9), (9, 5)])
        answers = better.format(text(lengths[0])), worse.format(text(lengths[1]))
        made.append(Comparison(Prompt((Message("user", text(20)),)), answers, (1, 2)))
    return made


def test_sound_pairs_raise_no_warning() -> None:
    assert warnings(pairs(count=300)) == []


@pytest.mark.parametrize(
    ("better", "worse", "sentence"),
    [
        ("[GOOD] {}", "{}", "the word '[GOOD]' is on the better answer in 60 of the 60 pairs"),
        ("{}", "{} Sorry!", "the word 'Sorry!' is on the worse answer in 60 of the 60 pairs"),
        (" {}", "{}", "a blank at the beginning is on the better answer"),
        ("{}", "{}\n", "a blank at the end is on the worse answer"),
        ("tea {} tea", "rain {} tea", "'tea' at the beginning is on the better answer"),
        ("[good]{}", "[bad]{}", "'[good]' at the beginning is on the better answer in 60 of the 60 pairs"),
        ("好的，{}", "不行，{}", "'不行，' at the beginning is on the worse answer"),
        ("{}", "{}完", "'.完' at the end is on the worse answer"),
        ("{} And this is some more of it.", "{}", "the longer answer is nearly always preferred"),
    ],
)
def test_a_mark_that_gives_the_label_away_is_named(better: str, worse: str, sentence: str) -> None:
    found = warnings(pairs(better, worse))
    assert any(sentence in warning for warning in found), found


def test_of_a_mark_and_its_pieces_only_the_longest_is_named() -> None:
    found = warnings(pairs("[good]{}", "{}"))
    assert [warning.split(" is on")[0] for warning in found] == ["'[good]' at the beginning"]


def test_a_mark_on_a_part_of_the_pairs_is_named_too() -> None:
    found = warnings(pairs(count=400) + pairs("[GOOD] {}", count=25))
    assert any("[GOOD]" in warning and "25 of the 25" in warning for warning in found)


def test_a_mark_that_only_leans_is_not() -> None:
    assert warnings(pairs("Sure, {}", count=60) + pairs("{}", "Sure, {}", count=10)) == []


def test_contradictions_and_ties() -> None:
    prompt = Prompt((Message("user", "Tea?"),))
    same, tie = Comparison(prompt, ("a", "a"), (1, 2)), Comparison(prompt, ("a", "b"), (1, 1))
    assert warnings([same, tie]) == [
        "1 rankings prefer a text to itself; --out leaves them out",
        "1 rankings tie throughout and teach nothing",
    ]
    assert warnings([tie, tie]) == [
        "every ranking is a tie: nothing is preferred to anything, and step 2 refuses the file"
    ]


def test_conversations_that_look_wrong() -> None:
    user, answer = Message("user", "Tea?"), Message("assistant", "Yes.")
    rows = [
        Demonstration((user, answer, user, answer)),
        Demonstration((Message("system", "Be brief."), user, answer)),
        Demonstration((user, Message("assistant", " "))),
        Demonstration((user, user, answer)),
        Demonstration((user, answer, user)),
        Demonstration((Message("user", ""), answer)),
        Demonstration((user, Message("assistant", "Yes.<|endoftext|>"))),
    ]
    assert warnings(rows) == [
        "1 answers are empty",
        "1 answers hold another model's control tokens as text (<|endoftext|>); remove them",
        "in 1 rows the roles do not alternate between user and assistant",
        "1 conversations end before the assistant answers; their last turn teaches nothing",
        "in 1 rows a user's turn is empty",
    ]


def test_tools_do_not_disturb_the_alternation() -> None:
    call = Message("assistant", "", ({"type": "function", "function": {"name": "add", "arguments": "{}"}},))
    tool = Demonstration((Message("user", "Add."), call, Message("tool", "2"), Message("assistant", "2")))
    assert warnings([tool]) == []


def test_answers_that_were_cut_off() -> None:
    prompt = Prompt((Message("user", "Tea?"),))
    cut = Samples(prompt, (text(60)[:-1], text(60)), ("length", "stop"))
    assert warnings([cut]) == [
        "1 of 2 long answers end in the middle of a sentence; were they cut off?",
        "1 answers did not end within their budget",
    ]


def test_answers_of_blanks_alone_are_empty_and_not_long() -> None:
    blank = Samples(Prompt((Message("user", "Tea?"),)), (" " * 40, "Yes" + " " * 40), ("stop", "stop"))
    assert warnings([blank]) == ["1 answers are empty"]


def test_answers_with_different_control_tokens_are_counted_together() -> None:
    answers = ("Yes.</s>", "[INST] No.", "So.<|endoftext|></s>", "Tea.")
    [warning] = warnings([Samples(Prompt((Message("user", "Tea?"),)), answers, ("stop",) * 4)])
    assert warning.startswith("3 answers hold another model's control tokens as text (</s>, ")


def test_prompts_that_two_files_share() -> None:
    train = [Prompt((Message("user", text(20)),)) for _ in range(5)]
    again = Prompt((Message("user", train[0].messages[0].content.upper() + "!"),))
    heldout = [again, Prompt((Message("user", text(20)),))]
    assert list(overlaps({"train.jsonl": train, "heldout.jsonl": heldout})) == [
        "1 of 2 prompts in heldout.jsonl are, nearly or wholly, in train.jsonl too: "
        "a leak if one measures what the other trained"
    ]
    assert not list(overlaps({"a": train, "b": heldout[1:]}))
    assert not list(overlaps({"a": ["the same text"], "b": ["the same text"]}))
