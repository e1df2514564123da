"""The table of contents: every verb of `mynah`, in the order in which a team meets them."""

from __future__ import annotations

import sys
from typing import Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

import mynah
from mynah.config import describe
from mynah.errors import Interrupted, UserError
from mynah.progress import console
from mynah.recipe import Recipe
from mynah.verbs import embedded, keep, steps, use

VERBS: dict[str, tuple[Any, tuple[str, ...]]] = {
    # verb → (function, the recipe's tables that it reads)
    "demo": (embedded.demo, ()),
    "import": (steps.import_, ()),
    "pretrain": (steps.pretrain, ("tokenizer", "model", "pretrain", "hardware")),
    "sft": (steps.sft, ("sft", "hardware")),
    "sample": (steps.sample, ("sample", "hardware")),
    "label": (steps.label, ("label",)),
    "reward": (steps.reward, ("reward", "hardware")),
    "ppo": (steps.ppo, ("ppo", "hardware")),
    "eval": (use.evaluate, ("eval", "hardware")),
    "chat": (use.chat, ("hardware",)),
    "data": (use.data, ()),
    "report": (use.report, ()),
    "export": (use.export, ()),
    "backup": (keep.backup, ()),
    "restore": (keep.restore, ()),
}


def build_app() -> App:
    """The command line. Settings of a verb's tables stand below its help, as documented in the settings classes."""
    app = App(
        name="mynah",
        version=mynah.__version__,
        help="ChatGPT's three steps on your own machine: demonstrations, a reward model from rankings, PPO.",
        help_epilogue="Start with `mynah demo --mini`. Every verb explains itself: `mynah ppo --help`.",
        help_format="markdown",
        default_parameter=Parameter(negative=()),
        console=Console(),
        error_console=console,
    )
    for name, (function, tables) in VERBS.items():
        settings = "\n\n".join(_settings(table) for table in tables)
        epilogue = f"Settings, given as `table.key=value`:\n\n```\n{settings}\n```" if settings else None
        app.command(function, name=name, help_epilogue=epilogue)
    return app


def main() -> None:
    """Run a verb. Mistakes are one sentence, an interruption says how to go on."""
    try:
        build_app()(sys.argv[1:])
    except Interrupted as stop:
        console.print(f"[yellow]{escape(str(stop))}[/yellow]", soft_wrap=True)
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except UserError as error:
        console.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        sys.exit(1)


def _settings(table: str) -> str:
    schema = Recipe.model_fields[table].annotation
    assert isinstance(schema, type)
    return describe(schema, table)


if __name__ == "__main__":
    main()
