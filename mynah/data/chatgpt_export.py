"""ChatGPT's export: conversations.json, a tree of messages for each conversation, alone or in the zip.

[{"current_node": "2", "mapping": {"2": {"parent": "1", "message": {…}}, …}}]
with messages {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Hi?"]}}

The branch that was last on the screen is one demonstration. Where an answer rests on a tool or a picture, the export
does not hold what the assistant saw: the conversation ends before that question.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mynah.data.rows import LeftOut, string, table
from mynah.jsonl import Mistake
from mynah.nouns import ROLES, Demonstration, Message

THOUGHTS = {"thoughts", "reasoning_recap", "model_editable_context", "user_editable_context"}
"""What is neither said to the person nor needed to understand the answer."""


def recognise(record: dict[str, Any]) -> bool:
    return isinstance(record.get("mapping"), dict)


def parse(record: dict[str, Any]) -> Iterator[Demonstration | LeftOut]:
    said: list[Message] = []
    for raw in _branch(record):
        message = _message(raw)
        if message is None:
            while said and said.pop().role != "user":
                pass
            yield LeftOut("conversations cut before a question whose answer rests on a tool or a picture")
            break
        if not message.content:
            continue
        if said and said[-1].role == message.role == "assistant":  # an answer that was stopped and continued
            message = Message("assistant", f"{said.pop().content}\n\n{message.content}")
        said.append(message)
    while said and said[-1].role != "assistant":
        said.pop()
    yield Demonstration(tuple(said), "chatgpt") if said else LeftOut("conversations without an answer in text")


def _branch(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages from the first to the current one."""
    mapping = table(record, "mapping")
    name = record.get("current_node") or next(reversed(mapping), None)
    path: list[dict[str, Any]] = []
    seen = set()
    while name is not None:
        if not isinstance(name, str) or not isinstance(mapping.get(name), dict) or name in seen:
            raise Mistake(f'field "mapping": the path from current_node to the first message breaks at {name!r}.')
        seen.add(name)
        node = mapping[name]
        if node.get("message") is not None:
            path.append(table(node, "message"))
        name = node.get("parent")
    return path[::-1]


def _message(raw: dict[str, Any]) -> Message | None:
    """The message, with empty content if nobody was to see it; None where a tool or a picture comes in."""
    role, content = string(table(raw, "author"), "role"), table(raw, "content")
    if role not in ROLES:
        raise Mistake(f'field "author.role": unknown role {role!r}; known are {", ".join(ROLES)}.')
    meta = raw.get("metadata")
    if isinstance(meta, dict) and meta.get("is_visually_hidden_from_conversation"):
        return Message(role, "")
    kind = content.get("content_type")
    if isinstance(kind, str) and kind in THOUGHTS:
        return Message(role, "")
    parts = content.get("parts")
    if role == "system" and not parts:
        return Message(role, "")
    if role == "tool" or kind != "text" or raw.get("recipient") not in (None, "all"):
        return None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise Mistake('field "content.parts": a list of strings is needed.')
    return Message(role, "\n".join(parts).strip())
