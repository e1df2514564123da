"""What rows hold, in figures: how many, how long, who ranked, and how often the longer answer wins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from mynah.data.checks import answers_of, longer_preferred
from mynah.data.convert import identity
from mynah.data.near_duplicates import MARKS
from mynah.data.rows import Kind, Row, key, prompt_of
from mynah.evals.intervals import wilson
from mynah.nouns import Comparison, Demonstration, Samples

Lengths = Callable[[Sequence[str]], list[int]]
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}][\u3099\u309a]?|[^\W{_UNSPACED}]+(?:{MARKS}[^\W{_UNSPACED}]*)*")


def words(texts: Sequence[str]) -> list[int]:
    """Words of each text; where a script has no spaces (Chinese, Japanese), its characters."""
    return [len(_WORD.findall(text)) for text in texts]


def summarise(kind: Kind, rows: Sequence[Row], lengths: Lengths = words, unit: str = "words") -> dict[str, Any]:
    """Figures by name, of rows of one kind; a rate comes as an Estimate."""
    figures: dict[str, Any] = {"rows": len(rows)}
    if kind != "text":
        figures["different prompts"] = len({key(prompt_of(row)) for row in rows})
        figures["turns a row"] = round(sum(map(_turns, rows)) / len(rows), 2)
    answers = list(answers_of(rows))
    if answers:
        figures["answers"] = len(answers)
    if kind == "rankings":
        figures |= _rankings([row for row in rows if isinstance(row, Comparison)])
    if kind == "samples":
        figures["answers a prompt"] = _spread(len(row.completions) for row in rows if isinstance(row, Samples))
        figures["models"] = len({row.model for row in rows if isinstance(row, Samples)})
    figures[unit] = sum(lengths([text for row in rows for text in _texts(row)]))
    if answers:
        counts = lengths(answers)
        figures[f"{unit} an answer"] = f"{sum(counts) / len(counts):.1f} (longest {max(counts)})"
    figures["same answers ranked again" if kind == "rankings" else "copies"] = len(rows) - len(
        {identity(row) for row in rows}
    )
    return figures


def _rankings(rows: Sequence[Comparison]) -> dict[str, Any]:
    pairs = [len(row.pairs()) for row in rows]
    possible = [len(row.ranks) * (len(row.ranks) - 1) // 2 for row in rows]
    longer = [share for row in rows if (share := longer_preferred(row)) is not None]
    return {
        "answers a prompt": _spread(len(row.ranks) for row in rows),
        "strict pairs": sum(pairs),
        "ties": sum(possible) - sum(pairs),
        "longer preferred": wilson(sum(longer), len(longer)),  # a ranking counts once, however many pairs it has
        "labellers": len({row.labeller for row in rows}),
        **({} if all(row.weight == 1 for row in rows) else {"weight": round(sum(row.weight for row in rows), 2)}),
    }


def _spread(counts: Any) -> str:
    """`2`, or `2 (90 %), 4 (10 %)`."""
    seen = Counter(counts)
    if len(seen) == 1:
        return str(*seen)
    return ", ".join(f"{count} ({times / seen.total():.0%})" for count, times in sorted(seen.items()))


def _turns(row: Row) -> int:
    return len(row.messages) if isinstance(row, Demonstration) else len(prompt_of(row))


def _texts(row: Row) -> list[str]:
    """All that a row says, each text once."""
    match row:
        case str():
            return [row]
        case Demonstration():
            return [message.content for message in row.messages]
        case Comparison() | Samples():
            return [message.content for message in row.prompt.messages] + list(row.completions)
        case _:
            return [message.content for message in prompt_of(row)]
