"""Hatch's hook: a wheel holds the built page or is not made; an editable install without network goes on without it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mynah_page", Path(__file__).parent / "build.py")
    if spec is None or spec.loader is None:
        raise ImportError("web/build.py is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _later() -> bool:
    return os.environ.get("MYNAH_PAGE") == "later"


class PageHook(BuildHookInterface):
    """Runs before files are gathered for the wheel."""

    def dependencies(self) -> list[str]:
        """Node, unless the page is there already, or comes later: the Makefile builds it with its .venv's Node."""
        page = _page()
        return [] if page.fresh() or _later() else [page.NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        page = _page()
        if not page.fresh():
            if version == "editable" and _later():
                return
            try:
                page.build()
            except page.NotBuilt as why:
                if version != "editable":
                    raise RuntimeError(f"A wheel needs the page, and it is not built: {why}") from None
                print(f"The page is not built: {why}\n`python web/build.py` tries again.", file=sys.stderr)
                return
        build_data["artifacts"].append("mynah/server/page/**")
