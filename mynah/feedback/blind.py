"""Blind pairs in a terminal: which of two answers is better, not knowing whose; each vote is on disk at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mynah import jsonl
from mynah.files import append_lines
from mynah.nouns import Samples
from mynah.progress import console

HELP = "1 or 2 for the better one, 0 if they are as good, s to skip, q to leave."


def vote(
    ours: Sequence[Samples], theirs: Sequence[Samples], out: Path, count: int, ask: Callable[[str], str] = input
) -> int:
    """Show up to `count` pairs that differ and append each vote to `out`; what was judged before is passed over.

    A vote is `{"id", "ours", "theirs", "wins": 1 | 0.5 | 0}`, seen from `ours`. Returns how many are new.
    """
    before = {row["id"] for row in votes(out, ours, theirs)}
    pairs = [
        pair
        for pair in zip(ours, theirs, strict=True)
        if pair[0].completions[0] != pair[1].completions[0] and pair[0].prompt.id not in before
    ]
    chosen = random.Random("blind").sample(pairs, min(len(pairs), max(0, count - len(before))))
    if not chosen:
        return 0
    console.print(
        f"\nNow you: {len(chosen)} questions, each answered by the model before PPO and by the one after it, "
        f"in random order. Your verdict enters the report. {HELP}"
    )
    new = 0
    for number, (our, their) in enumerate(chosen, 1):
        first = random.random() < 0.5  # who stands first is drawn anew each time
        shown = (our, their) if first else (their, our)
        console.print(f"\n[bold]{number}/{len(chosen)}[/bold]")
        for message in our.prompt.messages:
            console.print(f"{message.role}: {message.content}", markup=False)
        for place, row in enumerate(shown, 1):
            console.print(f"  ({place}) {row.completions[0]}", markup=False)
        try:
            said = _ask(ask)
        except (EOFError, KeyboardInterrupt):
            break
        if said is None:
            continue
        wins = 0.5 if said == 0 else float((said == 1) == first)
        append_lines(
            out, [{"id": our.prompt.id, "ours": our.completions[0], "theirs": their.completions[0], "wins": wins}]
        )
        new += 1
    return new


def votes(path: Path, ours: Sequence[Samples], theirs: Sequence[Samples]) -> list[dict[str, Any]]:
    """The votes so far on these very answers; those on a model that was trained again since do not count."""
    if not path.exists():
        return []
    append_lines(path, ())  # takes back a line that a kill or a full disk cut off
    if not path.stat().st_size:
        return []
    shown = {our.prompt.id: [our.completions[0], their.completions[0]] for our, their in zip(ours, theirs, strict=True)}
    return [row for _, row in jsonl.rows(path) if shown.get(row["id"]) == [row["ours"], row["theirs"]]]


def _ask(ask: Callable[[str], str]) -> int | None:
    while True:
        line = ask("better> ").strip().lower()
        if line in ("0", "1", "2"):
            return int(line)
        if line == "s":
            return None
        if line == "q":
            raise EOFError
        console.print(HELP)
