"""What `mynah data` says about each kind of file."""

from pathlib import Path

import pytest

from mynah import jsonl
from mynah.data.summary import summarise
from mynah.errors import UserError
from mynah.nouns import Comparison, Demonstration, Message, Prompt, Samples

HI, HO = Prompt((Message("user", "Hi?"),)), Prompt((Message("user", "Ho?"),))
CALL = Message("assistant", "", ({"type": "function", "function": {"name": "add", "arguments": "{}"}},))


def test_demonstrations(tmp_path: Path) -> None:
    one = Demonstration((Message("user", "Hi?"), Message("assistant", "1234"), Message("assistant", " ")))
    tool = Demonstration((Message("user", "Add."), CALL, Message("tool", "2"), Message("assistant", "2")))
    jsonl.write_demonstrations(tmp_path / "d.jsonl", [one, one, tool])
    assert summarise(tmp_path / "d.jsonl") == {
        "kind": "demonstrations",
        "conversations": 3,
        "assistant turns": 6,
        "mean characters an answer": round((4 + 1 + 4 + 1 + 0 + 1) / 6, 1),
        "duplicates": 1,
        "warnings": ["2 assistant turns are empty"],
    }


def test_prompts_even_those_whose_history_calls_tools(tmp_path: Path) -> None:
    tool = Prompt((Message("user", "Add."), CALL, Message("tool", "2")))
    jsonl.write_prompts(tmp_path / "p.jsonl", [HI, HI, tool, tool])
    assert summarise(tmp_path / "p.jsonl") == {
        "kind": "prompts",
        "prompts": 4,
        "mean turns": 2.0,
        "duplicates": 2,
        "warnings": [],
    }


def test_samples(tmp_path: Path) -> None:
    rows = [Samples(HI, ("a", "b"), ("stop", "length"), "1-sft"), Samples(HO, ("a", "b"), ("stop", "stop"), "1-sft")]
    jsonl.write_samples(tmp_path / "s.jsonl", rows)
    assert summarise(tmp_path / "s.jsonl") == {
        "kind": "samples",
        "prompts": 2,
        "answers a prompt": 2.0,
        "models": 1,
        "warnings": ["1 answers did not end within their budget"],
    }


def test_rankings(tmp_path: Path) -> None:
    rows = [
        Comparison(HI, ("long answer", "short", "short"), (1, 2, 3), "ann"),  # 3 pairs: longer twice, one to itself
        Comparison(HI, ("a", "bb", "c", "d"), (1, 2, 2, 2), "bob"),  # 3 pairs, one uneven: shorter; 3 ties
        Comparison(HO, ("a", "b"), (1, 1), "bob"),  # 1 tie
    ]
    jsonl.write_comparisons(tmp_path / "r.jsonl", rows)
    assert summarise(tmp_path / "r.jsonl") == {
        "kind": "rankings",
        "rankings": 3,
        "answers a prompt": 3.0,
        "strict pairs": 6,
        "ties": 4,
        "longer preferred": round(2 / 3, 3),
        "labellers": 2,
        "prompts": 2,
        "warnings": ["1 pairs prefer a text to the same text", "1 rankings tie throughout and teach nothing"],
    }


def test_pairs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": [{"role": "user", "content": "Hi?"}], "chosen": "ab", "rejected": "a"}\n')
    figures = summarise(path)
    assert figures["kind"] == "pairs"
    assert (figures["strict pairs"], figures["longer preferred"]) == (1, 1.0)


def test_raw_text_in_both_forms(tmp_path: Path) -> None:
    jsonl.write_texts(tmp_path / "t.jsonl", ["abc", "de", "de"])
    (tmp_path / "t.txt").write_text("abc\n\nde\n\nde\n")
    for name in ("t.jsonl", "t.txt"):
        assert summarise(tmp_path / name) == {
            "kind": "raw text",
            "documents": 3,
            "characters": 7,
            "duplicates": 1,
            "warnings": [],
        }


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for content, sentence in {
        "": ": is empty",
        "\n{}\n": ":2: has none of the fields messages, prompt, completions, ranks, chosen, text",
        '{"text": "a"}\n{"txt": "b"}\n': ':2: field "text"',
        "{": ":1: not JSON",
    }.items():
        path.write_text(content)
        with pytest.raises(UserError) as error:
            summarise(path)
        assert str(error.value).startswith(f"{path}{sentence}")
