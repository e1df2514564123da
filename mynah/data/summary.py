"""What a JSONL file holds: its kind, its size, and what looks wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mynah import jsonl
from mynah.errors import UserError
from mynah.nouns import Comparison, Conversation, Demonstration, Prompt, Samples


def summarise(path: Path) -> dict[str, Any]:
    """Figures by name, with `warnings`. Every row is checked; UserError names the first that is malformed."""
    if path.suffix not in {".jsonl", ".json"}:
        return _texts(jsonl.read_texts(path))
    first = next(jsonl.rows(path), None)
    if first is None:
        raise UserError(f"{path}: is empty; it should hold one JSON object a line.")
    row = first[1]
    if "messages" in row:
        return {"kind": "demonstrations"} | _demonstrations(jsonl.read_demonstrations(path))
    if "ranks" in row or "chosen" in row:
        return {"kind": "rankings" if "ranks" in row else "pairs"} | _comparisons(jsonl.read_comparisons(path))
    if "completions" in row:
        return {"kind": "samples"} | _samples(jsonl.read_samples(path))
    if "prompt" in row:
        return {"kind": "prompts"} | _prompts(jsonl.read_prompts(path))
    if "text" in row:
        return _texts(jsonl.read_texts(path))
    raise UserError(
        f"{path}:{first[0]}: has none of the fields messages, prompt, completions, ranks, chosen, text; "
        f"see `mynah data --help`."
    )


def _texts(texts: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": "raw text",
        "documents": len(texts),
        "characters": sum(map(len, texts)),
        "duplicates": len(texts) - len(set(texts)),
        "warnings": [],
    }


def _demonstrations(rows: Sequence[Demonstration]) -> dict[str, Any]:
    turns = sum(m.role == "assistant" for row in rows for m in row.messages)
    empty = sum(
        not m.content.strip() for row in rows for m in row.messages if m.role == "assistant" and not m.tool_calls
    )
    return {
        "conversations": len(rows),
        "assistant turns": turns,
        "mean characters an answer": round(
            sum(len(m.content) for row in rows for m in row.messages if m.role == "assistant") / max(1, turns), 1
        ),
        "duplicates": len(rows) - _distinct(row.messages for row in rows),
        "warnings": [f"{empty} assistant turns are empty"] if empty else [],
    }


def _prompts(rows: Sequence[Prompt]) -> dict[str, Any]:
    return {
        "prompts": len(rows),
        "mean turns": round(sum(len(row.messages) for row in rows) / len(rows), 2),
        "duplicates": len(rows) - _distinct(row.messages for row in rows),
        "warnings": [],
    }


def _samples(rows: Sequence[Samples]) -> dict[str, Any]:
    reasons = [reason for row in rows for reason in row.finish_reasons]
    cut = sum(reason != "stop" for reason in reasons)
    return {
        "prompts": _distinct(row.prompt.messages for row in rows),
        "answers a prompt": round(len(reasons) / len(rows), 2),
        "models": len({row.model for row in rows}),
        "warnings": [f"{cut} answers did not end within their budget"] if cut else [],
    }


def _comparisons(rows: Sequence[Comparison]) -> dict[str, Any]:
    possible = sum(len(row.ranks) * (len(row.ranks) - 1) // 2 for row in rows)
    pairs = [(row.completions[i], row.completions[k]) for row in rows for i, k in row.pairs()]
    uneven = [(better, worse) for better, worse in pairs if len(better) != len(worse)]
    identical = sum(better == worse for better, worse in pairs)
    tied = sum(not row.pairs() for row in rows)
    warnings = []
    if identical:
        warnings.append(f"{identical} pairs prefer a text to the same text")
    if tied:
        warnings.append(f"{tied} rankings tie throughout and teach nothing")
    return {
        "rankings": len(rows),
        "answers a prompt": round(sum(len(row.ranks) for row in rows) / len(rows), 2),
        "strict pairs": len(pairs),
        "ties": possible - len(pairs),
        "longer preferred": round(sum(len(b) > len(w) for b, w in uneven) / max(1, len(uneven)), 3),
        "labellers": len({row.labeller for row in rows}),
        "prompts": _distinct(row.prompt.messages for row in rows),
        "warnings": warnings,
    }


def _distinct(conversations: Iterable[Conversation]) -> int:
    """How many differ; as JSON, since a message with tool calls cannot be hashed."""
    return len({json.dumps([message.to_json() for message in messages]) for messages in conversations})
