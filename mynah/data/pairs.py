"""Pairs whose answers are whole conversations, or whose prompt is a string, as TRL and many data sets have them.

{"prompt": "Hi?", "chosen": "Hello!", "rejected": "Go away."}                  or "messages" instead of "prompt"
{"chosen": [{"role": "user", …}, {"role": "assistant", …}], "rejected": [{"role": "user", …}, {"role": "assistant", …}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mynah.data.conversations import messages
from mynah.data.rows import LeftOut, string
from mynah.jsonl import Mistake, comparison_of
from mynah.nouns import Comparison, Conversation, Message, Prompt

SIDES = ("chosen", "rejected")
ASKED_IN = ("prompt", "messages")


def recognise(record: dict[str, Any]) -> bool:
    return all(side in record for side in SIDES)


def parse(record: dict[str, Any]) -> Iterator[Comparison | LeftOut]:
    asked_in = next((name for name in ASKED_IN if record.get(name)), "")
    prompt = messages(record, asked_in) if asked_in else ()
    chosen, rejected = (_conversation(record, side, prompt) for side in SIDES)
    made = pair(chosen, rejected)
    if isinstance(made, Comparison):  # with all else that the project's own rows may say
        asked = [message.to_json() for message in made.prompt.messages]
        made = comparison_of(record | {"prompt": asked} | dict(zip(SIDES, made.completions, strict=True)))
    yield made


def _conversation(record: dict[str, Any], side: str, prompt: Conversation) -> Conversation:
    """Prompt and answer; a list may hold the answer alone or the prompt's messages too."""
    if isinstance(record.get(side), str):
        if not prompt:
            raise Mistake('field "prompt": is missing; two answers as plain strings do not tell what was asked.')
        return (*prompt, Message("assistant", string(record, side)))
    said = messages(record, side)
    return said if said[: len(prompt)] == prompt else (*prompt, *said)


def pair(chosen: Conversation, rejected: Conversation, source: str = "") -> Comparison | LeftOut:
    """The prompt is what both have in common; they may differ in nothing but the last answer."""
    if chosen[:-1] != rejected[:-1]:
        return LeftOut("conversations that part before the last answer")
    if not chosen[:-1]:
        return LeftOut("conversations without a prompt")
    if chosen[-1].role != "assistant" or rejected[-1].role != "assistant":
        return LeftOut("conversations that do not end with an answer")
    if chosen[-2].role == "assistant":
        return LeftOut("answers that follow on an answer")
    if chosen[-1].tool_calls or rejected[-1].tool_calls:
        return LeftOut("answers that call tools")
    return Comparison(Prompt(chosen[:-1]), (chosen[-1].content, rejected[-1].content), (1, 2), source=source)
