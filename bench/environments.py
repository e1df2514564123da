"""The rivals' virtual environments: one a requirements file, made when first asked for and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from bench.places import REQUIREMENTS, WORK
from mynah.progress import console


class Unavailable(Exception):
    """A contender cannot take part; the message is a sentence for the table's foot."""


@cache
def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, made from requirements/NAME.txt; empty name: our own.

    Raises Unavailable if it cannot be installed.
    """
    if not name:
        return Path(sys.executable)
    wanted, folder = (REQUIREMENTS / f"{name}.txt").read_text(), WORK / "environments" / name
    python, done = folder / "bin" / "python", folder / "installed.txt"
    if done.exists() and done.read_text() == wanted:
        return python
    console.print(f"Installing {name} into an environment of its own; the first time takes minutes.")
    shutil.rmtree(folder, ignore_errors=True)
    log = WORK / "logs" / f"install-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        for command in _commands(name, folder, python):
            if subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, env=_environment()).returncode:
                raise Unavailable(f"{name} could not be installed here ({log.relative_to(WORK)} says why).")
    done.write_text(wanted)
    return python


def _commands(name: str, folder: Path, python: Path) -> list[list[str]]:
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    commands = [[sys.executable, "-m", "venv", str(folder)], [*pip, "install", "-r", str(REQUIREMENTS / f"{name}.txt")]]
    leave_out = REQUIREMENTS / f"{name}-without.txt"
    if leave_out.exists():  # packages that come along, are not needed for text and fail to load beside the CPU build
        commands.append([*pip, "uninstall", "--yes", "-r", str(leave_out)])
    return commands


def _environment() -> dict[str, str]:
    """llama.cpp is compiled for this very machine, and all else without a look at our own environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return kept | {"CMAKE_ARGS": "-DGGML_NATIVE=ON"}
