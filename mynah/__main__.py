"""The table of contents: every verb of `mynah`, in the order in which a team meets them."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

import mynah
from mynah.errors import Interrupted, UserError
from mynah.progress import console


class Verb(NamedTuple):
    """A function of mynah.verbs, what it does in a line, and the recipe's tables that it reads."""

    function: str
    help: str
    tables: tuple[str, ...] = ()


VERBS = {
    "demo": Verb("embedded:demo", "All steps on the embedded world, a report, and a chat with the result.", ("eval",)),
    "import": Verb("steps:import_", "A checkpoint folder, or a model of the Hugging Face Hub, as a run's base model."),
    "pretrain": Verb(
        "steps:pretrain",
        "Step 0: a tokenizer and a base model from raw text.",
        ("tokenizer", "model", "pretrain", "hardware"),
    ),
    "sft": Verb("steps:sft", "Step 1: fine-tune the base model on demonstrations.", ("sft", "hardware")),
    "sample": Verb("steps:sample", "Answers of the newest policy to prompts, for ranking.", ("sample", "hardware")),
    "label": Verb("steps:label", "Rank answers by hand in the terminal.", ("label",)),
    "reward": Verb("steps:reward", "Step 2: a reward model from rankings or pairs.", ("reward", "hardware")),
    "ppo": Verb("steps:ppo", "Step 3: PPO against the newest reward model.", ("ppo", "hardware")),
    "eval": Verb("measure:evaluate", "Measure a model on data that it has not seen.", ("hardware",)),
    "chat": Verb("use:chat", "Talk to the newest policy of a run.", ("hardware",)),
    "serve": Verb("serve:serve", "OpenAI's API and the page, for the policy of a run.", ("serve", "hardware")),
    "data": Verb("data:data", "Check data files, convert and split them."),
    "freeze": Verb("freeze:freeze", "A numbered data set from what people said and judged in the store."),
    "report": Verb("use:report", "Write report.html from all that the run has so far."),
    "export": Verb("use:export", "Copy a checkpoint out of a run: a Hugging Face folder, an adapter, or GGUF."),
    "password": Verb("people:password", "A new password for an account, should its owner have lost theirs."),
    "backup": Verb("keep:backup", "Copy the database, with all that was said and judged, into one file."),
    "restore": Verb("keep:restore", "Bring a backup back."),
    "scrub": Verb("keep:scrub", "Clear what deleted words left behind in the database's files."),
}


def build_app(chosen: str = "") -> App:
    """The command line. Only the chosen verb is imported: PyTorch alone takes seconds, and most help needs none of it.

    Settings of its tables stand below a verb's help, as documented in the settings classes.
    """
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
    for place, (name, verb) in enumerate(VERBS.items()):
        module, _, function = f"mynah.verbs.{verb.function}".partition(":")
        if name == chosen:
            settings = _settings(verb.tables)
            app.command(getattr(import_module(module), function), name=name, help_epilogue=settings, sort_key=place)
        else:
            app.command(f"{module}:{function}", name=name, help=verb.help, sort_key=place)
    return app


def main() -> None:
    """Run a verb. Mistakes are one sentence, an interruption says how to go on."""
    try:
        build_app(*sys.argv[1:2])(sys.argv[1:])
    except Interrupted as stop:
        console.print(f"[yellow]{escape(str(stop))}[/yellow]", soft_wrap=True)
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except UserError as error:
        console.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        sys.exit(1)


def _settings(tables: tuple[str, ...]) -> str | None:
    """Every setting of the recipe's `tables`, for the foot of a verb's help."""
    if not tables:
        return None
    from mynah.config import describe
    from mynah.recipe import Recipe

    schemas = [(Recipe.model_fields[table].annotation, table) for table in tables]
    described = "\n\n".join(describe(schema, table) for schema, table in schemas if isinstance(schema, type))
    about = "Settings, given as `table.key=value`; in brackets what holds where the recipe says nothing:"
    return f"{about}\n\n```\n{described}\n```"


if __name__ == "__main__":
    main()
