"""The files that people exchange with other tools: JSONL in conversational form, read with the line of every mistake.

{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}       a demonstration
{"prompt": [{"role": "user", "content": "…"}]}                                                 a prompt
{"prompt": […], "answer": "72"}                                                                a problem
{"prompt": […], "completions": [[{"role": "assistant", "content": "…"}], …]}                   samples
{"prompt": […], "completions": [[…], …], "ranks": [1, 2, 2, 4]}                                a ranking
{"prompt": […], "chosen": […], "rejected": […]}                                                a pair
{"text": "…"}                                                                                  raw text

A demonstration may say `"supervise": "last"`: only its last answer shows how to answer. A ranking or pair may have a
`"weight"`, which is 1 without.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

from mynah.errors import UserError
from mynah.files import read_text, write_lines
from mynah.nouns import ROLES, Comparison, Conversation, Demonstration, FinishReason, Message, Prompt, Samples

T = TypeVar("T")
Row = dict[str, Any]
HALF_CHARACTER = "holds half a character (an escape such as \\ud83d without its other half); remove it."
OUTSIZED = "holds a number of thousands of digits, or hundreds of lists within lists; remove it."


def read_demonstrations(path: Path) -> list[Demonstration]:
    """Rows of `{"messages"}` with at least one assistant turn. UserError names file, line and field."""
    return _read(path, demonstration_of)


def read_prompts(path: Path) -> list[Prompt]:
    """Rows of `{"prompt"}`; any row that has one will do, so rankings serve as prompts too."""
    return _read(path, prompt_of)


def read_problems(path: Path) -> list[Prompt]:
    """Rows of `{"prompt", "answer"}`: prompts with the right answer, or a list of right ones."""
    return _read(path, problem_of)


def read_samples(path: Path) -> list[Samples]:
    """Rows of `{"prompt", "completions"}`."""
    return _read(path, samples_of)


def read_comparisons(path: Path) -> list[Comparison]:
    """Rankings of K answers, or pairs. A file in which no row prefers one answer to another is refused."""
    comparisons = _read(path, comparison_of)
    if not any(comparison.pairs() for comparison in comparisons):
        raise UserError(
            f"{path}: every ranking is a tie, so nothing is preferred to anything; rank some answers apart."
        )
    return comparisons


def read_texts(path: Path) -> list[str]:
    """Documents: rows of `{"text"}` in a .jsonl file, else a text file whose documents are parted by blank lines."""
    if path.suffix.lower() in {".jsonl", ".json"}:
        return _read(path, text_of)
    texts = [text.strip() for text in re.split(r"\n\s*\n", read_text(path))]
    if not any(texts):
        raise UserError(f"{path}: is empty; it should hold text, documents parted by blank lines.")
    return [text for text in texts if text]


def write_demonstrations(path: Path, rows: Iterable[Demonstration]) -> None:
    write_lines(path, map(demonstration_row, rows))


def write_prompts(path: Path, rows: Iterable[Prompt]) -> None:
    write_lines(path, (_plain_prompt(row) for row in rows))


def write_samples(path: Path, rows: Iterable[Samples]) -> None:
    write_lines(path, map(sample_row, rows))


def write_comparisons(path: Path, rows: Iterable[Comparison]) -> None:
    write_lines(path, map(comparison_row, rows))


def write_texts(path: Path, texts: Iterable[str]) -> None:
    write_lines(path, ({"text": text} for text in texts))


def demonstration_row(row: Demonstration) -> Row:
    plain: Row = {"messages": _plain(row.messages), "source": row.source}
    return plain if row.supervise == "all" else plain | {"supervise": row.supervise}


def sample_row(row: Samples) -> Row:
    return _plain_prompt(row.prompt) | {
        "completions": _plain_answers(row.completions),
        "finish_reasons": list(row.finish_reasons),
        "model": row.model,
    }


def comparison_row(row: Comparison) -> Row:
    plain = _plain_prompt(row.prompt) | {
        "completions": _plain_answers(row.completions),
        "ranks": list(row.ranks),
        "labeller": row.labeller,
        "source": row.source,
    }
    return plain if row.weight == 1 else plain | {"weight": row.weight}


def rows(path: Path) -> Iterator[tuple[int, Row]]:
    """(line number, object) of every non-empty line; UserError names the line that is not a JSON object."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = object_of(loads(line))
        except Mistake as mistake:
            raise UserError(f"{path}:{number}: {mistake}") from None
        yield number, row


