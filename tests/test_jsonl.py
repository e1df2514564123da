"""The files people exchange: what is written reads back, and every mistake names its file, line and field."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mynah import jsonl
from mynah.errors import UserError
from mynah.nouns import Comparison, Demonstration, Message, Prompt, Samples

USER, ANSWER = {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}
CALL = {"type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
GOOD = {
    jsonl.read_demonstrations: {"messages": [USER, ANSWER]},
    jsonl.read_prompts: {"prompt": [USER]},
    jsonl.read_problems: {"prompt": [USER], "answer": 72},
    jsonl.read_samples: {"prompt": [USER], "completions": [[ANSWER]]},
    jsonl.read_comparisons: {"prompt": [USER], "completions": [[ANSWER], [ANSWER]], "ranks": [1, 2]},
    jsonl.read_texts: {"text": "Once."},
}
Reader = Callable[[Path], list[Any]]


def file(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def refused(read: Reader, path: Path) -> str:
    with pytest.raises(UserError) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(path))
    return str(error.value).removeprefix(str(path))


def test_demonstrations_read_back(tmp_path: Path) -> None:
    rows = [
        Demonstration(
            (Message("system", "Be brief."), Message("user", "é\u2028\n你"), Message("assistant", "")), "ours"
        ),
        Demonstration((Message("assistant", "", (CALL,)), Message("tool", "2"), Message("assistant", "2"))),
    ]
    jsonl.write_demonstrations(tmp_path / "d.jsonl", rows)
    assert jsonl.read_demonstrations(tmp_path / "d.jsonl") == rows


def test_problems_read_back_and_state_their_answers(tmp_path: Path) -> None:
    asked = (Message("user", "6 + 6?"),)
    problems = [Prompt(asked, answers=("12",)), Prompt(asked, answers=("twelve", "a dozen"))]
    jsonl.write_prompts(tmp_path / "p.jsonl", problems)
    assert jsonl.read_problems(tmp_path / "p.jsonl") == problems
    assert jsonl.read_problems(file(tmp_path, {"prompt": [USER], "answer": [12.0, "1/2"]}))[0].answers == ("12", "1/2")
    for wrong in ({}, {"answer": ""}, {"answer": []}, {"answer": {"value": 12}}):
        assert ':1: field "answer"' in refused(jsonl.read_problems, file(tmp_path, {"prompt": [USER], **wrong}))


def test_prompts_samples_and_rankings_read_back(tmp_path: Path) -> None:
    prompt = Prompt((Message("user", "Hi?"),), "p-1", {"behaviour": "facts"})
    bare = Prompt((Message("user", "Ho?"), Message("assistant", "Ha."), Message("user", "He?")))
    samples = [Samples(prompt, ("a", ""), ("stop", "length"), "round-1/1-sft"), Samples(bare, ("b",), ("cancelled",))]
    rankings = [Comparison(prompt, ("a", "b", "c"), (2, 1, 2), "ann", "human"), Comparison(bare, ("a", "b"), (1, 2))]
    jsonl.write_prompts(tmp_path / "p.jsonl", [prompt, bare])
    jsonl.write_samples(tmp_path / "s.jsonl", samples)
    jsonl.write_comparisons(tmp_path / "r.jsonl", rankings)
    assert jsonl.read_prompts(tmp_path / "p.jsonl") == [prompt, bare]
    assert jsonl.read_samples(tmp_path / "s.jsonl") == samples
    assert jsonl.read_comparisons(tmp_path / "r.jsonl") == rankings
    assert jsonl.read_prompts(tmp_path / "r.jsonl") == [prompt, bare], "rankings serve as prompts too"


def test_texts_read_back_and_plain_text_is_parted_by_blank_lines(tmp_path: Path) -> None:
    texts = ["one\n\nstill one", "two"]
    jsonl.write_texts(tmp_path / "t.jsonl", texts)
    assert jsonl.read_texts(tmp_path / "t.jsonl") == texts
    (tmp_path / "t.txt").write_bytes(b"one\r\nline\r\n\r\n\r\n\r\ntwo\n\n")
    assert jsonl.read_texts(tmp_path / "t.txt") == ["one\nline", "two"]
    (tmp_path / "t.txt").write_bytes(b"one\n \t\ntwo\r\n  \r\n\t\r\nthree\n line")
    assert jsonl.read_texts(tmp_path / "t.txt") == ["one", "two", "three\n line"]


def test_a_suffix_in_capitals_is_the_same_suffix(tmp_path: Path) -> None:
    for name in ("CORPUS.JSONL", "CORPUS.JSON"):
        jsonl.write_texts(tmp_path / name, ["one", "two"])
        assert jsonl.read_texts(tmp_path / name) == ["one", "two"]


def test_empty_lines_count_but_are_no_rows(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD[jsonl.read_prompts], "", "  ", {"prompt": []})
    assert refused(jsonl.read_prompts, path).startswith(':4: field "prompt"')


def test_windows_line_ends_and_byte_order_marks_are_taken(tmp_path: Path) -> None:
    row = json.dumps(GOOD[jsonl.read_demonstrations])
    (tmp_path / "d.jsonl").write_bytes(b"\xef\xbb\xbf" + f"{row}\r\n{row}".encode())
    assert len(jsonl.read_demonstrations(tmp_path / "d.jsonl")) == 2


@pytest.mark.parametrize("form", ["strings", "messages", "conversations"])
def test_a_pair_is_a_ranking_of_two(tmp_path: Path, form: str) -> None:
    def answer(text: str) -> Any:
        message = {"role": "assistant", "content": text}
        return {"strings": text, "messages": [message], "conversations": [USER, message]}[form]

    path = file(tmp_path, {"prompt": [USER], "chosen": answer("good"), "rejected": answer("bad")})
    prompt = Prompt((Message("user", "Hi?"),))
    assert jsonl.read_comparisons(path) == [Comparison(prompt, ("good", "bad"), (1, 2))]


def test_ties_give_no_pair_and_a_file_of_ties_is_refused(tmp_path: Path) -> None:
    tie = GOOD[jsonl.read_comparisons] | {"ranks": [1, 1]}
    assert "every ranking is a tie" in refused(jsonl.read_comparisons, file(tmp_path, tie, tie))
    ranked = {"prompt": [USER], "completions": ["a", "b", "c", "d"], "ranks": [2, 1, 2, 4]}
    [first, second] = jsonl.read_comparisons(file(tmp_path, tie, ranked))
    assert first.pairs() == []
    assert second.pairs() == [(0, 3), (1, 0), (1, 2), (1, 3), (2, 3)]


@pytest.mark.parametrize("read", GOOD, ids=lambda read: read.__name__)
def test_a_malformed_line_is_named(tmp_path: Path, read: Reader) -> None:
    good = GOOD[read]
    assert len(read(file(tmp_path, good, good))) == 2
    assert refused(read, file(tmp_path, good, '{"messages": [}')).startswith(":2: not JSON (Expecting value at column ")
    assert refused(read, file(tmp_path, good, "[1]")) == ":2: a JSON object is needed, this is a list."
    assert refused(read, file(tmp_path, good, "{}")).startswith(':2: field "')
    assert refused(read, file(tmp_path, good, '{"text": "\\ud83d"}')).startswith(":2: holds half a character")
    for outsized in ("9" * 5000, "[" * 100_000 + "]" * 100_000):
        assert refused(read, file(tmp_path, good, f'{{"id": {outsized}}}')).startswith(
            ":2: holds a number of thousands"
        )
    assert refused(read, file(tmp_path)) == ": is empty; it should hold one JSON object a line."
    assert refused(read, tmp_path / "none.jsonl") == ": no such file."
    path = file(tmp_path, good, good)
    path.write_bytes(path.read_bytes() + b'{"text": "caf\xe9"}\n')
    assert refused(read, path) == ":3: is not UTF-8; save the file as UTF-8."


@pytest.mark.parametrize(
    ("read", "change", "sentence"),
    [
        (jsonl.read_demonstrations, {"messages": "Hi"}, 'field "messages": a list of messages is needed.'),
        (jsonl.read_demonstrations, {"messages": [USER]}, 'field "messages": has no assistant turn'),
        (
            jsonl.read_demonstrations,
            {"messages": [USER, {"role": "bot", "content": "x"}]},
            "field \"messages[1].role\": unknown role 'bot'; known are system, user, assistant, tool.",
        ),
        (
            jsonl.read_demonstrations,
            {"messages": [USER, {"role": ["assistant"], "content": "x"}]},
            'field "messages[1].role": unknown role',
        ),
        (
            jsonl.read_demonstrations,
            {"messages": [USER, {"role": "assistant", "content": None}]},
            'field "messages[1].content": a string is needed.',
        ),
        (jsonl.read_demonstrations, {"messages": [USER, "Hello."]}, 'field "messages[1]": an object with role and'),
        (
            jsonl.read_demonstrations,
            {"messages": [USER, ANSWER | {"tool_calls": "add"}]},
            'field "messages[1].tool_calls": a list of objects is needed.',
        ),
        (
            jsonl.read_demonstrations,
            {"messages": [USER, ANSWER | {"tool_calls": ["add"]}]},
            'field "messages[1].tool_calls": a list of objects is needed.',
        ),
        (jsonl.read_demonstrations, {"source": ["a"]}, 'field "source": a string is needed.'),
        (jsonl.read_prompts, {"prompt": []}, 'field "prompt": a list of messages is needed.'),
        (jsonl.read_prompts, {"prompt": [USER, ANSWER]}, 'field "prompt": ends with an assistant turn'),
        (jsonl.read_prompts, {"meta": 3}, 'field "meta": an object is needed.'),
        (jsonl.read_samples, {"completions": []}, 'field "completions": a list of at least 1 answers is needed.'),
        (jsonl.read_samples, {"finish_reasons": "stop"}, 'field "finish_reasons": one of stop, length, cancelled'),
        (jsonl.read_samples, {"finish_reasons": []}, 'field "finish_reasons": one of stop, length, cancelled'),
        (jsonl.read_samples, {"finish_reasons": ["?"]}, 'field "finish_reasons": one of stop, length, cancelled'),
        (jsonl.read_comparisons, {"completions": ["a"]}, 'field "completions": a list of at least 2 answers'),
        (jsonl.read_comparisons, {"completions": ["a", 3]}, 'field "completions[1]": a list of messages is needed.'),
        (
            jsonl.read_comparisons,
            {"completions": ["a", [USER]]},
            'field "completions[1]": an answer must be an assistant message, this one is a user message.',
        ),
        (
            jsonl.read_comparisons,
            {"completions": ["a", [ANSWER | {"tool_calls": [CALL]}]]},
            'field "completions[1]": an answer must be text, this one calls tools.',
        ),
        (
            jsonl.read_comparisons,
            {"completions": ["a", [ANSWER, ANSWER]]},
            'field "completions[1]": before the answer stand 1 messages that are not the prompt.',
        ),
        (jsonl.read_comparisons, {"ranks": [1, 2, 3]}, 'field "ranks": 3 ranks for 2 completions.'),
        (jsonl.read_comparisons, {"ranks": [1.0, 2]}, 'field "ranks": a list of whole numbers is needed'),
        (jsonl.read_comparisons, {"ranks": [True, False]}, 'field "ranks": a list of whole numbers is needed'),
        (jsonl.read_demonstrations, {"supervise": "first"}, 'field "supervise": all or last is needed'),
        (jsonl.read_comparisons, {"weight": -0.1}, 'field "weight": a number from 0 on is needed'),
        (jsonl.read_comparisons, {"weight": "1"}, 'field "weight": a number from 0 on is needed'),
        (jsonl.read_comparisons, {"weight": float("nan")}, 'field "weight": a number from 0 on is needed'),
        (jsonl.read_comparisons, {"ranks": None}, 'field "ranks": a list of whole numbers is needed'),
        (jsonl.read_comparisons, {"chosen": "a"}, 'field "rejected": a list of messages is needed.'),
        (jsonl.read_texts, {"text": 3}, 'field "text": a non-empty string is needed.'),
        (jsonl.read_texts, {"text": ""}, 'field "text": a non-empty string is needed.'),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, read: Reader, change: dict[str, Any], sentence: str) -> None:
    good = GOOD[read]
    assert refused(read, file(tmp_path, good, good, good | change)).startswith(f":3: {sentence}")


def test_optional_names_may_be_numbers_or_null(tmp_path: Path) -> None:
    [prompt] = jsonl.read_prompts(file(tmp_path, {"prompt": [USER], "id": 17}))
    assert prompt.id == "17"
    [row] = jsonl.read_demonstrations(file(tmp_path, {"messages": [USER, ANSWER], "source": None}))
    assert row.source == ""
    nothing = GOOD[jsonl.read_comparisons] | dict.fromkeys(("id", "meta", "labeller", "source", "weight", "answer"))
    [ranking] = jsonl.read_comparisons(file(tmp_path, nothing))
    assert ranking == Comparison(Prompt((Message("user", "Hi?"),)), ("Hello.", "Hello."), (1, 2))


def test_an_empty_text_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("\n\n \n")
    assert "is empty" in refused(jsonl.read_texts, tmp_path / "t.txt")


def test_a_weight_is_kept_and_1_is_not_written(tmp_path: Path) -> None:
    rows = [GOOD[jsonl.read_comparisons] | weight for weight in ({}, {"weight": 0.25}, {"weight": 0})]
    read = jsonl.read_comparisons(file(tmp_path, *rows))
    assert [row.weight for row in read] == [1.0, 0.25, 0.0]
    jsonl.write_comparisons(tmp_path / "out.jsonl", read)
    assert jsonl.read_comparisons(tmp_path / "out.jsonl") == read
    assert [row.get("weight") for _, row in jsonl.rows(tmp_path / "out.jsonl")] == [None, 0.25, 0.0]


def test_which_turns_are_supervised_is_kept(tmp_path: Path) -> None:
    rows = [GOOD[jsonl.read_demonstrations], GOOD[jsonl.read_demonstrations] | {"supervise": "last"}]
    read = jsonl.read_demonstrations(file(tmp_path, *rows))
    assert [row.supervise for row in read] == ["all", "last"]
    jsonl.write_demonstrations(tmp_path / "out.jsonl", read)
    assert jsonl.read_demonstrations(tmp_path / "out.jsonl") == read
    assert ["supervise" in row for _, row in jsonl.rows(tmp_path / "out.jsonl")] == [False, True]
