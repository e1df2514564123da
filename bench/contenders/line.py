"""A contender's end of the line to the harness: one JSON request in, one JSON answer out. Standard library only.

line = Line()
model = load(line.job["checkpoint"])
line.serve(lambda request: {"figure": …})
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any


class Line:
    """Requests on standard input, answers on standard output; whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # libraries print as they like
        self.job: dict[str, Any] = json.loads(sys.stdin.readline())
        """What to load, and with how many threads."""

    def serve(self, measure: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Say that all is loaded, then answer every request until there is none; an error is an answer too."""
        self.answer({"ready": True})
        while (request := self.next()) is not None:
            try:
                answer = measure(request)
            except Exception as error:
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
            self.answer(answer)

    def next(self) -> dict[str, Any] | None:
        """The next request, None when there will be no more."""
        text = sys.stdin.readline()
        return json.loads(text) if text else None

    def answer(self, answer: dict[str, Any]) -> None:
        self._out.write(json.dumps(answer) + "\n")
        self._out.flush()
