"""The verb `data`: check, summarise, convert and split data files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mynah.data import folder
from mynah.data.checks import overlaps, warnings
from mynah.data.convert import Source, clean, kinds, read, rows_of
from mynah.data.forms import FORMS
from mynah.data.rows import Row
from mynah.data.splitting import Grouping, Side, groups_of, split
from mynah.data.summary import Lengths, summarise, words
from mynah.errors import UserError
from mynah.evals.intervals import Estimate
from mynah.progress import console
from mynah.tokens import Tokenizer
from mynah.verbs.say import say

SHOWN = 3
"""Mistakes of a file that are shown one by one."""

LARGE_GROUP = 0.2
"""The share of the rows from which on a group that stays together makes the sides differ."""


def data(
    files: list[Path],
    *,
    out: Path | None = None,
    as_: Annotated[Literal["demonstrations", "rankings", "prompts", "text"] | None, Parameter(name="--as")] = None,
    heldout: float = 0.0,
    test: float = 0.0,
    group: Grouping = "first-turn",
    form: str = "",
    skip_broken: bool = False,
    tokenizer: Path | None = None,
    seed: int = 0,
) -> None:
    """Check data files and say what they hold; with --out, convert them into mynah's own rows.

    ```
    mynah data demonstrations.jsonl rankings.jsonl             # check and summarise
    mynah data hh-rlhf/test.jsonl.gz --out data/hh             # convert: data/hh/rankings.jsonl
    mynah data chatgpt-export.zip --out data/mine --as demonstrations
    mynah data oasst.jsonl hh.jsonl --out data/both --heldout 0.1
    mynah data train.jsonl heldout.jsonl                       # warns of prompts that are in both
    ```

    The form is recognised by the first record: hh-rlhf transcripts, OpenAssistant trees, five-level preferences, 0/1
    rewards, exports of ChatGPT and Open WebUI, ShareGPT, Alpaca, prompt and completion, chosen and rejected (strings or
    messages); in .jsonl, .json, .parquet, .gz, .zip. docs/your-own-data.md shows each. mynah's own rows are

    ```
    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"prompt": [{"role": "user", "content": "…"}], "completions": [[…], …], "ranks": [1, 2, 2, 4]}
    {"prompt": […], "chosen": […], "rejected": […]}
    {"prompt": […]}
    {"text": "…"}
    ```

    A malformed record is named by file, line and field, and nothing is written.

    Parameters
    ----------
    files
        Data files, of any known form.
    out
        A folder to write: a file for each kind of row, and data.json, which tells where they came from.
    as_
        Write this kind only; where a file has none, make it: the best answers of rankings are demonstrations, what
        stands before an answer is a prompt, a demonstration read in a row is text.
    heldout
        The share of rows for OUT/heldout; the others go to OUT/train. Near-duplicate prompts stay on one side.
    test
        The share of rows for a third side, OUT/test.
    group
        What stays on one side: conversations with nearly the same first user turn (or whole prompt), or only those with
        nearly the same whole prompt.
    form
        The form of the files, where it is not recognised.
    skip_broken
        Leave malformed records out and count them.
    tokenizer
        A model's folder, to count tokens instead of words.
    seed
        Decides which prompts are held out.
    """
    if form and form not in FORMS:
        raise UserError(f"--form {form}: unknown; known are {', '.join(FORMS)}.")
    if (as_ or heldout or test) and not out:
        raise UserError("--as, --heldout and --test say what to write; name the folder with --out.")
    lengths, unit = (words, "words") if tokenizer is None else (_token_counts(tokenizer), "tokens")
    if out:
        folder.check_target(out, files)
    sources = [read(path, form, skip_broken) for path in files]
    for source in sources:
        _say_what_was_read(source)
    if not out:
        _check(sources, lengths, unit)
        return
    left_out: Counter[str] = Counter()
    rows = clean(rows_of(sources, left_out, as_), left_out)
    _say_what_was_left_out(left_out)
    sides = _sides(rows, {"heldout": heldout, "test": test}, seed, group)
    settings = {"as": as_, "heldout": heldout, "test": test, "group": group, "seed": seed}
    folder.write(out, sides, sources, left_out, settings)
    for side, of_side in sides.items():
        show(side or str(out), of_side, lengths, unit)
    warn(str(out), warnings(rows))
    for side, of_side in sides.items():
        for kind in kinds(of_side):
            say(out / side / f"{kind}.jsonl")


def _check(sources: Sequence[Source], lengths: Lengths, unit: str) -> None:
    """Say what files hold as they are; those of another form as what they would become."""
    files: dict[str, list[Row]] = {}
    for source in sources:
        left_out: Counter[str] = Counter()
        files[str(source.path)] = rows = rows_of([source], left_out)
        _say_what_was_left_out(left_out)
        show(str(source.path), rows, lengths, unit)
        warn(str(source.path), warnings(rows))
        if not source.own:
            console.print(f"{escape(str(source.path))}: --out FOLDER writes it as mynah's own rows", soft_wrap=True)
    if len(sources) > 1:
        warn("several files", list(overlaps(files)))


def _sides(rows: list[Row], shares: dict[Side, float], seed: int, group: Grouping) -> dict[str, list[Row]]:
    """The rows by side, for which "" stands if there is only one."""
    shares = {side: share for side, share in shares.items() if share}
    if not shares:
        return {"": rows}
    groups = groups_of(rows, group)
    placed = list(zip(split(rows, groups, shares, seed), rows, strict=True))
    sides: dict[str, list[Row]] = {side: [row for of, row in placed if of == side] for side in ("train", *shares)}
    largest = max(Counter(groups.tolist()).values())
    if largest > LARGE_GROUP * len(rows):
        warn(
            "split",
            [f"{largest} of {len(rows)} rows hang together by near-duplicate prompts: the sides differ in kind"],
        )
    for side, share in shares.items():
        wanted, got = round(share * len(rows)), len(sides[side])
        if got < wanted:
            warn(side, [f"{got} rows instead of {wanted}, since no other group of prompts is small enough"])
    return sides


def _say_what_was_read(source: Source) -> None:
    console.print(f"{escape(str(source.path))}: {source.form}, {source.records} records", soft_wrap=True)
    if source.broken:
        console.print(f"[yellow]skipped {len(source.broken)} malformed records:[/yellow]")
        for sentence in source.broken[:SHOWN]:
            console.print(f"[yellow]  {escape(sentence)}[/yellow]", soft_wrap=True)


def _say_what_was_left_out(left_out: Counter[str]) -> None:
    for why, count in left_out.items():
        console.print(f"  left out: {count} {escape(why)}", soft_wrap=True)


def show(title: str, rows: Sequence[Row], lengths: Lengths, unit: str) -> None:
    """One table, on standard output; a column for each kind."""
    columns = {kind: summarise(kind, of_kind, lengths, unit) for kind, of_kind in kinds(rows).items()}
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("")
    for kind in columns:
        table.add_column(kind, justify="right")
    for name in dict.fromkeys(name for figures in columns.values() for name in figures):
        table.add_row(name, *(_shown(figures.get(name, "")) for figures in columns.values()))
    print(f"\n{title}")
    Console(highlight=False).print(table)


def _shown(value: Any) -> str:
    if isinstance(value, Estimate):
        return f"{value.value:.0%} [{value.low:.0%}, {value.high:.0%}], n = {value.n:,}".replace("[", "\\[")
    return f"{value:,}" if isinstance(value, int) else str(value)


def warn(name: str, sentences: Sequence[str]) -> None:
    for sentence in sentences:
        console.print(f"[yellow]{escape(f'{name}: {sentence}')}[/yellow]", soft_wrap=True)


def _token_counts(path: Path) -> Lengths:
    tokenizer = Tokenizer.load(path)
    return lambda texts: [len(ids) for ids in tokenizer.encode_many(texts)]
