"""Results of tools, in the order of their calls.

Chat templates have no place for the id of a call: a model tells by the order which result is whose, and so do the store
and the page. Clients that run tools side by side send results as they come; here they are put in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, takewhile
from typing import Any

from mynah.nouns import Message
from mynah.server.errors import APIError
from mynah.server.requests import ChatMessage


def in_order(messages: Sequence[ChatMessage]) -> list[Message]:
    """The messages of a request; APIError 400 if a call has no result, or a result no call.

    Where a call or a result has no id, the order is the client's.
    """
    ordered: list[ChatMessage] = []
    for at, message in enumerate(messages):
        if message.role != "tool":
            ordered.append(message)
        elif at == 0 or messages[at - 1].role != "tool":  # the others of its run come with it
            results = list(takewhile(lambda one: one.role == "tool", islice(messages, at, None)))
            ordered += _as_called([call.id for call in messages[at - 1].tool_calls or []] if at else [], results, at)
    return [message.message() for message in ordered]


def with_ids(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages in OpenAI's form, results with the ids of their calls, for servers that want them."""
    plain, waiting = [], list[Any]()
    for message in messages:
        said = message.to_json()
        if message.role != "tool":
            waiting = [call.get("id") for call in message.tool_calls]
        elif waiting and (id := waiting.pop(0)):
            said["tool_call_id"] = id
        plain.append(said)
    return plain


def _as_called(calls: Sequence[str | None], results: list[ChatMessage], at: int) -> list[ChatMessage]:
    """`results`, the first of which is message `at`, as `calls` has them."""
    answered = [result.tool_call_id for result in results]
    if not calls or None in calls or None in answered or len(set(calls)) < len(calls):
        return results
    for place, id in enumerate(answered, at):
        if id not in calls or id in answered[: place - at]:
            why = "answers no call of the message before" if id not in calls else "answers a call a second time"
            raise APIError(400, f"messages[{place}].tool_call_id {why}.", param="messages", code="invalid_value")
    if missing := [call for call in calls if call not in answered]:
        message = (
            f"messages[{at - 1}].tool_calls: {len(missing)} of {len(calls)} calls have no message with their result."
        )
        raise APIError(400, message, param="messages", code="invalid_value")
    return sorted(results, key=lambda result: calls.index(result.tool_call_id))
