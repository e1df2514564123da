"""Which form a file has, told by its first record; the table of all forms that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mynah import jsonl
from mynah.data import (
    chat_evidence,
    chatgpt_export,
    conversations,
    hh_rlhf,
    open_webui,
    openassistant,
    pairs,
    preferences,
    rewards,
)
from mynah.errors import UserError

Raw = dict[str, Any]
SHOWN = 8
"""Fields that are named where none is known."""


@dataclass(frozen=True)
class Form:
    """How records of one form are told, and what they become.

    `parse` takes one record and raises Mistake; `join` takes what all records gave, for forms whose rows span records.
    """

    recognise: Callable[[Raw], bool]
    parse: Callable[[Raw], Iterable[Any]]
    join: Callable[[Iterable[Any]], Iterable[Any]] = iter
    own: bool = False
    """The project's own: the training verbs read it as it is."""


def _own(recognise: Callable[[Raw], bool], read: Callable[[Raw], Any]) -> Form:
    def parse(record: Raw) -> Iterator[Any]:
        yield read(record)

    return Form(recognise, parse, own=True)


def _messages(record: Raw, field: str) -> bool:
    """Whether a field holds messages in the project's form, as far as its first one shows."""
    said = record.get(field)
    first = said[0] if isinstance(said, list) and said else None
    if not isinstance(first, dict) or "role" not in first or isinstance(first.get("content"), list):
        return False
    return not isinstance(first["role"], str) or first["role"] not in conversations.ALIASES


# The first that recognises a record has it: what says more about itself stands above what says less.
FORMS: dict[str, Form] = {
    "chat-evidence": Form(chat_evidence.recognise, chat_evidence.parse, chat_evidence.join),
    "chatgpt": Form(chatgpt_export.recognise, chatgpt_export.parse),
    "open-webui": Form(open_webui.recognise, open_webui.parse, rewards.join_rankings),
    "openassistant": Form(openassistant.recognise, openassistant.parse, openassistant.join),
    "preferences": Form(preferences.recognise, preferences.parse),
    "rewards": Form(rewards.recognise, rewards.parse, rewards.join),
    "hh-rlhf": Form(hh_rlhf.recognise, hh_rlhf.parse),
    "rankings": _own(lambda r: _messages(r, "prompt") and ("ranks" in r or pairs.recognise(r)), jsonl.comparison_of),
    "samples": _own(lambda r: _messages(r, "prompt") and "completions" in r, jsonl.samples_of),
    "pairs": Form(pairs.recognise, pairs.parse),
    "completions": Form(conversations.recognise_completion, conversations.parse_completion),
    "alpaca": Form(conversations.recognise_alpaca, conversations.parse_alpaca),
    "demonstrations": _own(lambda r: _messages(r, "messages"), jsonl.demonstration_of),
    "conversations": Form(conversations.recognise, conversations.parse),
    "prompts": _own(lambda r: _messages(r, "prompt"), jsonl.prompt_of),
    "prompt-strings": Form(conversations.recognise_prompt, conversations.parse_prompt),
    "text": _own(lambda r: "text" in r, jsonl.text_of),
}


def recognise(record: Raw, where: str) -> str:
    """The form's name; UserError if none is known that has these fields."""
    for name, form in FORMS.items():
        if form.recognise(record):
            return name
    fields = ", ".join(list(record)[:SHOWN]) + (", …" if len(record) > SHOWN else "") or "none at all"
    raise UserError(
        f"{where}: no known form of data has these fields ({fields}); if it is one of {', '.join(FORMS)}, "
        f"name it with --form, and see `mynah data --help` for what they look like."
    )
