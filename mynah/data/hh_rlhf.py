"""Anthropic's hh-rlhf: two transcripts that part at the last answer (Bai et al. 2022, arXiv 2204.05862).

{"chosen": "\\n\\nHuman: Hi?\\n\\nAssistant: Hello!", "rejected": "\\n\\nHuman: Hi?\\n\\nAssistant: Go away."}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mynah.data.pairs import pair
from mynah.data.rows import LeftOut, string
from mynah.jsonl import Mistake
from mynah.nouns import Comparison, Conversation, Message, Role

_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant):")
ROLES: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}


def recognise(record: dict[str, Any]) -> bool:
    sides = (record.get("chosen"), record.get("rejected"))
    return any(isinstance(side, str) and _TURN.match(side.lstrip(" ")) for side in sides)


def parse(record: dict[str, Any]) -> Iterator[Comparison | LeftOut]:
    yield pair(_transcript(record, "chosen"), _transcript(record, "rejected"), source="human")


def _transcript(record: dict[str, Any], field: str) -> Conversation:
    before, *turns = _TURN.split(string(record, field))
    if before.strip() or not turns:
        raise Mistake(f'field "{field}": a transcript that begins with "\\n\\nHuman:" or "\\n\\nAssistant:" is needed.')
    return tuple(Message(ROLES[role], text.strip()) for role, text in zip(turns[::2], turns[1::2], strict=True))
