"""The verb that needs nothing of yours: demo."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mynah import demo as demos
from mynah import store
from mynah.config import load
from mynah.errors import UserError
from mynah.examine import Examiner
from mynah.feedback.blind import vote
from mynah.loop import Loop
from mynah.primer.world import World
from mynah.primer.worlds import WORLDS
from mynah.progress import console
from mynah.recipe import Recipe
from mynah.runs import Run
from mynah.server.api.models import ABOUT, SETTING
from mynah.server.page_routes import built
from mynah.store.settings import set_service, set_user, user_settings
from mynah.verbs.serve import serve
from mynah.verbs.use import talk
from mynah.verbs.where import Where

PAIRS = 20
"""Pairs that a visitor is asked to judge."""
CALM = 0.3
"""The page's temperature for a visitor who chose none: so small a model rambles at 1."""


def demo(
    *overrides: str,
    mini: bool = False,
    chat: Annotated[bool, Parameter(negative="--no-chat")] = True,
    from_scratch: Annotated[bool, Parameter(negative=())] = False,
    rounds: int = 0,
    run: str = "",
    home: Annotated[Path, Parameter(env_var="MYNAH_HOME")] = Path(),
    seed: int = 0,
    redo: bool = False,
) -> None:
    """All steps on the embedded world: base, SFT, rankings, reward model, PPO, report, blind pairs, chat.

    Stopped at any moment, the same command goes on where it was.

    ```
    mynah demo                                the primer, about ten minutes on two cores
    mynah demo --mini                         a smaller world, about three minutes, base model included
    mynah demo --rounds 3                     once more: rankings of the newest policy, then steps 2 and 3 again
    mynah demo --run other --seed 1           other draws
    mynah demo --run scratch --from-scratch   pretrain the primer's base model too: 1½ hours or more
    mynah demo --run calm ppo.kl_coef=0.1     any setting of the recipe
    mynah demo eval.thorough=true             compare greedily and at SFT's best temperature, too
    ```

    Another seed or setting wants another --run, or --redo.

    Parameters
    ----------
    overrides
        Settings of the recipe, as `table.key=value`; those of the steps stand below `mynah sft --help` and so on.
    mini
        The mini-world, with its recipe `mini`; otherwise the primer, with the recipe `primer`.
    chat
        At the end, judge some pairs of answers yourself if you like, then talk to the result.
    from_scratch
        Train the base model again instead of taking the one in the package.
    rounds
        How often steps 2 and 3 are made; 0: as the recipe says (`label.rounds`).
    run
        The run's name: its folder is HOME/runs/NAME. By default `demo`, or `mini` for the mini-world.
    home
        The folder that holds runs/.
    seed
        Decides all that is drawn at random.
    redo
        Train again what was trained with other settings.
    """
    recipe = "mini" if mini else "primer"
    run = run or ("mini" if mini else "demo")
    world = WORLDS[recipe]
    loop = Loop.on(Run(home, run), load(Recipe, recipe, overrides), seed, redo)
    if not redo:
        refuse_another(loop.run, recipe, seed)
    loop.run.begin_with(recipe)
    console.print(
        f"The {world.name}: {world.about}.\n"
        "All steps on it, then a report and a chat. Ctrl-C stops; the same command goes on.\n"
    )
    demos.Demo(world, loop, rounds, from_scratch).train()
    examiner = Examiner(world, loop)
    demos.show(examiner.report(), loop.run.root / "report.html")
    where = "" if home == Path() else f" --home {shlex.quote(str(home))}"
    if chat and sys.stdin.isatty():
        ask_visitor(examiner)
        if built() and confirmed("Talk to it in the browser?"):
            console.print(
                f"[dim]Another time: mynah serve --run {run}{where} --no-accounts --open[/dim]", soft_wrap=True
            )
            open_page(Where(run, home), loop.run, world, seed)
        else:
            talk(loop, "", 0.0, world.starters(seed))
    else:
        console.print(f"Chat with it: mynah chat --run {run}{where}", soft_wrap=True)


def refuse_another(run: Run, recipe: str, seed: int) -> None:
    """Stop before the files of another world or seed are overwritten."""
    began = run.record.get("recipe", recipe), *{stage["seed"] for stage in run.record["stages"].values()} - {seed}
    if began != (recipe,):
        was = " and seed ".join(map(str, began))
        raise UserError(
            f"{run.root}: was begun with recipe {was}. Choose another --run to keep it, or --redo to train it again."
        )


def confirmed(question: str) -> bool:
    """Enter is a yes, and a closed input is a no."""
    try:
        return console.input(f"{question} [dim](Enter, or n for the terminal)[/dim] ").strip().lower() in (
            "",
            "y",
            "yes",
        )
    except (EOFError, KeyboardInterrupt):
        return False


def open_page(where: Where, run: Run, world: World, seed: int) -> None:
    """Serve the run to this machine, with the world's own questions to begin with, and open the page.

    The model before PPO is served beside the newest, so that two answers side by side are a comparison of the two.
    """
    db = store.open(where.home / "mynah.db")
    about = f"A small model, trained here. It knows {world.about}; of all else it knows nothing."
    with db.writing() as tx:
        set_service(tx, None, SETTING, world.starters(seed))
        set_service(tx, None, ABOUT, about)
        visitor = store.local_person(tx)
        if not user_settings(tx, visitor):
            set_user(tx, visitor, {"params": {"temperature": CALM}}, {})
    db.close()
    serve(also=(run.newest("sft"),), accounts=False, open_page=True, where=where)


def ask_visitor(examiner: Examiner) -> None:
    """Blind pairs for whoever sits here; their own win rate enters the report."""
    answers = examiner.voted_on()
    if vote(answers["ppo"], answers["sft"], examiner.loop.run.root / "visitor.jsonl", PAIRS):
        seen = examiner.count_votes()["visitor"]
        console.print(
            f"You preferred PPO in {seen['rate']:.0%} [{seen['low']:.0%}, {seen['high']:.0%}], n = {seen['n']}."
        )
