"""People's rankings by subset, converted by `mynah data`; folds by first human turn; what fits a model's context."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mynah import jsonl
from mynah.agent.scorer import answered
from mynah.data.rows import derive
from mynah.nouns import Comparison, Demonstration, Message, Prompt
from mynah.tokens import ChatFormat
from mynah.verbs.data import data

WHOLE = 10**9
"""A context that holds everything, for measuring."""


@dataclass(frozen=True)
class Judged:
    """One ranking, with what it is counted by."""

    subset: str
    comparison: Comparison

    @property
    def answers(self) -> tuple[str, ...]:
        return self.comparison.completions

    @property
    def turn(self) -> str:
        """The first human turn, spacing and case aside: what rows share that must lie on one side."""
        said = next((m.content for m in self.comparison.prompt.messages if m.role == "user"), "")
        return " ".join(said.lower().split())


@dataclass(frozen=True)
class Fold:
    """Where one fold is tested, and what it is trained and chosen on."""

    number: int
    """From 1."""
    train: list[Judged]
    dev: list[Judged]
    """The part of the training folds that settings are chosen on; nothing is trained on it."""
    test: list[Judged]
    subset: str = ""
    """Where it has the rows of one subset only."""

    @property
    def name(self) -> str:
        return f"fold-{self.number}" + (f"-{self.subset}" if self.subset else "")


def convert(subsets: Mapping[str, Sequence[Path]], folder: Path) -> list[Judged]:
    """`mynah data FILES --as rankings` for each subset, as anybody would call it; then what came out, ties aside.

    Raises:
        UserError: A file is of no known form, or a record is malformed.
    """
    rows = []
    for subset, files in subsets.items():
        out = folder / subset
        if not (out / "data.json").exists():
            data(list(files), out=out, as_="rankings")
        read = jsonl.read_comparisons(out / "rankings.jsonl")
        rows += [Judged(subset, comparison) for comparison in read if comparison.pairs()]
    return rows


def told(rows: Sequence[Judged]) -> list[Judged]:
    """The same, each prompt behind a system message that says by what it was judged: its subset.

    One model for all subsets cannot know otherwise that people preferred the shorter answer in some and the longer one
    in others, which a baseline fitted per subset does know.
    """
    made = []
    for row in rows:
        prompt = row.comparison.prompt
        guideline = Message("system", f"Judged by: {row.subset}")
        prompt = replace(prompt, messages=(guideline, *prompt.messages))
        made.append(replace(row, comparison=replace(row.comparison, prompt=prompt)))
    return made


def limited(rows: Sequence[Judged], limit: int) -> list[Judged]:
    """At most `limit` rows of each subset, the same ones always; 0 takes all."""
    if not limit:
        return list(rows)
    taken = []
    for subset in dict.fromkeys(row.subset for row in rows):
        of_one = sorted((row for row in rows if row.subset == subset), key=lambda row: _hash(row.turn))
        taken += of_one[:limit]
    return taken


def folds(rows: Sequence[Judged], count: int, dev: float = 0.1) -> list[Fold]:
    """`count` folds as even as whole first turns allow; `dev` is the share of the others' turns to choose settings on.

    A first turn is in one fold with all its rows, of whatever subset.
    """
    turns = sorted({row.turn for row in rows}, key=_hash)
    fold_of = {turn: place % count for place, turn in enumerate(turns)}
    made = []
    for number in range(count):
        others = [row for row in rows if fold_of[row.turn] != number]
        outside = sorted({row.turn for row in others}, key=lambda turn: _hash(f"dev {turn}"))
        held = set(outside[: max(1, round(dev * len(outside)))])
        made.append(
            Fold(
                number + 1,
                [row for row in others if row.turn not in held],
                [row for row in others if row.turn in held],
                [row for row in rows if fold_of[row.turn] == number],
            )
        )
    return made


def apart(fold: Fold) -> list[Fold]:
    """The fold by subset; one after the other they test its rows in the order of `by_subset`."""

    def of(rows: list[Judged], subset: str) -> list[Judged]:
        return [row for row in rows if row.subset == subset]

    return [
        Fold(fold.number, of(fold.train, subset), of(fold.dev, subset), of(fold.test, subset), subset)
        for subset in dict.fromkeys(row.subset for row in fold.test)
    ]


def by_subset(fold: Fold) -> Fold:
    """The fold with its test rows subset after subset."""
    subsets = list(dict.fromkeys(row.subset for row in fold.test))
    return replace(fold, test=sorted(fold.test, key=lambda row: subsets.index(row.subset)))


def fitted(row: Judged, chat: ChatFormat, context: int, room: int = 0) -> Comparison:
    """The ranking as a model of this context can read it, the same for every contender.

    Exchanges go, the oldest first; then the answers' ends, down to half of the context; then the last question's
    beginning. A system message stays. Answers that become equal cannot be told apart: they count half.

    Args:
        room: Tokens to be kept free behind the prompt, where the answers are not yet written.
    """
    comparison = row.comparison
    if room:
        comparison = replace(comparison, completions=("",) * len(comparison.completions))
    prompt, answers, limit = comparison.prompt.messages, comparison.completions, context - room
    system = tuple(message for message in prompt[:1] if message.role == "system")
    while len(prompt) > len(system) + 2 and _length(chat, prompt, answers) > limit:
        prompt = (*system, *prompt[len(system) + 2 :])
    if _length(chat, prompt, answers) > limit:
        answers = tuple(_cut(chat, answer, limit // 2) for answer in answers)
    kept = limit // 2
    while _length(chat, prompt, answers) > limit:
        prompt = (*system, replace(prompt[-1], content=_cut(chat, prompt[-1].content, kept, end=True)))
        kept -= 8
    return replace(comparison, prompt=replace(comparison.prompt, messages=prompt), completions=answers)


def demonstrations(rows: Sequence[Comparison], chat: ChatFormat, context: int) -> list[Demonstration]:
    """The best answers behind their prompts, as `mynah data --as demonstrations` gives them; those that fit."""
    made = [best for row in rows for best in derive(row, "demonstrations") if isinstance(best, Demonstration)]
    return [row for row in made if len(chat.encode_conversation(row.messages)[0]) <= context]


def prompts(rows: Sequence[Judged], chat: ChatFormat, context: int, room: int) -> list[Prompt]:
    """Different prompts, each leaving room for an answer."""
    found = [fitted(row, chat, context, room).prompt for row in rows]
    return list({repr(prompt.messages): prompt for prompt in found}.values())


def digest(rows: Sequence[object]) -> str:
    """A short hash of what rows hold."""
    return hashlib.sha256(repr(rows).encode("utf-8", "replace")).hexdigest()[:16]


def _length(chat: ChatFormat, prompt: tuple[Message, ...], answers: Sequence[str]) -> int:
    group = answered(chat, Prompt(prompt), answers, WHOLE)
    return len(group.trunk) + max(map(len, group.branches))


def _cut(chat: ChatFormat, text: str, tokens: int, end: bool = False) -> str:
    """The beginning of a text, or its end, a little shorter than so many tokens: cut words may be encoded anew."""
    ids, kept = chat.tokenizer.encode(text), max(1, tokens - 8)
    if len(ids) <= kept:
        return text
    return chat.tokenizer.decode(ids[-kept:] if end else ids[:kept]).strip("�")


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
