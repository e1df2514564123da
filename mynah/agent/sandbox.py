"""A sandboxed Python: code that a model wrote runs in processes of its own, without files or network."""

from __future__ import annotations

import os
from functools import cache

from pydantic_monty import Monty


@cache
def _started() -> tuple[int, Monty]:
    """Who started the workers, and the workers; their processes end with ours."""
    return os.getpid(), Monty(request_timeout=5.0, max_processes=2, max_checkouts_per_worker=5000).__enter__()


def pool() -> Monty:
    """The worker processes; check out a fresh session for every answer, so that nothing outlives it."""
    process, started = _started()
    if process != os.getpid():
        raise RuntimeError("the code sandbox cannot be used after a fork: start processes with 'spawn'")
    return started
