"""Open WebUI's exports: chats, with thumbs where people gave them, and the administrator's export of feedback.

[{"chat": {"history": {"currentId": "2", "messages": {"2": {"parentId": "1", …}, …}}}}]
with messages {"role": "assistant", "content": "Hello!", "annotation": {"rating": 1}}
[{"data": {"rating": 1, "sibling_model_ids": ["b"]}, "meta": {"message_id": "2"}, "snapshot": {"chat": {"chat": …}}}]

The branch on the screen is a demonstration, up to the first answer that got a thumb down. Thumbs on answers to the same
question are a ranking; a vote between two models (the arena) is one by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mynah.data.rewards import Rated, verdict
from mynah.data.rows import LeftOut, string, table
from mynah.jsonl import Mistake, name_of
from mynah.nouns import ROLES, Comparison, Conversation, Demonstration, Message, Prompt

Messages = dict[str, dict[str, Any]]
Parsed = Demonstration | Comparison | Rated | LeftOut


def recognise(record: dict[str, Any]) -> bool:
    return isinstance(record.get("snapshot"), dict) or isinstance(record.get("chat"), dict)


def parse(record: dict[str, Any]) -> Iterator[Parsed]:
    if "snapshot" in record:
        yield from _feedback(record)
        return
    messages, current = _history(table(record, "chat"))
    yield _demonstration(messages, current)
    for name, raw in messages.items():
        if raw.get("role") == "assistant" and _rating(raw) is not None:
            yield Rated(_prompt(messages, name), _said(raw).content, bool(_rating(raw)))


def _feedback(record: dict[str, Any]) -> Iterator[Parsed]:
    messages, _ = _history(table(table(table(record, "snapshot"), "chat"), "chat"))
    data, name = table(record, "data"), string(table(record, "meta"), "message_id")
    if name not in messages:
        raise Mistake('field "meta.message_id": is not among the messages of the snapshot.')
    if not data.get("rating"):
        yield LeftOut("feedback without a thumb")
        return
    prompt, answer, good = _prompt(messages, name), _said(messages[name]).content, verdict(data, "rating")
    siblings = data.get("sibling_model_ids") or []
    if not isinstance(siblings, list):
        raise Mistake('field "data.sibling_model_ids": a list of names is needed.')
    rivals = [
        _said(raw).content
        for other, raw in messages.items()
        if other != name and raw.get("parentId") == messages[name].get("parentId") and raw.get("model") in siblings
    ]
    if rivals:
        ranks = (1 if good else 2, *(2 if good else 1 for _ in rivals))
        yield Comparison(prompt, (answer, *rivals), ranks, name_of(record, "user_id"), "human")
    else:
        yield Rated(prompt, answer, good)


def _history(chat: dict[str, Any]) -> tuple[Messages, str]:
    """The messages by id, and the current one's id."""
    history = table(chat, "history")
    messages = table(history, "messages")
    if not all(isinstance(message, dict) for message in messages.values()):
        raise Mistake('field "history.messages": an object of messages by id is needed.')
    current = history.get("currentId") or next(reversed(messages), "")
    if messages and (not isinstance(current, str) or current not in messages):
        raise Mistake(f'field "history.currentId": {current!r} is not among the messages.')
    return messages, current


def _branch(messages: Messages, name: str) -> list[dict[str, Any]]:
    path: list[dict[str, Any]] = []
    while name:
        if not isinstance(name, str) or name not in messages or len(path) > len(messages):
            raise Mistake(f'field "parentId": the path to the first message breaks at {name!r}.')
        path.append(messages[name])
        name = messages[name].get("parentId") or ""
    return path[::-1]


def _demonstration(messages: Messages, current: str) -> Demonstration | LeftOut:
    said: list[Message] = []
    for raw in _branch(messages, current):
        message = _said(raw)
        if message.role == "assistant" and (_rating(raw) is False or not message.content.strip()):
            break
        said.append(message)
    while said and said[-1].role != "assistant":
        said.pop()
    return Demonstration(tuple(said), "open-webui") if said else LeftOut("chats without an answer that holds")


def _prompt(messages: Messages, name: str) -> Prompt:
    said: Conversation = tuple(_said(raw) for raw in _branch(messages, name)[:-1])
    if not said:
        raise Mistake(f'field "history.messages": the answer {name!r} has no question before it.')
    return Prompt(said)


def _said(raw: dict[str, Any]) -> Message:
    role, content = raw.get("role"), raw.get("content")
    if role not in ROLES:
        raise Mistake(f'field "role": unknown role {role!r}; known are {", ".join(ROLES)}.')
    if not isinstance(content, str):
        raise Mistake('field "content": a string is needed.')
    return Message(role, content)


def _rating(raw: dict[str, Any]) -> bool | None:
    """The thumb on an answer, if one was given."""
    annotation = raw.get("annotation")
    if not isinstance(annotation, dict) or not annotation.get("rating"):
        return None
    return verdict(annotation, "rating")