class Mistake(Exception):
    """What is wrong with a row; whoever reads the file adds the file and line."""


def loads(text: str) -> Any:
    """The JSON value of a text; Mistake says why there is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Mistake(f"not JSON ({error.msg.removesuffix(' starting at')} at column {error.colno}).") from None
    except (ValueError, RecursionError):
        raise Mistake(OUTSIZED) from None


def object_of(value: Any) -> Row:
    """A JSON value that must be an object, and that a file can hold; Mistake if not."""
    if not isinstance(value, dict):
        raise Mistake(f"a JSON object is needed, this is a {type(value).__name__}.")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Mistake(HALF_CHARACTER) from None
    except RecursionError:
        raise Mistake(OUTSIZED) from None
    return value


def _read(path: Path, parse: Callable[[Row], T]) -> list[T]:
    parsed = []
    for number, row in rows(path):
        try:
            parsed.append(parse(row))
        except Mistake as mistake:
            raise UserError(f"{path}:{number}: {mistake}") from None
    if not parsed:
        raise UserError(f"{path}: is empty; it should hold one JSON object a line.")
    return parsed


def demonstration_of(row: Row) -> Demonstration:
    """One row as a demonstration; Mistake names the field. The same holds for the five below."""
    messages = _messages(row, "messages")
    if not any(message.role == "assistant" for message in messages):
        raise Mistake('field "messages": has no assistant turn, so nothing is demonstrated.')
    supervise = row.get("supervise", "all")
    if supervise not in ("all", "last"):
        raise Mistake('field "supervise": all or last is needed, for the assistant turns that show how to answer.')
    return Demonstration(messages, name_of(row, "source"), supervise)


def prompt_of(row: Row) -> Prompt:
    messages = _messages(row, "prompt")
    if messages[-1].role == "assistant":
        raise Mistake('field "prompt": ends with an assistant turn; it must end where the assistant is to answer.')
    meta = {} if row.get("meta") is None else row["meta"]
    if not isinstance(meta, dict):
        raise Mistake('field "meta": an object is needed.')
    if "subset" in row:  # RewardBench's and others': figures of its own in `mynah eval`
        meta = {**meta, "subset": name_of(row, "subset")}
    return Prompt(messages, name_of(row, "id"), meta, _answers(row))


def problem_of(row: Row) -> Prompt:
    prompt = prompt_of(row)
    if not prompt.answers:
        raise Mistake('field "answer": the right answer is needed, as text or a number, or a list of right ones.')
    return prompt


def samples_of(row: Row) -> Samples:
    completions = _completions(row, least=1)
    reasons, known = row.get("finish_reasons", ["stop"] * len(completions)), get_args(FinishReason)
    if not isinstance(reasons, list) or len(reasons) != len(completions) or not all(r in known for r in reasons):
        raise Mistake(f'field "finish_reasons": one of {", ".join(known)} is needed for each completion.')
    return Samples(prompt_of(row), completions, tuple(reasons), name_of(row, "model"))


def comparison_of(row: Row) -> Comparison:
    if "chosen" in row or "rejected" in row:
        completions: tuple[str, ...] = tuple(_answer(row, side, row.get(side)) for side in ("chosen", "rejected"))
        ranks: tuple[int, ...] = (1, 2)
    else:
        completions, ranks = _completions(row, least=2), _ranks(row)
        if len(ranks) != len(completions):
            raise Mistake(f'field "ranks": {len(ranks)} ranks for {len(completions)} completions.')
    return Comparison(
        prompt_of(row), completions, ranks, name_of(row, "labeller"), name_of(row, "source"), _weight(row)
    )


def text_of(row: Row) -> str:
    return _string(row, "text")


def _answers(row: Row) -> tuple[str, ...]:
    """The right answers of a row that states one or several; numbers as people write them: 72, not 72.0."""
    given = row.get("answer")
    answers = [answer for answer in (given if isinstance(given, list) else [given]) if answer not in (None, "")]
    if not all(isinstance(answer, str | int | float) for answer in answers):
        raise Mistake('field "answer": text or a number is needed, or a list of such.')
    whole = [int(answer) if isinstance(answer, float) and answer.is_integer() else answer for answer in answers]
    return tuple(map(str, whole))


def _ranks(row: Row) -> tuple[int, ...]:
    ranks = row.get("ranks")
    if not isinstance(ranks, list) or not all(isinstance(rank, int) and not isinstance(rank, bool) for rank in ranks):
        raise Mistake('field "ranks": a list of whole numbers is needed, 1 for the best, equal for a tie.')
    return tuple(ranks)


def _weight(row: Row) -> float:
    weight = 1.0 if row.get("weight") is None else row["weight"]
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
        raise Mistake('field "weight": a number from 0 on is needed; 1 is a whole ranking.')
    return float(weight)


def _completions(row: Row, least: int) -> tuple[str, ...]:
    completions = row.get("completions")
    if not isinstance(completions, list) or len(completions) < least:
        raise Mistake(f'field "completions": a list of at least {least} answers is needed.')
    return tuple(_answer(row, f"completions[{i}]", answer) for i, answer in enumerate(completions))


def _answer(row: Row, field: str, value: Any) -> str:
    """One assistant answer: a string, or its message in a list, where the prompt's messages may stand before it."""
    if isinstance(value, str):
        return value
    *before, message = _conversation(value, field)
    if message.role != "assistant":
        raise Mistake(f'field "{field}": an answer must be an assistant message, this one is a {message.role} message.')
    if message.tool_calls:
        raise Mistake(f'field "{field}": an answer must be text, this one calls tools.')
    if before and tuple(before) != _messages(row, "prompt"):
        raise Mistake(f'field "{field}": before the answer stand {len(before)} messages that are not the prompt.')
    return message.content


