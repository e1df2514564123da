"""Ratings and edits kept by the terminal chat, as training data.

An edit shows how to answer (a demonstration), and that the user's words are better than the model's (a comparison).
Ratings are not a reward: only where one prompt has an answer rated up and another rated down do they compare the two.
Of several lines about one answer the last one counts. An answer that the user stopped was not whole, so it is compared
with nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mynah import jsonl
from mynah.errors import UserError
from mynah.nouns import ROLES, Comparison, Conversation, Demonstration, Message, Prompt


@dataclass(frozen=True)
class Judgement:
    """One line of evidence."""

    id: str
    conversation: Conversation
    answer: str
    stopped: bool
    person: str
    edited: str = ""
    rating: str = ""


def read(path: Path) -> tuple[list[Demonstration], list[Comparison]]:
    """What can be learned from a file of evidence. Raises UserError naming the line of a mistake."""
    edits: dict[tuple[Conversation, str], Judgement] = {}
    ratings: dict[tuple[Conversation, str], Judgement] = {}
    for found in _judgements(path):
        table = edits if found.edited else ratings
        table[found.conversation, found.answer] = found
    substantial = [edit for edit in edits.values() if edit.edited.split() != edit.answer.split()]
    demonstrations = [
        Demonstration((*edit.conversation, Message("assistant", edit.edited)), "chat edit") for edit in substantial
    ]
    comparisons = [_comparison(edit, edit.edited, edit.answer) for edit in substantial if not edit.stopped]
    return demonstrations, comparisons + list(_siblings(ratings.values()))


def _siblings(ratings: Any) -> Iterator[Comparison]:
    """Every pair of an answer rated up and one rated down, by one person, to one prompt."""
    whole = [rating for rating in ratings if not rating.stopped]
    for up in whole:
        for down in whole:
            same = up.conversation == down.conversation and up.person == down.person
            if same and (up.rating, down.rating) == ("up", "down"):
                yield _comparison(up, up.answer, down.answer)


def _comparison(judgement: Judgement, better: str, worse: str) -> Comparison:
    prompt = Prompt(judgement.conversation, judgement.id)
    return Comparison(prompt, (better, worse), (1, 2), judgement.person, "human")


def _judgements(path: Path) -> Iterator[Judgement]:
    for number, row in jsonl.rows(path):
        try:
            yield _judgement(row)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}:{number}: not a line of chat evidence ({error}).") from None


def _judgement(row: dict[str, Any]) -> Judgement:
    messages = tuple(Message(message["role"], message["content"]) for message in row["conversation"])
    if not messages or messages[-1].role != "user" or any(message.role not in ROLES for message in messages):
        raise ValueError("conversation must be messages that end with the user's")
    kind = row["kind"]
    if kind == "edit":
        judged = {"edited": row["edited"]}
    elif kind == "rating" and row["rating"] in {"up", "down"}:
        judged = {"rating": row["rating"]}
    else:
        raise ValueError("kind must be edit, or rating with up or down")
    if not all(isinstance(text, str) and text for text in (row["answer"], *judged.values())):
        raise ValueError("answer and edited must be text")
    return Judgement(
        str(row.get("id", "")), messages, row["answer"], bool(row.get("stopped")), str(row["person"]), **judged
    )
