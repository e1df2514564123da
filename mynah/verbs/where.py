"""Which run, which recipe, which checkpoint: the options that verbs share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mynah.config import load
from mynah.errors import UserError
from mynah.loop import Loop
from mynah.recipe import Recipe
from mynah.runs import Run


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Which run, and how it is trained."""

    run: str = "main"
    "The run's name: its folder is HOME/runs/NAME."
    home: Annotated[Path, Parameter(env_var="MYNAH_HOME")] = field(default_factory=Path)
    "The folder that holds runs/."
    recipe: str = ""
    "A recipe of ours (h100, mini, primer, small), or a TOML file of your own; by default the run's own, or small."
    seed: int = 0
    "Decides all that is drawn at random."
    redo: bool = False
    "Train again what was trained with other settings."
    tensorboard: bool = False
    "Write the metrics for TensorBoard too."

    def loop(self, overrides: tuple[str, ...] = (), new: bool = False) -> Loop:
        """The loop of this run; a run that does not exist yet is an error unless it may be `new`."""
        run = Run(self.home, self.run) if new else Run.existing(self.home, self.run)
        name = self.recipe or run.record.get("recipe", "small")
        recipe = load(Recipe, name, overrides)
        run.begin_with(name)
        return Loop.on(run, recipe, self.seed, self.redo, self.tensorboard)


HERE = Where()


def checkpoint(run: Run, key: str) -> Path:
    folder = run.root / key
    if not (folder / "config.json").is_file():
        known = ", ".join(run.record["newest"].values())
        raise UserError(f"{folder}: no such checkpoint; the newest of this run are {known}.")
    return folder
