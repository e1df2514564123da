"""Counters in Prometheus' text format."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper ends, in seconds, of the histogram of times to a first token."""


class Metrics:
    """What was asked, answered and refused since the start."""

    def __init__(self) -> None:
        self._started = time.time()
        self._responses: Counter[tuple[str, int]] = Counter()
        self._tokens: Counter[str] = Counter()
        self._buckets: Counter[float] = Counter()
        self._waited, self._firsts, self._refused = 0.0, 0, 0

    def response(self, route: str, status: int) -> None:
        self._responses[route, status] += 1

    def refused(self) -> None:
        """For a full queue."""
        self._refused += 1

    def first_token(self, seconds: float) -> None:
        self._waited += seconds
        self._firsts += 1
        self._buckets.update(bucket for bucket in BUCKETS if seconds <= bucket)

    def served(self, usage: Mapping[str, Any]) -> None:
        self._tokens["prompt"] += usage["prompt_tokens"]
        self._tokens["completion"] += usage["completion_tokens"]

    def text(self, in_flight: Mapping[str, int]) -> str:
        """The page for Prometheus; `in_flight` answers by model."""
        first = "mynah_first_token_seconds"
        lines = [
            *_head("mynah_responses_total", "counter", "HTTP responses by route and status."),
            *(
                f'mynah_responses_total{{route="{r}",status="{s}"}} {n}'
                for (r, s), n in sorted(self._responses.items())
            ),
            *_head("mynah_tokens_total", "counter", "Tokens read and written."),
            *(f'mynah_tokens_total{{kind="{kind}"}} {self._tokens[kind]}' for kind in ("prompt", "completion")),
            *_head("mynah_refused_total", "counter", "Requests refused because the queue was full."),
            f"mynah_refused_total {self._refused}",
            *_head("mynah_answers_in_flight", "gauge", "Answers being written or waiting, by model."),
            *(f'mynah_answers_in_flight{{model="{_escape(name)}"}} {n}' for name, n in in_flight.items()),
            *_head(first, "histogram", "Seconds from a request to its first token."),
            *(f'{first}_bucket{{le="{bucket}"}} {self._buckets[bucket]}' for bucket in BUCKETS),
            f'{first}_bucket{{le="+Inf"}} {self._firsts}',
            f"{first}_sum {self._waited:.6f}",
            f"{first}_count {self._firsts}",
            *_head("mynah_start_time_seconds", "gauge", "When the service started, in seconds since 1970."),
            f"mynah_start_time_seconds {self._started:.3f}",
        ]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, meaning: str) -> tuple[str, str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"


def _escape(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
