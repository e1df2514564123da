"""python -m bench.real NAME SUBSET=PATH …: reward models of ours and TRL's on people's judgements, by folds.

python -m bench.real hh harmless=hh/harmless.jsonl helpful=hh/helpful.jsonl --baselines
python -m bench.real hh harmless=… helpful=… --plan
python -m bench.real hh harmless=… helpful=…                                    from the primer's base model
python -m bench.real hh harmless=… helpful=… --text open.jsonl --base-name open from one pretrained on open text
python -m bench.real hh harmless=… helpful=… --base FOLDER --chats --lora 16     from an open checkpoint that chats
python -m bench.real hh harmless=… helpful=… --base FOLDER --chats --alone --apart --head-first --epochs 0
                                                                                 its frozen features, a head a subset
python -m bench.real hh harmless=… helpful=… --ppo 0,1,2                        and PPO on the first fold
python -m bench.real hh harmless=… helpful=… --apart --ppo 0,1,2 --ppo-subset helpful
                                                                                 … against the model of one subset
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from itertools import product
from pathlib import Path
from typing import Any

import torch

from bench.places import WORK
from bench.real import judgements, plan, result
from bench.real.experiment import Experiment
from bench.real.ppo import ppo, seeds_of
from bench.real.trials import Setting
from mynah.config import load
from mynah.errors import Interrupted, UserError
from mynah.files import write_json, write_text
from mynah.loop import Loop
from mynah.model.precision import Hardware, resolve
from mynah.primer.worlds import WORLDS
from mynah.recipe import Recipe
from mynah.runs import Run


def main() -> None:
    arguments = _arguments()
    if arguments.ppo_subset and not arguments.ppo:
        raise UserError("--ppo-subset: it says against what --ppo trains; give --ppo its seeds, as in 0,1,2.")
    if arguments.ppo and arguments.apart != bool(arguments.ppo_subset):
        raise UserError("--ppo: with --apart every subset has a reward model; say which with --ppo-subset, else not.")
    trl_epochs = [] if arguments.alone else arguments.trl_epochs or arguments.epochs
    if 0 in arguments.epochs and not arguments.head_first:
        raise UserError("--epochs 0: then only a head is fitted; ask for --head-first.")
    if 0 in trl_epochs:
        raise UserError("--epochs 0: TRL fits no head alone; give it --trl-epochs, or leave it out (--alone).")
    subsets = dict(map(_subset, arguments.subsets))
    if arguments.ppo_subset and arguments.ppo_subset not in subsets:
        raise UserError(f"--ppo-subset {arguments.ppo_subset!r}: there are {', '.join(subsets)}.")
    torch.set_num_threads(arguments.threads)
    home = arguments.work / arguments.name
    rows = judgements.convert(subsets, home / "rows")
    rows = judgements.limited(judgements.told(rows) if arguments.told else rows, arguments.limit)
    if not rows:
        raise UserError("no row prefers one answer to another; name files of pairs or rankings.")
    base = _base(arguments, home)
    experiment = Experiment(
        arguments.name,
        home / _called(arguments, base),
        rows,
        base,
        arguments.folds,
        {
            who: tuple(dict.fromkeys(Setting(rate * (n > 0), n) for rate, n in product(rates, epochs)))
            for who, rates, epochs in (
                (result.OURS, arguments.rates, arguments.epochs),
                (result.TRL, arguments.trl_rates or arguments.rates, trl_epochs),
            )
            if epochs
        },
        load(Recipe, "small", ["sft.epochs=2", *arguments.set]).sft,
        resolve(Hardware()),
        arguments.batch_size,
        arguments.seed,
        arguments.threads,
        chats=arguments.chats,
        limit=arguments.context,
        lora=arguments.lora,
        search_once=arguments.search_once,
        apart=arguments.apart,
        head_first=arguments.head_first,
    )
    if arguments.plan:
        print(plan.markdown(experiment))
        return
    found = experiment.baselines() if arguments.baselines else experiment.run(arguments.only)
    table = found.pop("table")
    found["figures"] = result.plain(table)
    said = result.markdown(table)
    print(said)
    name = "baselines" if arguments.baselines else "result"
    write_json(experiment.home / f"{name}.json", found)
    write_text(experiment.home / f"{name}.md", said)
    if arguments.ppo:
        settings = load(Recipe, "small", arguments.set).ppo
        parts = {part.subset: part for part in experiment.parts(experiment.all_folds[0])}
        found["ppo"] = ppo(experiment, parts[arguments.ppo_subset], settings, seeds_of(arguments.ppo))
        write_json(experiment.home / f"{name}.json", found)
    print(json.dumps(found, ensure_ascii=False))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.real", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("name", help="of the experiment; its folder is WORK/NAME")
    add("subsets", nargs="+", metavar="SUBSET=PATH", help="a file, or a folder of .json and .jsonl files")
    add("--base", type=Path, help="checkpoint folder to start from; the primer's by default")
    add("--text", type=Path, help="pretrain the base on this text instead, by the recipe small")
    add(
        "--base-name",
        default="",
        help="what to call the base; its results lie in WORK/NAME/BASE, with --told in BASE-told, and so on",
    )
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of pretrain, model, sft or ppo")
    add("--chats", action="store_true", help="the base answers already: it is the SFT model, none is trained")
    add("--context", type=int, default=0, metavar="N", help="everyone reads at most N tokens")
    add("--lora", type=int, default=0, metavar="RANK", help="both sides train adapters of this rank, not all weights")
    add("--apart", action="store_true", help="every subset has reward models of its own, trained on its rankings alone")
    add("--head-first", action="store_true", help="ours fits the score head first; with --epochs 0 nothing else")
    add("--told", action="store_true", help="a system message tells every model the subset, which length alone knows")
    add("--folds", type=int, default=3)
    add("--only", type=int, action="append", default=[], metavar="FOLD", help="only this fold")
    add("--limit", type=int, default=0, metavar="N", help="at most N rankings of each subset, for trials")
    add("--rates", type=_numbers(float), default=[1e-4, 3e-4, 1e-3], help="learning rates to search")
    add("--trl-rates", type=_numbers(float), default=[], help="the same for TRL, if it shall not be --rates")
    add("--epochs", type=_numbers(int), default=[1, 2], help="epochs to search")
    add("--trl-epochs", type=_numbers(int), default=[], help="the same for TRL, if it shall not be --epochs")
    add("--search-once", action="store_true", help="search on the first fold only; the others take what it chose")
    add("--batch-size", type=int, default=32)
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=os.cpu_count() or 1)
    add("--alone", action="store_true", help="without TRL")
    add("--ppo", default="", metavar="SEEDS", help="afterwards PPO on the first fold, as in 0,1,2")
    add("--ppo-subset", default="", metavar="SUBSET", help="with --apart: against the reward model of this one")
    add("--baselines", action="store_true", help="only what length and what words alone tell; no model is trained")
    add(
        "--plan",
        action="store_true",
        help="only list the stages with their minutes; a base of --text is trained first, for its tokens are counted",
    )
    add("--work", type=Path, default=WORK / "real", help="where all that is made lies")
    return parser.parse_args()


def _numbers(kind: Any) -> Any:
    return lambda text: [kind(part) for part in text.split(",")]


def _subset(text: str) -> tuple[str, list[Path]]:
    name, equals, where = text.partition("=")
    path = Path(where)
    if not equals or not name or name != Path(name).name:
        raise UserError(f"{text!r}: a subset is NAME=PATH.")
    if not path.is_dir():
        return name, [path]
    files = sorted(found for found in path.rglob("*.json*") if found.name != "META.json")
    if not files:
        raise UserError(f"{path}: holds no .json or .jsonl file.")
    return name, files


def _called(arguments: argparse.Namespace, base: Path) -> str:
    """The base's name, and what is done otherwise than usual: results of each lie apart."""
    name = arguments.base_name or (base.name if arguments.base else "primer")
    variants = {
        "told": arguments.told,
        "apart": arguments.apart,
        "head-first": arguments.head_first,
        "chats": arguments.chats,
        f"lora{arguments.lora}": arguments.lora,
        f"context{arguments.context}": arguments.context,
    }
    return "-".join([name, *(variant for variant, asked in variants.items() if asked)])


def _base(arguments: argparse.Namespace, home: Path) -> Path:
    if arguments.base and arguments.text:
        raise UserError("--base is a checkpoint, --text what to pretrain one on; give one of them.")
    if not arguments.text:
        base = arguments.base or WORLDS["primer"].base
        assert base
        return base
    if not arguments.base_name:
        raise UserError("--text: call the base that is pretrained on it something, with --base-name.")
    run = Run(home / arguments.base_name, "base")
    loop = Loop.on(run, load(Recipe, "small", ["pretrain.epochs=1", *arguments.set]), arguments.seed)
    return loop.pretrain(arguments.text).folder


if __name__ == "__main__":
    try:
        main()
    except (UserError, Interrupted) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:  # outside a stage of ours, which would have saved its state
        sys.exit("stopped; the same command goes on from what is finished.")
