"""Whether an answer's code passes its tests, found out in a sandbox: no line of it ever runs in our own interpreter."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic_monty import CollectString, MontyError, ResourceLimits

from mynah.agent.sandbox import pool

LIMITS: ResourceLimits = {
    "max_feed_duration_secs": 0.5,
    "max_memory": 16 * 2**20,
    "max_recursion_depth": 100,
    "max_suspensions": 10,
}
PRINTED_BYTES = 4096
LONGEST_ANSWER = 20_000
_DEF = re.compile(r"def [A-Za-z_]\w* ?\(")
_IMPORT = re.compile(r"(import [A-Za-z_][\w.]*( as \w+)?(, ?[A-Za-z_][\w.]*)*|from [A-Za-z_][\w.]* import \S.*)$")


def passes(answer: str, function: str, tests: Sequence[tuple[str, str]]) -> bool:
    """Whether the function that the answer defines gives what each test (a call, the repr of its value) expects."""
    code = extract(answer[:LONGEST_ANSWER])
    if not tests or not re.search(rf"^def {re.escape(function)}\b", code, re.MULTILINE):
        return False
    calls = "[" + ", ".join(call for call, _ in tests) + "]"
    # A fresh session, so that nothing outlives an answer; without a handler it reaches neither files nor anything else.
    with pool().checkout(limits=LIMITS, os_policy={"sleep": "zero"}) as session:
        try:
            session.feed_run(code, print_callback=CollectString(max_bytes=PRINTED_BYTES))
            values = session.feed_run(calls, print_callback=CollectString(max_bytes=PRINTED_BYTES))
            return [repr(value) for value in values] == [expected for _, expected in tests]
        except (MontyError, RecursionError, ValueError):  # ValueError: text that is not UTF-8, an int too long to print
            return False


def extract(answer: str) -> str:
    """The code of an answer: from its first `def` or import to the end of what is indented below it."""
    kept: list[str] = []
    defined = False
    for line in answer.split("\n"):
        starts = bool(_DEF.match(line))
        if starts or _IMPORT.match(line):
            kept.append(line)
            defined |= starts
        elif kept and (not line.strip() or (defined and line[0] in " \t)")):
            kept.append(line)
        elif defined:
            break
        else:  # what looked like an import was prose
            kept = []
    return "\n".join(kept).strip()
