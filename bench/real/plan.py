"""What an experiment will take: its stages with the tokens that each computes, and minutes at a measured rate."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from bench.real import judgements, result, trials
from bench.real.experiment import Experiment
from bench.real.judgements import Fold, Judged
from mynah.agent.scorer import answered
from mynah.model.hub import load_config

FLOPS = {"sft": 120e9, result.OURS: 120e9, result.TRL: 100e9}
"""Operations a second and core, counted as 6 · parameters · tokens: seen on one core with AVX512-BF16, by its own time.
Elsewhere all stages are off by one factor, which the first finished ones show."""


@dataclass(frozen=True)
class Piece:
    """One stage."""

    name: str
    tokens: int
    """In training, both ways; what is only scored counts a third."""
    seconds: float
    done: bool


def pieces(experiment: Experiment) -> list[Piece]:
    """Every stage in the order in which it is run."""
    made = []
    shared, apart = _tokens(experiment)
    for fold in experiment.all_folds:
        shown = _sum(shared, fold.train) * 2 // 3  # one of two answers
        done = experiment.checkpoint(fold).is_dir()
        made.append(_piece(experiment, "sft", f"{fold.name} sft", shown * experiment.sft.epochs, done))
        for part, (who, counts) in product(experiment.parts(fold), ((result.OURS, shared), (result.TRL, apart))):
            grid = experiment.settings.get(who, ())
            for setting in grid[: 1 if experiment.search_once and fold.number > 1 else None]:
                train = _sum(counts, part.train)
                tokens = train * setting.epochs + _sum(counts, [*part.dev, *part.test]) // 3
                if who == result.OURS:  # scores are normalised at the end, and a head is fitted at the beginning
                    tokens += train // 3 * ((setting.epochs > 0) + experiment.head_first)
                there = _result(experiment, part, who, setting)
                made.append(_piece(experiment, who, f"{part.name} {who} {setting.name}", tokens, there))
    return made


def markdown(experiment: Experiment) -> str:
    """A table of the stages, and what is still to be done."""
    found = pieces(experiment)
    lines = ["| stage | tokens | minutes | |", "|---|---|---|---|"]
    for piece in found:
        done = "done" if piece.done else ""
        lines.append(f"| {piece.name} | {piece.tokens / 1e6:.1f} M | {piece.seconds / 60:.1f} | {done} |")
    left = sum(piece.seconds for piece in found if not piece.done) / 60
    return "\n".join(lines) + f"\n\nAbout {left:.0f} minutes are left.\n"


def _piece(experiment: Experiment, kind: str, name: str, tokens: int, done: bool) -> Piece:
    rate = FLOPS[kind] * experiment.threads
    return Piece(name, tokens, 6 * load_config(experiment.base).parameters() * tokens / rate, done)


def _result(experiment: Experiment, fold: Fold, who: str, setting: trials.Setting) -> bool:
    return trials.result_file(experiment.home, fold.name, who, setting).exists()


def _sum(tokens: dict[int, int], rows: list[Judged]) -> int:
    return sum(tokens[id(row)] for row in rows)


def _tokens(experiment: Experiment) -> tuple[dict[int, int], dict[int, int]]:
    """Of each row: with the prompt computed once for all answers; as strict pairs, with a prompt to each answer."""
    shared, apart = {}, {}
    for row in experiment.rows:
        comparison = experiment.fitted(row)
        group = answered(experiment.chat, comparison.prompt, comparison.completions, judgements.WHOLE)
        lengths = list(map(len, group.branches))
        shared[id(row)] = len(group)
        apart[id(row)] = sum(2 * len(group.trunk) + lengths[i] + lengths[k] for i, k in comparison.pairs())
    return shared, apart