def _messages(row: Row, field: str) -> Conversation:
    return _conversation(row.get(field), field)


def _conversation(messages: Any, field: str) -> Conversation:
    if not isinstance(messages, list) or not messages:
        raise Mistake(f'field "{field}": a list of messages is needed.')
    return tuple(_message(message, f"{field}[{i}]") for i, message in enumerate(messages))


def _message(message: Any, field: str) -> Message:
    if not isinstance(message, dict):
        raise Mistake(f'field "{field}": an object with role and content is needed.')
    role, content, calls = message.get("role"), message.get("content"), message.get("tool_calls") or []
    if role is None:
        raise Mistake(f'field "{field}.role": is missing.')
    if role not in ROLES:
        raise Mistake(f'field "{field}.role": unknown role {role!r}; known are {", ".join(ROLES)}.')
    if content is None and calls:
        content = ""
    if not isinstance(content, str):
        raise Mistake(f'field "{field}.content": a string is needed.')
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise Mistake(f'field "{field}.tool_calls": a list of objects is needed.')
    return Message(role, content, tuple(calls))


def name_of(row: Row, field: str) -> str:
    """An optional string; numbers, as ids often are, will do, and null is none."""
    value = row.get(field)
    if not isinstance(value, str | int | None):
        raise Mistake(f'field "{field}": a string is needed.')
    return "" if value is None else str(value)


def _string(row: Row, field: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value:
        raise Mistake(f'field "{field}": a non-empty string is needed.')
    return value


def _plain(messages: Conversation) -> list[Row]:
    return [message.to_json() for message in messages]


def _plain_answers(answers: Iterable[str]) -> list[list[Row]]:
    return [[{"role": "assistant", "content": text}] for text in answers]


def _plain_prompt(prompt: Prompt) -> Row:
    row: Row = {"prompt": _plain(prompt.messages)}
    if prompt.id:
        row["id"] = prompt.id
    if prompt.meta:
        row["meta"] = dict(prompt.meta)
    if prompt.answers:
        row["answer"] = list(prompt.answers) if len(prompt.answers) > 1 else prompt.answers[0]
    return row
