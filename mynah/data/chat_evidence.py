"""Ratings and edits kept by the terminal chat, as training data.

An edit shows how to answer (a demonstration), and that the user's words are better than the model's (a comparison).
Ratings are not a reward: only where one prompt has an answer rated up and another rated down do they compare the two.
Of several lines about one answer the last one counts. An answer that the user stopped was not whole, so it is compared
with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from mynah.data.rows import LeftOut
from mynah.jsonl import Mistake, name_of
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


def recognise(record: dict[str, Any]) -> bool:
    return "conversation" in record and "kind" in record


def parse(record: dict[str, Any]) -> Iterator[Judgement]:
    try:
        yield _judgement(record)
    except (KeyError, TypeError, ValueError) as error:
        raise Mistake(f"not a line of chat evidence ({error}).") from None


def join(judgements: Iterable[Judgement]) -> Iterator[Demonstration | Comparison | LeftOut]:
    """What can be learned from them all, and why some teach nothing."""
    edits: dict[tuple[Conversation, str], Judgement] = {}
    ratings: dict[tuple[Conversation, str], Judgement] = {}
    for found in judgements:
        table = edits if found.edited else ratings
        table[found.conversation, found.answer] = found
    for edit in edits.values():
        if edit.edited.split() == edit.answer.split():
            yield LeftOut("edits of blanks only")
            continue
        yield Demonstration((*edit.conversation, Message("assistant", edit.edited)), "chat edit", "last")
        if not edit.stopped:
            yield _comparison(edit, edit.edited, edit.answer)
    yield from _siblings(ratings.values())


def _siblings(ratings: Iterable[Judgement]) -> Iterator[Comparison | LeftOut]:
    """Every pair of an answer rated up and one rated down, by one person, to one prompt."""
    by_prompt: dict[tuple[Conversation, str], list[Judgement]] = {}
    for rating in ratings:
        if rating.stopped:
            yield LeftOut("ratings of answers that were stopped")
        else:
            by_prompt.setdefault((rating.conversation, rating.person), []).append(rating)
    for rated in by_prompt.values():
        up, down = ([rating for rating in rated if rating.rating == way] for way in ("up", "down"))
        for good, bad in product(up, down):
            yield _comparison(good, good.answer, bad.answer)
        if not up or not down:
            for _ in rated:
                yield LeftOut(
                    "ratings without an answer to the same prompt that is rated the other way (/retry, /rate)"
                )


def _comparison(judgement: Judgement, better: str, worse: str) -> Comparison:
    prompt = Prompt(judgement.conversation, judgement.id)
    return Comparison(prompt, (better, worse), (1, 2), judgement.person, "human")


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
    if row["person"] is None:
        raise ValueError("person must be named")
    return Judgement(
        name_of(row, "id"), messages, row["answer"], bool(row.get("stopped")), str(row["person"]), **judged
    )
