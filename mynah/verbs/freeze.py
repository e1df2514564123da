"""The verb `freeze`: what people said and judged in the store becomes a numbered data set, and files for the steps."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from mynah.data import folder
from mynah.data.checks import warnings
from mynah.data.convert import kinds
from mynah.data.rows import Row
from mynah.data.summary import words
from mynah.errors import UserError
from mynah.feedback.freeze import Rebuilt, rebuild, write
from mynah.feedback.freeze import freeze as freeze_store
from mynah.feedback.training import Recipe, Split
from mynah.progress import console
from mynah.store.schema import now
from mynah.verbs.data import show, warn
from mynah.verbs.keep import HERE, Kept
from mynah.verbs.say import say


def freeze(
    out: Path | None = None,
    *,
    again: int = 0,
    split: Split = "train",
    simulated: bool = False,
    signs_share: float = 0.01,
    kept: Kept = HERE,
) -> None:
    """Freeze what people judged in chat, over the API and elsewhere as a data set, for `mynah sft` and `reward`.

    ```
    mynah freeze data/week-12                        # data/week-12/{demonstrations,rankings}.jsonl
    mynah reward data/week-12/rankings.jsonl --run mine
    mynah freeze --again 12                          # data set 12 is still what it was
    mynah freeze data/exam --split test              # what no model was trained on, for `mynah eval`
    ```

    Only those who agreed count: the owner of the conversation, everybody who wrote in it, and who judged. Temporary
    chats, gold tasks and prompts kept for validation and test never train. E-mail addresses, telephone and card numbers
    and keys are replaced. docs/feedback.md has all the rules.

    Parameters
    ----------
    out
        A new folder to write, or one that this verb or `mynah data` wrote.
    again
        Make the data set of this number again, and say whether it is the same; with OUT, write its rows.
    split
        The prompts to take; their sides are decided once, and near-duplicates share one.
    simulated
        Take the judgements of simulated labellers too.
    signs_share
        What thumbs may weigh together, as a share of all preferences; 1 for as much as they come to.
    """
    if not 0 <= signs_share <= 1:
        raise UserError("--signs-share is a share of all preferences, from 0 to 1.")
    if out is None and not again:
        raise UserError("name a folder to write, or with --again the number of a data set to make again.")
    if out:
        folder.check_target(out, [])
    if again:
        _again(kept, again, out)
        return
    frozen = freeze_store(kept.existing(), Recipe(now(), split, simulated, signs_share=signs_share))
    console.print(f"data set {frozen.number}, {split}", highlight=False)
    for why, count in (+frozen.gathered.left_out).items():
        console.print(f"  left out: {count} {escape(why)}", soft_wrap=True, highlight=False)
    for kind, count in frozen.gathered.scrubbed.items():
        console.print(f"  replaced: {count} × \\[{kind}]", highlight=False)
    assert out
    write(out, frozen)
    _show(out, [*frozen.demonstrations, *frozen.comparisons])


def _again(kept: Kept, number: int, out: Path | None) -> None:
    try:
        made = rebuild(kept.existing(), number)
    except LookupError:
        raise UserError(f"--again {number}: there is no data set of that number.") from None
    for part in made:
        verdict = "the same" if part.same else "DIFFERENT"
        less = f", {part.erased} rows erased since" if part.erased else ""
        console.print(f"data set {number}, {part.kind}: {verdict}, {len(part.rows)} rows{less}", highlight=False)
    different = [part for part in made if not part.same]
    if out and not different:
        folder.write(out, {"": _rows(made)}, [], {}, {"dataset": number})
        _show(out, _rows(made))
    if different:
        raise UserError(
            f"data set {number} is not what it was: manifest {different[0].manifest}, then {different[0].frozen}."
        )


def _rows(made: list[Rebuilt]) -> list[Row]:
    return [row for part in made for row in part.rows]


def _show(out: Path, rows: list[Row]) -> None:
    """What the files hold, and where they are."""
    if not rows:
        console.print("nothing to train on yet", highlight=False)
        return
    show(str(out), rows, words, "words")
    warn(str(out), warnings(rows))
    for kind in kinds(rows):
        say(out / f"{kind}.jsonl")
