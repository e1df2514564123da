"""A conversation in the making: its turns, what each answer was made from, how it changes; nothing of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mynah.errors import UserError
from mynah.nouns import Conversation, Message


@dataclass(frozen=True)
class Turn:
    """A question and its answer, if there is one yet."""

    question: str
    answer: str = ""
    stopped: bool = False
    """The user stopped the answer: it is a part of what the model would have said."""
    original: str = ""
    """What the model said, where the user has edited the answer."""
    seen: Conversation = ()
    """What the model was given when it answered."""
    made_by: Mapping[str, Any] = field(default_factory=dict)
    """Model and sampling parameters; empty for an answer that was loaded."""

    @property
    def said(self) -> str:
        """The model's own words."""
        return self.original or self.answer


@dataclass(frozen=True)
class Talk:
    """A conversation; every change gives a new one."""

    system: str = ""
    turns: tuple[Turn, ...] = ()

    @property
    def last(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    def asking(self, question: str) -> Talk:
        """With one more question; one that got no answer makes room for it."""
        return replace(self, turns=(*(turn for turn in self.turns if turn.answer), Turn(question)))

    def with_last(self, **changes: Any) -> Talk:
        """With a changed last turn."""
        return replace(self, turns=(*self.turns[:-1], replace(self.turns[-1], **changes)))

    def again(self) -> Talk:
        """With the last question open once more."""
        return replace(self, turns=(*self.turns[:-1], Turn(self.turns[-1].question)))

    def undone(self) -> Talk:
        """Without the last question and its answer."""
        return replace(self, turns=self.turns[:-1])

    def messages(self, first: int = 0) -> Conversation:
        """The system message and the turns from number `first` on, up to an open question."""
        found = [Message("system", self.system)] if self.system else []
        for turn in self.turns[first:]:
            found.append(Message("user", turn.question))
            if turn.answer:
                found.append(Message("assistant", turn.answer))
        return tuple(found)

    def fitted(self, fits: Callable[[Conversation], bool]) -> tuple[Conversation, int]:
        """The messages that fit, and how many of the oldest turns had to go; the open question always stays."""
        for first in range(len(self.turns)):
            if fits(self.messages(first)):
                return self.messages(first), first
        return self.messages(len(self.turns) - 1), len(self.turns) - 1

    def to_json(self) -> dict[str, Any]:
        """`{"messages": […]}`, as a demonstration is; an answer that was stopped says so."""
        rows = [message.to_json() for message in self.messages()]
        answered = (turn for turn in self.turns if turn.answer)
        for row in rows:
            if row["role"] == "assistant" and (turn := next(answered)).stopped and not turn.original:
                row["stopped"] = True
        return {"messages": rows}

    @classmethod
    def from_json(cls, value: Any, where: str) -> Talk:
        """The reverse. Raises UserError for anything but a system message at most, then questions and answers."""
        rows = value.get("messages") if isinstance(value, dict) else None
        if not isinstance(rows, list) or not all(
            isinstance(row, dict) and isinstance(row.get("content"), str) for row in rows
        ):
            raise UserError(f'{where}: not a conversation; it should hold {{"messages": [{{"role", "content"}}, …]}}.')
        system = rows[0]["content"] if rows and rows[0].get("role") == "system" else ""
        rows = rows[1:] if system else rows
        turns: list[Turn] = []
        for number, row in enumerate(rows):
            expected = "assistant" if number % 2 else "user"
            if row.get("role") != expected:
                raise UserError(f"{where}: message {number + 1 + bool(system)} should be the {expected}'s.")
            if number % 2:
                turns[-1] = replace(turns[-1], answer=row["content"], stopped=bool(row.get("stopped")))
            else:
                turns.append(Turn(row["content"]))
        seen = cls(system, tuple(turns))
        return replace(seen, turns=tuple(replace(t, seen=seen.before(i)) for i, t in enumerate(turns)))

    def before(self, index: int) -> Conversation:
        """All up to the question of a turn."""
        upto = (*self.turns[:index], Turn(self.turns[index].question))
        return Talk(self.system, upto).messages()
