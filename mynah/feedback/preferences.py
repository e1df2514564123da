"""From judgements to preferences: what a ranking, an edit, a vote and two thumbs say, and how much it weighs.

Nothing here reads words, so what was judged counts the same after somebody's words are gone. The order of the input
and the ids never matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from mynah.store.evidence import Evidence, Shown, Thumb

SIGN = 0.3
"""The weight of what is only a sign: two opposite thumbs, an answer asked for again. A ranking has 1."""
Kind = Literal["ranking", "edit", "vote", "sign"]
A_DAY: dict[Kind, float] = {"edit": 10.0, "vote": 10.0, "sign": 1.0}
"""What one person's judgements of a kind can weigh together in a day (UTC); rankings are given out as tasks."""


@dataclass(frozen=True)
class Preference:
    """Answers to one prompt, ranked by one person; `contents` name their texts. Rank 1 is best, equal is a tie."""

    evidence: str
    """The table that holds the judgement, and its `id` there."""
    id: str
    kind: Kind
    prompt: str
    author: str
    source: str
    contents: tuple[str, ...]
    ranks: tuple[int, ...]
    day: date | None = None
    weight: float = 1.0
    writer: str = ""
    """Who wrote one of the answers, where not all are a model's."""


def preferences(evidence: Evidence, left_out: Counter[str]) -> list[Preference]:
    """All that the evidence prefers, in an order of its own; what says nothing is counted in `left_out`."""
    found = [
        *_rankings(evidence, left_out),
        *_edits(evidence, left_out),
        *_votes(evidence, left_out),
        *_thumbs(evidence, left_out),
    ]
    return capped(sorted(found, key=lambda row: (row.evidence, row.id)))


def capped(rows: Iterable[Preference]) -> list[Preference]:
    """The rows with weights such that no person's day of one kind weighs more than `A_DAY`."""
    listed = list(rows)
    days: defaultdict[tuple[str, Kind, date | None], float] = defaultdict(float)
    for row in listed:
        days[row.author, row.kind, row.day] += row.weight
    return [
        replace(row, weight=row.weight * min(1.0, A_DAY[row.kind] / days[row.author, row.kind, row.day]))
        if row.kind in A_DAY
        else row
        for row in listed
    ]


def _rankings(evidence: Evidence, left_out: Counter[str]) -> Iterator[Preference]:
    """Each labeller's ranking by itself: they are never merged. The last of one person on the same answers counts."""
    last = {(row.author, row.prompt, row.answers): row.id for row in evidence.rankings}
    for row in evidence.rankings:
        if last[row.author, row.prompt, row.answers] != row.id:
            left_out["rankings that their author gave again"] += 1
        elif row.all_bad:
            left_out["rankings that call all answers bad"] += 1
        elif len(row.answers) < 2:
            left_out["rankings of a single answer"] += 1
        elif any(evidence.answers[id].tools for id in row.answers):
            left_out["answers that call tools"] += 1
        else:
            contents = tuple(evidence.answers[id].content for id in row.answers)
            yield Preference("ranking", row.id, "ranking", row.prompt, row.author, row.source, contents, row.grades)


def _edits(evidence: Evidence, left_out: Counter[str]) -> Iterator[Preference]:
    """Edited ≻ original, where the original was whole."""
    for row in latest_edits(evidence.shown):
        original = evidence.answers[row.edited_from] if row.edited_from else None
        if original is None:
            continue
        if not original.whole:
            left_out["comparisons with an answer that was cut off"] += 1
        elif original.tools:
            left_out["answers that call tools"] += 1
        else:
            contents, day = (row.content, original.content), row.at.date()
            yield Preference(
                "demonstration",
                row.id,
                "edit",
                row.prompt,
                row.author,
                row.source,
                contents,
                (1, 2),
                day,
                writer=row.author,
            )


def latest_edits(shown: Sequence[Shown]) -> list[Shown]:
    """Demonstrations, of several edits of one answer by one person the last."""
    last = {(row.author, row.edited_from): row.id for row in shown}
    return [row for row in shown if row.edited_from is None or last[row.author, row.edited_from] == row.id]


def _votes(evidence: Evidence, left_out: Counter[str]) -> Iterator[Preference]:
    """a over b or the other way round; of several votes of one person on the same two the last.

    A tie stays, as it takes from what others prefer. That somebody prefers their own edit is known from the edit.
    """
    edits = {row.id: row for row in evidence.shown}
    last = {(row.author, frozenset((row.a, row.b or row.edit))): row.id for row in evidence.votes}
    for row in evidence.votes:
        a, b = evidence.answers[row.a], evidence.answers.get(row.b or "")
        edit = edits.get(row.edit or "")
        if last[row.author, frozenset((row.a, row.b or row.edit))] != row.id:
            left_out["votes that their author gave again"] += 1
        elif row.outcome == "both_bad":
            left_out["votes that call both answers bad"] += 1
        elif edit and edit.author == row.author and row.outcome == "b":
            continue
        elif (edit is None and b is None) or (b and b.prompt != a.prompt):
            left_out["votes on answers that no longer stand side by side"] += 1
        elif not a.whole or (b and not b.whole):
            left_out["comparisons with an answer that was cut off"] += 1
        elif a.tools or (b and b.tools):
            left_out["answers that call tools"] += 1
        else:
            contents = (a.content, b.content if b else edit.content if edit else "")
            ranks = {"a": (1, 2), "b": (2, 1), "tie": (1, 1)}[row.outcome]
            sign = row.kind == "regenerate"  # asking again is no vote
            kind: Kind = "sign" if sign else "vote"
            weight = SIGN if sign else 1.0
            yield Preference(
                "preference_event",
                row.id,
                kind,
                a.prompt,
                row.author,
                "human",
                contents,
                ranks,
                row.at.date(),
                weight,
                writer=edit.author if edit else "",
            )


def _thumbs(evidence: Evidence, left_out: Counter[str]) -> Iterator[Preference]:
    """One person's opposite thumbs on answers to one prompt. Thumbs that all say the same compare nothing."""
    by_prompt: defaultdict[tuple[str, str], dict[str, Thumb]] = defaultdict(dict)
    for row in evidence.thumbs:
        answer = evidence.answers[row.completion]
        if answer.whole and not answer.tools:
            by_prompt[row.author, answer.prompt][answer.id] = row
    for (author, prompt), thumbs in by_prompt.items():
        if len({row.rating for row in thumbs.values()}) < 2:
            left_out["thumbs that stand against no other of the same person"] += len(thumbs)
            continue
        rows = sorted(thumbs.values(), key=lambda row: row.completion)
        last = max(rows, key=lambda row: row.id)
        contents = tuple(evidence.answers[row.completion].content for row in rows)
        ranks = tuple(1 if row.rating > 0 else 2 for row in rows)
        day = last.at.date()
        yield Preference("reaction", last.id, "sign", prompt, author, "human", contents, ranks, day, SIGN)
