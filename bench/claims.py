"""python -m bench.claims FOLDER: figures of finished `make claims`: every model by its exam, and PPO against each.

MYNAH_CLAIMS=FOLDER make claims && python -m bench.claims FOLDER

At temperature 1 and greedily; answers that are not there yet are sampled. Writes `bench/claims.json`, the evidence of
docs/primer.md, and prints its table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mynah.config import load
from mynah.evals.exam import cluster, exam_rates, gold_score, paired
from mynah.evals.intervals import share
from mynah.evals.win_rate import same_length, win_rate
from mynah.examine import Answers, Examiner
from mynah.files import write_json
from mynah.loop import Loop
from mynah.nouns import Samples
from mynah.primer.worlds import PRIMER
from mynah.recipe import Recipe
from mynah.runs import Kind, Run

RESULTS = Path(__file__).with_name("claims.json")
LONG = ("eval.exam=exam-long", "eval.thorough=true", "eval.temperature=1.0")
TEMPERATURES = {"T = 1": (1.0, ""), "greedy": (0.0, "-greedy")}
STAGES: dict[str, Kind] = {"base_zero_shot": "pretrain", "sft": "sft", "feedme": "feedme", "ppo": "ppo"}
CONTROLS = {"continued": "round-1/1-sft", "shuffled": "round-1/3-ppo"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="MYNAH_CLAIMS of the runs")
    folder = parser.parse_args().folder
    seeds = sorted(int(path.name.removeprefix("seed-")) for path in folder.glob("seed-*") if path.is_dir())
    found = {str(seed): of_seed(folder / f"seed-{seed}", seed) for seed in seeds}
    write_json(RESULTS, found)
    print("\n".join(table(found)))


def of_seed(home: Path, seed: int) -> dict[str, Any]:
    """One seed's figures: `{"code", "T = 1": {"models", "ppo_against", "ppo_minus_sft"}, "greedy": …}`."""
    run = Run.existing(home, "demo")
    codes = sorted({stage["code_version"] for stage in run.record["stages"].values()})
    found: dict[str, Any] = {"code": codes}
    for name, (temperature, suffix) in TEMPERATURES.items():
        answers = all_answers(home, seed, temperature, suffix)
        ppo, sft = answers["ppo"], answers["sft"]
        others = {model: rows for model, rows in answers.items() if model != "ppo"}
        found[name] = {
            "models": {model: of_model(rows) for model, rows in answers.items()},
            "ppo_against": {model: win_rate(ppo, rows, PRIMER.judge) for model, rows in others.items()},
            "ppo_against_sft_of_like_length": win_rate(*same_length(ppo, sft), PRIMER.judge),
            "ppo_minus_sft": {
                behaviour: change.to_json("difference") for behaviour, change in paired(ppo, sft, PRIMER.mark).items()
            },
        }
    return found


def all_answers(home: Path, seed: int, temperature: float, suffix: str) -> Answers:
    """Every model's answers to the long exam; at temperature 1 also few-shot's and best of n's."""
    examiner = examiner_of(home, "demo", seed)
    run = examiner.loop.run
    answers = examiner.answers() if temperature == 1 else {}
    for model, kind in STAGES.items():
        name = f"{model.replace('_', '-')}{suffix}"
        answers[model] = examiner.answer(name, run.newest(kind), temperature)
    for model, key in CONTROLS.items():
        answers[model] = examiner_of(home, model, seed).answer(f"{model}{suffix}", key, temperature)
    return answers


def examiner_of(home: Path, name: str, seed: int) -> Examiner:
    return Examiner(PRIMER, Loop.on(Run.existing(home, name), load(Recipe, "primer", LONG), seed))


def of_model(rows: Sequence[Samples]) -> dict[str, Any]:
    """Gold, right answers in all and by behaviour, words an answer."""
    marks = [float(PRIMER.mark(row.prompt, row.completions[0])) for row in rows]
    entities = [cluster(row.prompt, number) for number, row in enumerate(rows)]
    behaviours = [row.prompt.meta["behaviour"] for row in rows]
    return {
        "gold": gold_score(rows, PRIMER.gold).to_json("mean"),
        "right": share(marks, entities, behaviours).to_json(),
        "exam": {behaviour: rate.to_json() for behaviour, rate in exam_rates(rows, PRIMER.mark).items()},
        "words": round(sum(len(row.completions[0].split()) for row in rows) / len(rows), 1),
    }


def table(found: dict[str, Any]) -> Iterator[str]:
    """Each model a row: figures of the seeds side by side."""
    for name in TEMPERATURES:
        yield f"{name} | gold | right, % | words | PPO preferred to it, % | identical, %"
        yield "---|---|---|---|---|---"
        seeds = [of_one[name] for of_one in found.values()]
        for model in seeds[0]["models"]:
            models = [of_one["models"][model] for of_one in seeds]
            wins = [of_one["ppo_against"].get(model) for of_one in seeds]
            cells = [
                ", ".join(f"{one['gold']['mean']:.2f}" for one in models),
                ", ".join(f"{100 * one['right']['rate']:.0f}" for one in models),
                ", ".join(f"{one['words']:.0f}" for one in models),
                ", ".join(
                    f"{100 * win['rate']:.1f} [{100 * win['low']:.1f}, {100 * win['high']:.1f}]" for win in wins if win
                ),
                ", ".join(f"{100 * win['identical']:.0f}" for win in wins if win),
            ]
            yield " | ".join([model, *cells])
        yield ""


if __name__ == "__main__":
    main()
