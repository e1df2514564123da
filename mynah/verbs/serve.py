"""The verb that serves: `mynah serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mynah import store
from mynah.config import load
from mynah.errors import UserError
from mynah.progress import console
from mynah.recipe import Recipe
from mynah.server.app import build_app
from mynah.server.channels.settings import load_channels
from mynah.server.generation import Service
from mynah.server.metrics import Metrics
from mynah.server.models import Models, ServedModel
from mynah.server.remote import Remote
from mynah.server.serve import greeting, listen, server
from mynah.verbs.where import HERE, Where, checkpoint


def serve(
    *overrides: str,
    stage: str = "",
    also: tuple[str, ...] = (),
    port: int = 0,
    engine: str = "",
    accounts: Annotated[bool, Parameter(negative="--no-accounts")] = True,
    database: Annotated[str, Parameter(env_var="MYNAH_DATABASE")] = "",
    api_key: Annotated[str, Parameter(env_var="MYNAH_API_KEY")] = "",
    engine_key: Annotated[str, Parameter(env_var="MYNAH_ENGINE_KEY")] = "",
    channels: Annotated[Path | None, Parameter(env_var="MYNAH_CHANNELS")] = None,
    where: Where = HERE,
) -> None:
    """Serve the newest policy of a run to every program that speaks OpenAI's API, on this machine only.

    ```
    mynah serve --run demo
    mynah serve --run demo --also round-1/1-sft serve.rows=32
    mynah serve --run demo --no-accounts
    mynah serve --engine http://127.0.0.1:8000
    ```

    Parameters
    ----------
    overrides
        Settings, as `table.key=value`.
    stage
        Another checkpoint of the run than the newest.
    also
        More checkpoints of the run, by their folders; they answer as RUN/FOLDER. Can be repeated.
    port
        By default 8642, or the next that is free.
    engine
        The URL of another OpenAI-compatible server (vLLM, Ollama) that answers in place of a run.
    accounts
        Whether people sign in; `--no-accounts` takes everybody who reaches this machine for the one person at it.
    database
        A database elsewhere than HOME/mynah.db: postgresql://USER@HOST/NAME, or sqlite:///PATH.
    api_key
        Without accounts: requests must bring this key; better set in the environment than on the command line, which
        others see.
    engine_key
        The key for `engine`.
    channels
        A TOML file, readable by its owner alone, that sets up WeCom and Slack; so do MYNAH_WECOM_… and MYNAH_SLACK_…
        in the environment. docs/wecom-and-slack.md goes through it.
    """
    if api_key and accounts:
        raise UserError("--api-key is for --no-accounts: with accounts, people make keys of their own at the page.")
    outside = load_channels(channels)
    listener = listen(port)
    answering: Service | Remote
    if engine:
        if not engine.startswith(("http://", "https://")):
            raise UserError(f"--engine {engine!r}: not a URL; it has the form http://127.0.0.1:8000.")
        settings = load(Recipe, where.recipe or "small", overrides).serve
        name, answering = "MODEL", Remote(engine, settings, Metrics(), engine_key)
    else:
        name, answering = where.run, _own(overrides, stage, also, where)
    db = store.open(database or where.home / "mynah.db")
    address = "http://{}:{}".format(*listener.getsockname())
    console.print("[dim]Ctrl-C ends it.[/dim]")
    print(greeting(address, name, bool(api_key)), flush=True)
    server(build_app(answering, db, accounts=accounts, api_key=api_key, channels=outside)).run(sockets=[listener])


def _own(overrides: tuple[str, ...], stage: str, also: tuple[str, ...], where: Where) -> Service:
    loop = where.loop(overrides)
    run, hardware, settings = loop.run, loop.recipe.hardware, loop.recipe.serve
    keys = {run.name: stage or run.newest("ppo", "sft", "pretrain")} | {f"{run.name}/{key}": key for key in also}
    models = [ServedModel.load(name, checkpoint(run, key), hardware, settings.rows) for name, key in keys.items()]
    return Service(Models(models), settings, Metrics())
