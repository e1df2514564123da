"""Loads the tables of wordings, the TOML files under `wordings/`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any


def load(name: str) -> dict[str, Any]:
    """The tables of a file, in its order and with tuples for lists.

    Where a list says "@days" come all entries of the list `days` at the top of the file.
    """
    text = (files("mynah.primer.earth") / "wordings" / f"{name}.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    return {key: _frozen(value, told) for key, value in told.items()}


def _frozen(value: Any, told: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(part, told) for key, part in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(part, told) for entry in value for part in _meant(entry, told))
    return value


def _meant(entry: Any, told: Mapping[str, Any]) -> list[Any]:
    """What stands in a list for this entry."""
    return told[entry[1:]] if isinstance(entry, str) and entry.startswith("@") else [entry]
