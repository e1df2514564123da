"""Single answers that people called good or bad: TRL's `label`, and 0/1 rewards as in Taskmaster (PERL, 2403.10704).

{"prompt": "Hi?", "completion": "Hello!", "label": true}
{"context": [{"role": "user", "text": "Hi?"}], "generation": {"role": "agent", "text": "Hello!"}, "reward": 1.0}

A reward model learns from differences between answers to one prompt (Bradley-Terry): how good an answer is and how hard
its prompt is cannot be told apart from one verdict. So answers to the same prompt are ranked by their share of good
verdicts, and answers without a rival of another share make no ranking. Pairs across prompts would teach which prompts
go well. Answers that all call good are demonstrations besides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from mynah.data.conversations import messages
from mynah.data.rows import LeftOut, key, one_of, string
from mynah.jsonl import Mistake, loads, object_of
from mynah.nouns import Comparison, Demonstration, Message, Prompt, Role

T = TypeVar("T")
VERDICTS = {0: False, 1: True, -1: False}
SPEAKERS: dict[str, Role] = {"user": "user", "agent": "assistant", "api": "tool"}


@dataclass(frozen=True)
class Rated:
    """One answer and one person's verdict on it."""

    prompt: Prompt
    completion: str
    good: bool


def recognise(record: dict[str, Any]) -> bool:
    return {"prompt", "completion", "label"} <= set(record) or {"context", "generation", "reward"} <= set(record)


def parse(record: dict[str, Any]) -> Iterator[Rated | LeftOut]:
    if "generation" in record:
        context = _json(record, "context", list)
        said = tuple(_turn(turn, f"context[{i}]") for i, turn in enumerate(context))
        answer = _turn(_json(record, "generation", dict), "generation")
        good = verdict(record, "reward")
    else:
        *before, answer = messages(record, "completion", "assistant")
        said, good = (*messages(record, "prompt"), *before), verdict(record, "label")
    if answer.role != "assistant":
        raise Mistake(f"the answer must be the assistant's, this one is a {answer.role} turn.")
    yield Rated(Prompt(said), answer.content, good) if said else LeftOut("answers to nothing")


def verdict(record: dict[str, Any], field: str) -> bool:
    """1 or true for good; 0, -1 or false for bad."""
    value = record.get(field)
    if not isinstance(value, int | float) or value not in VERDICTS:
        raise Mistake(f'field "{field}": 1 or true for a good answer, 0 or false for a bad one is needed.')
    return VERDICTS[int(value)]


def join(rows: Iterable[Rated | T]) -> Iterator[Comparison | Demonstration | LeftOut | T]:
    """Rankings where answers to one prompt differ, and the answers that all call good, as demonstrations."""
    yield from _join(rows, demonstrate=True)


def join_rankings(rows: Iterable[Rated | T]) -> Iterator[Comparison | Demonstration | LeftOut | T]:
    """Only the rankings."""
    yield from _join(rows, demonstrate=False)


def _join(rows: Iterable[Rated | T], demonstrate: bool) -> Iterator[Comparison | Demonstration | LeftOut | T]:
    """Rows that are something else already go through as they are."""
    rated = []
    for row in rows:
        if isinstance(row, Rated):
            rated.append(row)
        else:
            yield row
    for prompt, shares in _by_prompt(rated):
        yield from _ranking(prompt, shares)
        if demonstrate:
            for answer, share in shares.items():
                if share == 1:
                    yield Demonstration((*prompt.messages, Message("assistant", answer)), "human")


def _by_prompt(rows: Iterable[Rated]) -> Iterator[tuple[Prompt, dict[str, float]]]:
    """Each prompt with its answers' shares of good verdicts."""
    prompts: dict[str, tuple[Prompt, dict[str, list[bool]]]] = {}
    for row in rows:
        _, verdicts = prompts.setdefault(key(row.prompt.messages), (row.prompt, {}))
        verdicts.setdefault(row.completion, []).append(row.good)
    for prompt, verdicts in prompts.values():
        yield prompt, {answer: sum(given) / len(given) for answer, given in verdicts.items()}


def _ranking(prompt: Prompt, shares: dict[str, float]) -> Iterator[Comparison | LeftOut]:
    order = sorted(set(shares.values()), reverse=True)
    if len(order) > 1:
        yield Comparison(prompt, tuple(shares), tuple(order.index(s) + 1 for s in shares.values()), source="human")
    else:
        for _ in shares:
            yield LeftOut("answers to prompts whose answers are all good or all bad; they make no ranking")


def _json(record: dict[str, Any], field: str, kind: type) -> Any:
    """JSON within a string, or the value itself."""
    value = record.get(field)
    if isinstance(value, str):
        try:
            value = loads(value)
            object_of({field: value})
        except Mistake as mistake:
            raise Mistake(f'field "{field}": {mistake}') from None
    if not isinstance(value, kind):
        raise Mistake(f'field "{field}": a JSON {kind.__name__} is needed.')
    return value


def _turn(turn: Any, field: str) -> Message:
    """A call of the agent's is its text, here as in the answers that are judged."""
    if not isinstance(turn, dict):
        raise Mistake(f'field "{field}": an object with role and text is needed.')
    role = one_of(turn, "role", SPEAKERS)
    data = turn.get("response") if turn.get("api") is None else turn["api"]
    text = string(turn, "text") if data is None else json.dumps(data, ensure_ascii=False)
    return Message(role, text)
