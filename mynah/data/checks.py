"""What looks wrong with rows: sentences for people, who decide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from mynah.data.convert import contradicts_itself
from mynah.data.rows import Row, prompt_of
from mynah.data.splitting import groups_of
from mynah.nouns import Comparison, Conversation, Demonstration, Samples

CERTAIN = 0.97
"""A mark that is on one side of so large a share of the pairs that it tells apart gives the label away."""
ENOUGH = 20
"""Pairs that a mark must tell apart: by chance 20 fall on one side once in half a million."""
PIECE = 12
"""Characters of a first or last word that are looked at by themselves, too: not every script parts its words."""
LONG = 40
"""Words from which on an answer is expected to end like a sentence."""
CUT_OFF = 0.1
Mark = tuple[str, str]
"""Where (word, beginning, end) and what; no text is a blank."""
_CONTROL = re.compile(r"<\|[a-z_]+\|>|</?s>|\[/?INST\]|<(?:start|end)_of_turn>")


def warnings(rows: Sequence[Row]) -> list[str]:
    """A sentence for each thing that looks wrong, counted."""
    comparisons = [row for row in rows if isinstance(row, Comparison)]
    spoken = [row.messages if isinstance(row, Demonstration) else prompt_of(row) for row in rows]
    return [*_comparisons(comparisons), *_answers(rows), *_turns(rows, spoken)]


def _comparisons(rows: Sequence[Comparison]) -> Iterator[str]:
    if identical := sum(map(contradicts_itself, rows)):
        yield f"{identical} rankings prefer a text to itself; --out leaves them out"
    tied = sum(not row.pairs() for row in rows)
    if rows and tied == len(rows):
        yield "every ranking is a tie: nothing is preferred to anything, and step 2 refuses the file"
    elif tied:
        yield f"{tied} rankings tie throughout and teach nothing"
    yield from leaks(rows)


def _answers(rows: Sequence[Row]) -> Iterator[str]:
    answers = list(answers_of(rows))
    if empty := sum(not answer.strip() for answer in answers):
        yield f"{empty} answers are empty"
    long = [text for answer in answers if (text := answer.strip()).count(" ") >= LONG]
    cut = sum(text[-1].isalnum() or text[-1] == "," for text in long)
    if cut > CUT_OFF * len(long):
        yield f"{cut} of {len(long)} long answers end in the middle of a sentence; were they cut off?"
    marked = [marks for answer in answers if (marks := set(_CONTROL.findall(answer)))]
    if marked:
        found = ", ".join(mark for mark, _ in Counter(mark for marks in marked for mark in marks).most_common(3))
        yield f"{len(marked)} answers hold another model's control tokens as text ({found}); remove them"
    reasons = [reason for row in rows if isinstance(row, Samples) for reason in row.finish_reasons]
    if unfinished := sum(reason != "stop" for reason in reasons):
        yield f"{unfinished} answers did not end within their budget"


def _turns(rows: Sequence[Row], spoken: Sequence[Conversation]) -> Iterator[str]:
    uneven = sum(not alternates(messages) for messages in spoken)
    if uneven:
        yield f"in {uneven} rows the roles do not alternate between user and assistant"
    hanging = sum(isinstance(row, Demonstration) and row.messages[-1].role != "assistant" for row in rows)
    if hanging:
        yield f"{hanging} conversations end before the assistant answers; their last turn teaches nothing"
    wordless = sum(any(m.role == "user" and not m.content.strip() for m in messages) for messages in spoken)
    if wordless:
        yield f"in {wordless} rows a user's turn is empty"


def answers_of(rows: Sequence[Row]) -> Iterator[str]:
    """Every answer that something is learned from; calls of tools aside."""
    for row in rows:
        if isinstance(row, Demonstration):
            yield from (m.content for m in row.messages if m.role == "assistant" and not m.tool_calls)
        elif isinstance(row, Comparison | Samples):
            yield from row.completions


def alternates(messages: Conversation) -> bool:
    """Whether user and assistant take turns, the user first; what tools say belongs to the assistant's turn."""
    roles = [message.role for message in messages if message.role not in ("system", "tool") and not message.tool_calls]
    return all(role == ("user", "assistant")[place % 2] for place, role in enumerate(roles))


