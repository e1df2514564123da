"""Conversations as other tools write them: ShareGPT's, bare turns, content in parts, prompt and completion, Alpaca's.

{"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Hello!"}]}
{"turns": ["Hi?", "Hello!"]}
{"prompt": "Hi?", "completion": "Hello!"}
{"instruction": "Translate.", "input": "Hallo", "output": "Hello"}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mynah.data.rows import string
from mynah.jsonl import Mistake, demonstration_of, prompt_of
from mynah.nouns import Conversation, Demonstration, Message, Prompt

FIELDS = ("messages", "conversations", "conversation", "turns", "dialog", "dialogue")
ALIASES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant", "prompter": "user"}


def recognise(record: dict[str, Any]) -> bool:
    return any(isinstance(record.get(field), list) for field in FIELDS)


def parse(record: dict[str, Any]) -> Iterator[Demonstration]:
    field = next((field for field in FIELDS if record.get(field) is not None), FIELDS[0])
    said = messages(record, field)
    if not any(message.role == "assistant" for message in said):
        raise Mistake(f'field "{field}": has no assistant turn, so nothing is demonstrated.')
    yield Demonstration(said)


def recognise_completion(record: dict[str, Any]) -> bool:
    return "prompt" in record and "completion" in record


def parse_completion(record: dict[str, Any]) -> Iterator[Demonstration]:
    yield Demonstration((*messages(record, "prompt"), *messages(record, "completion", "assistant")))


def recognise_alpaca(record: dict[str, Any]) -> bool:
    return "instruction" in record and "output" in record


def parse_alpaca(record: dict[str, Any]) -> Iterator[Demonstration]:
    more = string(record, "input") if record.get("input") else ""
    asked = f"{string(record, 'instruction')}\n\n{more}" if more else string(record, "instruction")
    yield Demonstration((Message("user", asked), Message("assistant", string(record, "output"))))


def recognise_prompt(record: dict[str, Any]) -> bool:
    return isinstance(record.get("prompt"), str)


def parse_prompt(record: dict[str, Any]) -> Iterator[Prompt]:
    said = messages(record, "prompt")
    yield prompt_of(record | {"prompt": [message.to_json() for message in said]})


def messages(record: dict[str, Any], field: str, speaker: str = "user") -> Conversation:
    """A field's messages; a string is one of `speaker`, a list of strings begins with the user and alternates."""
    value = record.get(field)
    if isinstance(value, str):
        value = [{"role": speaker, "content": value}]
    if not isinstance(value, list) or not value:
        raise Mistake(f'field "{field}": a string or a list of messages is needed.')
    plain = [_message(item, f"{field}[{i}]", i) for i, item in enumerate(value)]
    known = [*plain, {"role": "assistant", "content": ""}]  # a prompt alone is no demonstration
    try:
        return demonstration_of({"messages": known}).messages[:-1]
    except Mistake as mistake:
        raise Mistake(str(mistake).replace('"messages', f'"{field}', 1)) from None


def _message(item: Any, field: str, place: int) -> Any:
    if isinstance(item, str):
        return {"role": ("user", "assistant")[place % 2], "content": item}
    if not isinstance(item, dict):
        return item
    given = {name: value for name, value in item.items() if value is not None}
    role, content = given.get("role", given.get("from")), given.get("content", given.get("value"))
    known = ALIASES.get(role, role) if isinstance(role, str) else role
    return item | {"role": known, "content": _joined(content, field) if isinstance(content, list) else content}


def _joined(parts: list[Any], field: str) -> str:
    """OpenAI's content in parts, of which only text can be taken."""
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
        raise Mistake(f'field "{field}.content": holds something other than text; leave images and sound out.')
    return "\n".join(part["text"] for part in parts)
