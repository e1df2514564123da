"""The verb that needs nothing of yours: demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mynah import demo as demos
from mynah.config import load
from mynah.loop import Loop
from mynah.primer.mini.world import MINI
from mynah.progress import console
from mynah.recipe import Recipe
from mynah.runs import Run
from mynah.verbs.use import talk


def demo(
    *overrides: str,
    mini: bool = False,
    chat: Annotated[bool, Parameter(negative="--no-chat")] = True,
    rounds: int = 1,
    run: str = "demo",
    home: Annotated[Path, Parameter(env_var="MYNAH_HOME")] = Path(),
    seed: int = 0,
    redo: bool = False,
) -> None:
    """All steps on the embedded world: base, SFT, rankings, reward model, PPO, report, chat.

    Stopped at any moment, the same command goes on where it was.

    ```
    mynah demo --mini                       about three minutes on two cores
    mynah demo --mini --no-chat --seed 1    another world, without the chat at the end
    mynah demo --mini --rounds 2            fresh rankings of the newest policy, then steps 2 and 3 again
    mynah demo --mini ppo.kl_coef=0.1       any setting of the recipe
    ```

    Parameters
    ----------
    overrides
        Settings of the recipe, as `table.key=value`.
    mini
        The mini-world. It is the only embedded world so far, and the default.
    chat
        Talk to the result at the end.
    rounds
        How often steps 2 and 3 are made.
    run
        The run's name: its folder is HOME/runs/NAME.
    home
        The folder that holds runs/.
    seed
        Decides the world and all that is drawn at random.
    redo
        Train again what was trained with other settings.
    """
    loop = Loop.on(Run(home, run), load(Recipe, "mini", overrides), seed, redo)
    loop.run.begin_with("mini")
    job = demos.Demo(MINI, loop, rounds)
    job.train()
    demos.show(job.report(), loop.run.root / "report.html")
    where = "" if home == Path() else f" --home {home}"
    if chat and sys.stdin.isatty():
        talk(loop, "", 0.0, MINI.starters(seed))
    else:
        console.print(f"Chat with it: mynah chat --run {run}{where}", soft_wrap=True)
