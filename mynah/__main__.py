"""The table of contents: every verb of `mynah`, in the order in which a team meets them."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

import mynah
from mynah.config import load
from mynah.errors import Interrupted, UserError
from mynah.progress import console

app = App(
    name="mynah",
    version=mynah.__version__,
    help="Pretrain, fine-tune, rank, train a reward model, run PPO, chat: ChatGPT's three steps on your own machine.",
    help_epilogue="Start with `mynah demo --mini`. Every verb explains itself: `mynah ppo --help`.",
    help_format="plaintext",
    default_parameter=Parameter(negative=()),
)


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Where a run lives and how it is trained."""

    run: str = "main"
    "Name of the run: the folder HOME/runs/NAME."
    home: Annotated[Path, Parameter(env_var="MYNAH_HOME")] = Path()
    "Folder that holds runs/."
    recipe: str = "small"
    "A shipped recipe (mini, small) or the path of a TOML file."
    seed: int = 0
    "Decides everything that is drawn at random."
    redo: bool = False
    "Train again what was trained with other settings."
    tensorboard: bool = False
    "Write metrics for TensorBoard too."


def main() -> None:
    """Run a verb; mistakes are one sentence, an interruption says how to go on."""
    try:
        app(print_error=True)
    except Interrupted as stop:
        console.print(f"[yellow]{stop}[/yellow]", soft_wrap=True)
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except UserError as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True, markup=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
