"""A verb's result on standard output: the path, for the next command."""

from __future__ import annotations

from pathlib import Path


def say(path: Path) -> None:
    print(path)