def leaks(rows: Sequence[Comparison]) -> Iterator[str]:
    """Marks that give the label away: a reward model would learn them instead of what people mean.

    One pair a ranking, its best and its worst answer, is asked for each word, beginning, end and outer blank that only
    one of the two has, and for which of the two is longer.
    """
    only_better: Counter[Mark] = Counter()
    only_worse: Counter[Mark] = Counter()
    for row in rows:
        if row.pairs():
            better = _marks(row.completions[row.ranks.index(min(row.ranks))])
            worse = _marks(row.completions[row.ranks.index(max(row.ranks))])
            only_better.update(better - worse)
            only_worse.update(worse - better)
    found: dict[Mark, tuple[int, str]] = {}
    for mark in only_better | only_worse:
        high, both = max(only_better[mark], only_worse[mark]), only_better[mark] + only_worse[mark]
        if both >= ENOUGH and high >= CERTAIN * both:
            side = "better" if only_better[mark] == high else "worse"
            found[mark] = both, f"is on the {side} answer in {high} of the {both} pairs that it tells apart"
    for mark in [mark for mark in found if any(_within(mark, other) for other in found)]:
        del found[mark]
    told = sorted(((both, f"{_said(mark)} {sentence}") for mark, (both, sentence) in found.items()), reverse=True)
    for _, sentence in told[:3]:
        yield f"{sentence}: it gives the label away"
    longer = [share for row in rows if (share := longer_preferred(row)) is not None]
    rate = sum(longer) / max(1, len(longer))
    if len(longer) >= ENOUGH and not 1 - CERTAIN < rate < CERTAIN:
        side = "longer" if rate > 0.5 else "shorter"
        yield f"the {side} answer is nearly always preferred: length gives the label away"


def _marks(text: str) -> set[Mark]:
    words = text.split()
    marks: set[Mark] = {("word", word) for word in words}
    if words:
        first, last = words[0], words[-1]
        marks |= {("beginning", piece) for piece in (first, *(first[:n] for n in range(1, PIECE + 1)))}
        marks |= {("end", piece) for piece in (last, *(last[-n:] for n in range(1, PIECE + 1)))}
    if text[:1].isspace():
        marks.add(("beginning", ""))
    if text[-1:].isspace():
        marks.add(("end", ""))
    return marks


def _within(mark: Mark, other: Mark) -> bool:
    """Whether the other is a longer piece of the same beginning or end, which says more."""
    (where, piece), (place, longer) = mark, other
    if where != place or not piece or len(piece) >= len(longer):
        return False
    return longer.startswith(piece) if where == "beginning" else where == "end" and longer.endswith(piece)


def _said(mark: Mark) -> str:
    where, piece = mark
    if where == "word":
        return f"the word {piece!r}"
    return f"{piece!r} at the {where}" if piece else f"a blank at the {where}"


def longer_preferred(row: Comparison) -> float | None:
    """The share of a ranking's uneven pairs whose longer answer is preferred; None if it has none."""
    pairs = [(len(row.completions[better]), len(row.completions[worse])) for better, worse in row.pairs()]
    uneven = [better > worse for better, worse in pairs if better != worse]
    return sum(uneven) / len(uneven) if uneven else None


def overlaps(files: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """A sentence for every two files that ask the same, near-duplicates included."""
    names = [(name, row) for name, rows in files.items() for row in rows if not isinstance(row, str)]
    groups = groups_of([row for _, row in names], "prompt")
    asked: dict[str, list[int]] = {}
    for (name, _), group in zip(names, groups.tolist(), strict=True):
        asked.setdefault(name, []).append(group)
    for one, other in combinations(asked, 2):
        known = set(asked[one])
        if shared := sum(group in known for group in asked[other]):
            yield (
                f"{shared} of {len(asked[other])} prompts in {other} are, nearly or wholly, in {one} too: "
                f"a leak if one measures what the other trained"
            )
