"""A conversation with tools over /v1, as a client has it: the model calls two tools at once, then answers."""

import json
from collections.abc import Sequence

import openai

from tests import toys

Call = tuple[str, dict]


def calling(*calls: Call) -> list[int]:
    """The ids of a turn that calls these tools."""
    tokenizer, ids = toys.tokenizer(), []
    for name, arguments in calls:
        text = json.dumps({"name": name, "arguments": arguments})
        ids += [tokenizer.marker("<tool_call>"), *tokenizer.encode(text), tokenizer.marker("</tool_call>")]
    return [*ids, tokenizer.end_of_turn]


def tool(name: str) -> dict:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def sources(*found: tuple[str, str, str]) -> str:
    """A result that names (title, url, text) as sources."""
    names = ("title", "url", "text")
    listed = [dict(zip(names, one, strict=True)) for one in found]
    return json.dumps({"sources": listed}, ensure_ascii=False, separators=(",", ":"))


def conversation(
    client: openai.OpenAI,
    engines: Sequence,
    asked: str,
    calls: Sequence[Call],
    results: Sequence[str],
    answer: str,
    *,
    order: Sequence[int] = (),
    model: str = "tiny",
) -> openai.types.chat.ChatCompletion:
    """Ask, run the calls, send `results` back in this `order` (by default that of the calls), and be answered."""
    request = {"model": model, "tools": [tool(name) for name, _ in calls], "max_tokens": 200}
    messages: list = [{"role": "user", "content": asked}]
    for engine in engines:
        engine.ids = calling(*calls)
    said = client.chat.completions.create(messages=messages, **request).choices[0].message
    made = said.tool_calls or []
    assert [(call.function.name, json.loads(call.function.arguments)) for call in made] == list(calls)
    messages.append(said)
    for i in order or range(len(results)):
        messages.append({"role": "tool", "tool_call_id": made[i].id, "content": results[i]})
    for engine in engines:
        engine.ids = list(toys.chat().encode_answer(answer))
    return client.chat.completions.create(messages=messages, **request)
