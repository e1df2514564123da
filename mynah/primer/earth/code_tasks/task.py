"""A task: a small function with its wordings, code, tests and bugs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Template
from typing import Any

from mynah.primer.earth.kinds import Entity

Names = Mapping[str, str]
"""What the variables of a body are called, by their role: `{"num": "x"}` where the body says `$num`."""


@dataclass(frozen=True)
class Task:
    """One function. In `says` a star stands before every verb, so that it can be said as "add" and as "adds"."""

    shape: str
    """Tasks of one shape differ by a number, a letter or a noun only."""
    function: str
    """Its name, unique; the split hangs on it."""
    arguments: tuple[str, ...]
    body: str
    says: tuple[str, ...]
    """What it does; the last four wordings are for ranking, ppo, dev and exam, all before them for demo."""
    tests: tuple[tuple[str, str], ...]
    """Calls, and the repr of what they give."""
    wrong_bodies: tuple[str, ...]
    names: tuple[Names, ...]
    """Ways to name the variables; the first is how the assistant writes it."""

    @property
    def split(self) -> str:
        return Entity("code", self.function, {}, {}).split

    @property
    def solution(self) -> str:
        return self.code(self.names[0])

    @property
    def bugs(self) -> tuple[str, ...]:
        """Versions that fail: its own wrong bodies first, then what can go wrong with any function."""
        before, _, after = self.body.rpartition("return ")
        stray = {**self.names[0], self.arguments[0]: self.names[1][self.arguments[0]]}
        return (
            *(self.code(self.names[0], body) for body in self.wrong_bodies),
            self.code(self.names[0], before + after),
            self.code(self.names[0], f"{before}print({after})"),
            self._head(self.names[0]) + self._block(self.body, stray),
            self.solution.replace("):\n", ")\n", 1),
        )

    def code(self, names: Names, body: str = "") -> str:
        return self._head(names) + self._block(body or self.body, names)

    def said(self, group: str) -> tuple[str, ...]:
        """The wordings of a group of phrasings."""
        late = ("ranking", "ppo", "dev", "exam")
        return (self.says[late.index(group) - len(late)],) if group in late else self.says[: -len(late)]

    def _head(self, names: Names) -> str:
        return f"def {self.function}({', '.join(names[role] for role in self.arguments)}):\n"

    @staticmethod
    def _block(body: str, names: Names) -> str:
        return "\n".join("    " + line for line in Template(body).substitute(names).split("\n"))


def do(said: str) -> str:
    """ "*add 3 to a number" → "add 3 to a number"."""
    return said.replace("*", "")


def does(said: str) -> str:
    """ "*add 3 to a number" → "adds 3 to a number"."""
    return " ".join(_third_person(word[1:]) if word.startswith("*") else word for word in said.split(" "))


def _third_person(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z")) else "s")


def task(
    function: str,
    arguments: str,
    names: tuple[Names, ...],
    body: str,
    says: tuple[str, ...],
    tests: Iterable[tuple[tuple[Any, ...], Any]],
    wrong: tuple[str, ...],
) -> Task:
    """One whose shape is still open, from calls by their arguments and what each gives."""
    calls = tuple((f"{function}({', '.join(map(repr, args))})", repr(value)) for args, value in tests)
    return Task("", function, tuple(arguments.split()), body, says, calls, wrong, names)
