"""The figures of each kind of row."""

from mynah.data.summary import summarise, words
from mynah.evals.intervals import wilson
from mynah.nouns import Comparison, Demonstration, Message, Prompt, Samples

HI, HO = Prompt((Message("user", "Hi?"),)), Prompt((Message("user", "Ho?"),))
CALL = Message("assistant", "", ({"type": "function", "function": {"name": "add", "arguments": "{}"}},))


def test_words_are_counted_by_character_where_a_script_has_no_spaces() -> None:
    assert words(["Tea, and rain.", "茶と雨 ok", ""]) == [3, 4, 0]


def test_the_vowel_signs_of_a_word_are_part_of_it() -> None:
    assert words(["नमस्ते दुनिया", "வணக்கம், உலகம்!", "ca\u0301no\u0303 e", "か\u3099き", "I ❤️ tea"]) == [2, 2, 2, 2, 2]


def test_demonstrations() -> None:
    one = Demonstration((Message("user", "Hi?"), Message("assistant", "one two"), Message("assistant", "three")))
    tool = Demonstration((Message("user", "Add."), CALL, Message("tool", "2"), Message("assistant", "2")))
    assert summarise("demonstrations", [one, one, tool]) == {
        "rows": 3,
        "different prompts": 2,
        "turns a row": round((3 + 3 + 4) / 3, 2),
        "answers": 5,
        "words": 4 + 4 + 3,
        "words an answer": f"{7 / 5:.1f} (longest 2)",
        "copies": 1,
    }


def test_prompts_even_those_whose_history_calls_tools() -> None:
    tool = Prompt((Message("user", "Add."), CALL, Message("tool", "2")))
    assert summarise("prompts", [HI, HI, tool, tool]) == {
        "rows": 4,
        "different prompts": 2,
        "turns a row": 2.0,
        "words": 6,
        "copies": 2,
    }


def test_samples() -> None:
    rows = [Samples(HI, ("a", "b"), ("stop", "length"), "1-sft"), Samples(HO, ("a", "b"), ("stop", "stop"), "1-sft")]
    figures = summarise("samples", rows)
    assert (figures["answers"], figures["answers a prompt"], figures["models"]) == (4, "2", 1)


def test_rankings() -> None:
    rows = [
        Comparison(HI, ("long answer", "short", "short"), (1, 2, 3), "ann"),  # uneven pairs: longer twice
        Comparison(HI, ("a", "bb", "c", "d"), (1, 2, 2, 2), "bob"),  # one uneven pair: shorter; 3 ties
        Comparison(HI, ("a", "bb", "c", "d"), (1, 2, 2, 2), "cid"),
        Comparison(HO, ("a", "b"), (1, 1), "bob"),  # 1 tie
    ]
    assert summarise("rankings", rows) == {
        "rows": 4,
        "different prompts": 2,
        "turns a row": 1.0,
        "answers": 13,
        "answers a prompt": "2 (25%), 3 (25%), 4 (50%)",
        "strict pairs": 9,
        "ties": 7,
        "longer preferred": wilson(1, 3),  # each ranking counts once
        "labellers": 3,
        "words": 4 + 14,
        "words an answer": f"{14 / 13:.1f} (longest 2)",
        "same answers ranked again": 1,
    }


def test_raw_text_in_tokens() -> None:
    assert summarise("text", ["abc", "de", "de"], lambda texts: [len(text) for text in texts], "tokens") == {
        "rows": 3,
        "tokens": 7,
        "copies": 1,
    }
