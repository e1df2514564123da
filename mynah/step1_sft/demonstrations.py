"""Demonstrations as training groups: every assistant turn is supervised, its end of turn included."""

from __future__ import annotations

from collections.abc import Sequence

from mynah.errors import UserError
from mynah.nouns import Demonstration, Group
from mynah.tokens import ChatFormat


def build(demonstrations: Sequence[Demonstration], chat: ChatFormat, context: int) -> list[Group]:
    """One group a demonstration. UserError names the first that is longer than the model's context."""
    groups = []
    for number, demonstration in enumerate(demonstrations, 1):
        ids, mask = chat.encode_conversation(demonstration.messages)
        if len(ids) > context:
            raise UserError(
                f"demonstration {number} has {len(ids)} tokens and the model's context is {context}; "
                f"shorten it or cut it into several."
            )
        groups.append(Group(tuple(ids), tuple(mask)))
    return groups
