"""What a message is made of, as the page shows it: words, calls of tools, their results, the sources of an answer.

What a model, a person or a tool wrote is data here, never markup. A result that is JSON of the form

    {"sources": [{"title": "…", "url": "https://…", "text": "what it says there"}, …]}

gives sources to the answers that follow it, numbered on from the last question. An answer cites number n by `[n]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mynah.nouns import Message
from mynah.store.conversations import Said

MOST_SOURCES = 100
"""Since one question; more are not listed."""
LONGEST = {"title": 300, "url": 2000, "text": 600}
"""Characters of a source that are shown; the whole of it is in the tool's result."""
CODE = re.compile(r"```.*?(?:```|$)|`[^`\n]+`", re.DOTALL)
MARK = re.compile(r"\[(\d{1,3})\]")

Part = dict[str, Any]
Source = Mapping[str, str]


@dataclass(frozen=True)
class Before:
    """What the messages above one leave for it: names of calls, how many have their result, and sources."""

    calls: tuple[str, ...] = ()
    answered: int = 0
    sources: tuple[Source, ...] = ()


def parts(messages: Sequence[Said]) -> dict[str, list[Part]]:
    """The parts of every message of a tree, or of one branch, by the message's id."""
    here, below = {said.id for said in messages}, dict[str | None, list[Said]]()
    for said in messages:
        below.setdefault(said.parent if said.parent in here else None, []).append(said)
    made: dict[str, list[Part]] = {}
    waiting = [(said, Before()) for said in below.get(None, [])]
    while waiting:
        said, before = waiting.pop()
        made[said.id] = _parts(said.message, before)
        after = _after(said.message, before)
        waiting += [(child, after) for child in below.get(said.id, [])]
    return made


def _parts(said: Message, before: Before) -> list[Part]:
    if said.role == "tool":
        name = before.calls[before.answered] if before.answered < len(before.calls) else ""
        return [{"type": "tool_result", "name": name, "text": said.content}]
    shown: list[Part] = [{"type": "text", "text": said.content}] if said.content else []
    for call in said.tool_calls:
        function = call.get("function") or {}
        shown.append({"type": "tool_call", "name": _name(call), "arguments": function.get("arguments", "")})
    if said.role == "assistant" and said.content:
        shown += _citations(said, before.sources)
    return shown


def _after(said: Message, before: Before) -> Before:
    if said.role == "tool":
        sources = (*before.sources, *_sources(said.content))[:MOST_SOURCES]
        return Before(before.calls, before.answered + 1, sources)
    if said.role == "assistant":
        return Before(tuple(map(_name, said.tool_calls)), 0, before.sources)
    return Before()


def _citations(said: Message, sources: Sequence[Source]) -> Iterable[Part]:
    """The sources with whether the answer cites them; of an answer that goes on to call tools, only those cited."""
    cited = {int(number) for number in MARK.findall(CODE.sub("", said.content))}
    for number, source in enumerate(sources, 1):
        if number in cited or not said.tool_calls:
            yield {"type": "citation", "number": number, **source, "cited": number in cited}


def _sources(result: str) -> list[Source]:
    """What a tool's result names as sources; none, unless all of them have the form."""
    try:
        found = json.loads(result)["sources"] if '"sources"' in result else []
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    if not isinstance(found, list):
        return []
    sources = [_source(one) for one in found[:MOST_SOURCES]]
    return [one for one in sources if one] if all(sources) else []


def _source(found: Any) -> Source | None:
    if not isinstance(found, dict) or not any(isinstance(found.get(name), str) and found[name] for name in LONGEST):
        return None
    said = {name: found[name] if isinstance(found.get(name), str) else "" for name in LONGEST}
    return {name: text if len(text) <= LONGEST[name] else _cut(name, text) for name, text in said.items()}


def _cut(name: str, text: str) -> str:
    """Shortened words are words, a shortened address leads elsewhere."""
    return "" if name == "url" else text[: LONGEST[name] - 1] + "…"


def _name(call: Mapping[str, Any]) -> str:
    return str((call.get("function") or {}).get("name", ""))
