"""The verb that serves: `mynah serve`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mynah import store
from mynah.config import load
from mynah.errors import UserError
from mynah.loop import Loop
from mynah.progress import console
from mynah.recipe import Recipe
from mynah.runs import Run, Stage
from mynah.server.app import build_app
from mynah.server.channels.settings import load_channels
from mynah.server.generation import Service
from mynah.server.metrics import Metrics
from mynah.server.models import Models, ServedModel
from mynah.server.promotion import promoted
from mynah.server.remote import Remote
from mynah.server.serve import first_admin_link, greeting, listen, server
from mynah.server.settings import ServeSettings
from mynah.store import Database
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
    open_page: Annotated[bool, Parameter(name="--open", negative=())] = False,
    where: Where = HERE,
) -> None:
    """Serve a run's policy to every program that speaks OpenAI's API, and the page, on this machine only.

    It is the policy that was promoted last, else the newest.

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
        Another checkpoint of the run than the one that was last promoted, or else the newest.
    also
        More checkpoints of the run, by their folders; they answer as RUN/FOLDER. Can be repeated.
    port
        By default 8642, or the next that is free.
    engine
        The URL of another OpenAI-compatible server (vLLM, Ollama) that answers in place of a run.
    accounts
        Whether people sign in; `--no-accounts` takes everybody who reaches this machine for the one person at it. With
        a public address that needs an `--api-key`.
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
    open_page
        Open the page in the browser.
    """
    if api_key and accounts:
        raise UserError("--api-key is for --no-accounts: with accounts, people make keys of their own at the page.")
    outside = load_channels(channels)
    listener = listen(port)
    db = store.open(database or where.home / "mynah.db")
    if engine and not engine.startswith(("http://", "https://")):
        raise UserError(f"--engine {engine!r}: not a URL; it has the form http://127.0.0.1:8000.")
    loop = None if engine else where.loop(overrides)
    settings = (loop.recipe if loop else load(Recipe, where.recipe or "small", overrides)).serve
    _not_open_to_all(settings, accounts, api_key)
    answering = _own(loop, stage, also, where, db) if loop else Remote(engine, settings, Metrics(), engine_key)
    address = "http://{}:{}".format(*listener.getsockname())
    join = first_admin_link(db, settings.public_url or address) if accounts else ""
    console.print("[dim]Ctrl-C ends it.[/dim]")
    print(greeting(address, where.run if loop else "MODEL", accounts or bool(api_key), join), flush=True)
    app = build_app(answering, db, home=where.home, accounts=accounts, api_key=api_key, channels=outside)
    if open_page:
        webbrowser.open(join or address)  # it waits until the server takes its connection
    server(app).run(sockets=[listener])


def _not_open_to_all(settings: ServeSettings, accounts: bool, api_key: str) -> None:
    """Raises UserError where whoever finds the public address would be the admin."""
    if settings.public_url and not accounts and not api_key:
        raise UserError(
            f"serve.public_url={settings.public_url} with --no-accounts: whoever finds that address would be the "
            f"admin; leave out --no-accounts, or set a key with --api-key (MYNAH_API_KEY)."
        )


def _own(loop: Loop, stage: str, also: tuple[str, ...], where: Where, db: Database) -> Service:
    run, hardware, settings = loop.run, loop.recipe.hardware, loop.recipe.serve
    first = run.stage(stage) if stage else _given(db, run, where.home)
    stages = {run.name: first} | {f"{run.name}/{key}": run.stage(key) for key in also}
    models = [
        ServedModel.load(name, checkpoint(one.run, one.key), hardware, settings, one) for name, one in stages.items()
    ]
    return Service(Models(models), settings, Metrics())


def _given(db: Database, run: Run, home: Path) -> Stage:
    """What was last promoted in the place of this run's policy; its newest one where nobody decided."""
    place = promoted(db, run.name)
    if place and place.get("run"):
        stage = Run(home, place["run"]).stage(place["stage"])
        if stage.record.get("weights") != place["weights"]:
            raise UserError(
                f"{stage.folder}: was promoted, but trained again or removed since; name what to serve with --stage, "
                f"and promote it."
            )
        console.print(f"[dim]{place['run']}/{stage.key}, as it was promoted; --stage names another.[/dim]")
        return stage
    return run.stage(run.newest("ppo", "sft", "pretrain"))
