"""Results of tools, in the order of their calls.

Chat templates have no place for the id of a call: a model tells by the order which result is whose, and so do the store
and the page. Clients that run tools side by side send results as they come; here they are put in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mynah.nouns import Message
from mynah.server.errors import APIError
from mynah.server.requests import ChatMessage


def in_order(messages: Sequence[ChatMessage]) -> list[Message]:
    """The messages of a request; APIError 400 if a call has no result, or a result no call.

    Where a call or a result has no id, the order is the client's.
    """
    ordered: list[ChatMessage] = []
    calls: list[str | None] = []
    results: list[ChatMessage] = []  # of these calls, as they come
    for at, message in enumerate(messages):
        if message.role == "tool":
            results.append(message)
            continue
        ordered += [*_as_called(calls, results, at - len(results)), message]
        calls, results = [call.id for call in message.tool_calls or []], []
    ordered += _as_called(calls, results, len(messages) - len(results))
    return [message.message() for message in ordered]


def with_ids(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages in OpenAI's form, results with the ids of their calls, for servers that want them."""
    plain: list[dict[str, Any]] = []
    ids: Iterator[Any] = iter(())
    for message in messages:
        said = message.to_json()
        if message.role != "tool":
            ids = iter([call.get("id") for call in message.tool_calls])
        elif id := next(ids, None):
            said["tool_call_id"] = id
        plain.append(said)
    return plain


def _as_called(calls: Sequence[str | None], results: list[ChatMessage], first: int) -> list[ChatMessage]:
    """`results`, which begin at message `first`, as `calls` has them."""
    places = {id: place for place, id in enumerate(calls)}
    unnamed = None in places or any(result.tool_call_id is None for result in results)
    if not calls or not results or unnamed or len(places) < len(calls):  # without calls: a history that was cut
        return results
    by_call: dict[str | None, ChatMessage] = {}
    for at, result in enumerate(results, first):
        id = result.tool_call_id
        if id not in places or id in by_call:
            why = "answers a call a second time" if id in by_call else "answers no call of the message before"
            raise APIError(400, f"messages[{at}].tool_call_id {why}.", param="messages", code="invalid_value")
        by_call[id] = result
    if len(by_call) < len(calls):
        why = f"{len(calls) - len(by_call)} of {len(calls)} calls have no message with their result."
        raise APIError(400, f"messages[{first - 1}].tool_calls: {why}", param="messages", code="invalid_value")
    return [by_call[id] for id in calls]
