"""Demonstrations as training groups: every assistant turn that shows something is supervised, its end included."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mynah.errors import UserError
from mynah.nouns import Demonstration, Group
from mynah.tokens import ChatFormat
from mynah.train.order import share


def build(
    demonstrations: Sequence[Demonstration], chat: ChatFormat, context: int, heldout: float
) -> tuple[list[Group], list[Group]]:
    """(training, held-out) groups, one a demonstration; held out by the hash of what is said, copies on one side.

    Raises:
        UserError: A demonstration is longer than the model's context, or nothing is left to train on.
    """
    train: list[Group] = []
    held: list[Group] = []
    for number, demonstration in enumerate(demonstrations, 1):
        ids, mask = chat.encode_conversation(demonstration.messages, supervise=demonstration.supervise)
        if len(ids) > context:
            raise UserError(
                f"demonstration {number} has {len(ids)} tokens and the model's context is {context}; "
                f"shorten it or cut it into several."
            )
        side = held if share(json.dumps([message.to_json() for message in demonstration.messages])) < heldout else train
        side.append(Group(tuple(ids), tuple(mask)))
    if not train:
        raise UserError(
            f"of {len(demonstrations)} demonstrations none is left to train on; give more, or lower sft.heldout."
        )
    return train, held
