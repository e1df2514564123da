"""What a chat's user said of its answers, kept for training: one JSON line for each rating and each edit.

{"id", "time", "kind": "edit" | "rating", "person", "conversation": [messages that the model saw], "answer": what it
said, "stopped", "made_by": {"run", "stage", "weights", "sampling"}, and "edited" or "rating" and "words"}

Lines are only ever added; a later one about the same answer supersedes the earlier.
"""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mynah.agent.talk import Turn
from mynah.files import append_lines


def keep(path: Path, kind: str, turn: Turn, said: Mapping[str, Any]) -> None:
    """Append one judgement of the model's own answer in `turn`."""
    row = {
        "id": str(uuid.uuid4()),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": kind,
        "person": _person(),
        "conversation": [message.to_json() for message in turn.seen],
        "answer": turn.said,
        "stopped": turn.stopped,
        "made_by": dict(turn.made_by),
    }
    append_lines(path, [row | dict(said)])


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, as in some containers
        return ""
