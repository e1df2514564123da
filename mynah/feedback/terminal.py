"""Ranking by hand in a terminal: the answers in random order, their ranks typed, each ranking on disk at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from mynah import jsonl
from mynah.errors import UserError
from mynah.files import append_lines
from mynah.nouns import Comparison, Samples
from mynah.progress import console

HELP = "Give each answer its rank, 1 for the best, equal for a tie: `2 1 1 3`. `s` skips, `q` leaves; the rest is kept."


def label(samples: Sequence[Samples], out: Path, labeller: str, ask: Callable[[str], str] = input) -> int:
    """Rank `samples` one by one and append to `out`; those that this labeller ranked before are passed over.

    So are those of a single answer. Returns how many are new."""
    ranked = _ranked_by(labeller, out) if out.exists() else set()
    samples = [row for row in samples if len(row.completions) > 1]
    todo = [row for row in samples if _key(row) not in ranked]
    console.print(f"{len(todo)} to rank, {len(samples) - len(todo)} ranked before. {HELP}")
    count = 0
    for number, row in enumerate(todo, 1):
        order = list(range(len(row.completions)))
        random.shuffle(order)  # no model's answer always stands first
        console.print(f"\n[bold]{number}/{len(todo)}[/bold]")
        for message in row.prompt.messages:
            console.print(f"{message.role}: {message.content}", markup=False)
        for place, index in enumerate(order, 1):
            console.print(f"  ({place}) {row.completions[index]}", markup=False)
        try:
            shown = _ask_ranks(len(order), ask)
        except (EOFError, KeyboardInterrupt):
            break
        if shown is None:
            continue
        ranks = tuple(rank for _, rank in sorted(zip(order, shown, strict=True)))
        comparison = Comparison(row.prompt, row.completions, ranks, labeller, "human")
        append_lines(out, [jsonl.comparison_row(comparison)])
        count += 1
    return count


def _ranked_by(labeller: str, out: Path) -> set[str]:
    append_lines(out, ())  # takes back a line that a kill or a full disk cut off
    if not out.stat().st_size:
        return set()
    rankings = zip(jsonl.read_samples(out), jsonl.rows(out), strict=True)
    return {_key(sample) for sample, (_, row) in rankings if row.get("labeller") == labeller}


def _key(row: Samples) -> str:
    return repr((row.prompt.messages, row.completions))


def _ask_ranks(count: int, ask: Callable[[str], str]) -> tuple[int, ...] | None:
    """Ranks in the order shown, None to skip; asks again until they make sense. EOFError to leave."""
    while True:
        line = ask("ranks> ").strip().lower()
        if line == "q":
            raise EOFError
        if line == "s":
            return None
        try:
            return parse_ranks(line, count)
        except UserError as error:
            console.print(str(error))


def parse_ranks(line: str, count: int) -> tuple[int, ...]:
    """`2 1 1 3` or `2113` → ranks; UserError says what is wrong with them."""
    words = line.replace(",", " ").split()
    if len(words) == 1 and len(line) == count:
        words = list(line)
    if len(words) != count or not all(word.isdecimal() and 1 <= int(word) <= count for word in words):
        raise UserError(
            f"{count} ranks from 1 to {count} are needed, as in `{' '.join(map(str, range(1, count + 1)))}`."
        )
    return tuple(map(int, words))
