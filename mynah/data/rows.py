"""What a source form turns into: the project's rows by kind, and what is left out of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mynah.jsonl import Mistake
from mynah.nouns import Comparison, Conversation, Demonstration, Message, Prompt, Samples

Row = Demonstration | Comparison | Samples | Prompt | str
"""A `str` is a document of raw text."""
Kind = Literal["demonstrations", "rankings", "samples", "prompts", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class LeftOut:
    """A sound record that makes no row, and why; counted and shown."""

    why: str


def kind_of(row: Row) -> Kind:
    match row:
        case Demonstration():
            return "demonstrations"
        case Comparison():
            return "rankings"
        case Samples():
            return "samples"
        case Prompt():
            return "prompts"
        case _:
            return "text"


def derive(row: Row, kind: Kind) -> Iterator[Row]:
    """What a row of another kind gives as `kind`; often nothing.

    The best answers of a ranking are demonstrations, unless all tie. What stands before a conversation's last answer
    is a prompt. A demonstration's messages, parted by blank lines, are raw text. Nothing but people makes rankings.
    """
    match kind, row:
        case "demonstrations", Comparison():
            if row.pairs():
                best = min(row.ranks)
                for answer, rank in zip(row.completions, row.ranks, strict=True):
                    if rank == best:
                        yield Demonstration((*row.prompt.messages, Message("assistant", answer)), row.source)
        case "prompts", Comparison() | Samples():
            yield row.prompt
        case "prompts", Demonstration():
            last = max(i for i, message in enumerate(row.messages) if message.role == "assistant")
            if last and row.messages[last - 1].role == "user":
                yield Prompt(row.messages[:last])
        case "text", Demonstration():
            yield "\n\n".join(message.content for message in row.messages)


def prompt_of(row: Row) -> Conversation:
    """What was asked: all that stands before the answer, or before a demonstration's last answer; () for raw text."""
    match row:
        case Prompt():
            return row.messages
        case Comparison() | Samples():
            return row.prompt.messages
        case Demonstration():
            last = max(i for i, message in enumerate(row.messages) if message.role == "assistant")
            return row.messages[:last]
        case _:
            return ()


def key(messages: Conversation) -> str:
    """A conversation as one string, equal for equal ones; a message with tool calls cannot be hashed."""
    return json.dumps([message.to_json() for message in messages], ensure_ascii=False)


def string(record: Mapping[str, Any], field: str) -> str:
    """A field that must be a string; Mistake if not."""
    value = record.get(field)
    if not isinstance(value, str):
        raise Mistake(f'field "{field}": a string is needed.')
    return value


def table(record: Mapping[str, Any], field: str) -> dict[str, Any]:
    """A field that must be an object; Mistake if not."""
    value = record.get(field)
    if not isinstance(value, dict):
        raise Mistake(f'field "{field}": an object is needed.')
    return value


def one_of(record: Mapping[str, Any], field: str, known: Mapping[str, Any]) -> Any:
    """What `known` says for a field's value; Mistake lists the known ones."""
    value = record.get(field)
    if not isinstance(value, str) or value not in known:
        raise Mistake(f'field "{field}": unknown value {value!r}; known are {", ".join(known)}.')
    return known[value]
