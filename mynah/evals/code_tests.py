"""Code that must pass its unit tests (HumanEval, Chen et al. 2021), in the sandbox.

The sandbox knows a part of Python only. A task whose own solution does not pass there says nothing about a model: it is
left out and counted as unsupported. An answer that needs what the sandbox lacks fails, and is counted too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic_monty import CollectString, MontyError, MontyRuntimeError, MontySyntaxError, ResourceLimits

from mynah.agent.sandbox import pool
from mynah.evals.intervals import rate, share
from mynah.evals.measurement import Measurement
from mynah.evals.questions import optional, read, text_of
from mynah.evals.respondent import Respondent, user
from mynah.nouns import SamplingParams
from mynah.progress import Progress

LIMITS: ResourceLimits = {
    "max_feed_duration_secs": 2.0,
    "max_memory": 128 * 2**20,
    "max_recursion_depth": 500,
    "max_suspensions": 10,
}
Verdict = Literal["passed", "failed", "unsupported"]
_FENCE = re.compile(r"```(?:python|py)?\s*\n(.*?)(?:```|\Z)", re.S)
_IMPORT = re.compile(r"^(?:import|from) .+$", re.M)
_BEYOND = re.compile("does not yet support|^ModuleNotFoundError")  # how the sandbox says that it lacks something
_TOP_LEVEL = re.compile(r"\n(?=[^\s#)\]}])")


@dataclass(frozen=True)
class CodeTask:
    """A function's head and docstring to be completed, and tests that define `check(candidate)`."""

    prompt: str
    entry_point: str
    tests: str
    solution: str = ""


def read_code_tasks(path: Path, limit: int = 0) -> list[CodeTask]:
    """Rows of `{"prompt", "entry_point", "test", "canonical_solution"}`, as HumanEval publishes them."""
    return read(path, _task, limit)


def code_tests(
    respondent: Respondent, tasks: Sequence[CodeTask], params: SamplingParams, n: int = 1, k: int = 1
) -> Measurement:
    """pass@k = mean of 1 − C(n−c, k) / C(n, k), with c of n samples right, over the tasks that the sandbox can run."""
    able = [task for task in tasks if supported(task)]
    title = "code"
    if respondent.plain:
        found = respondent.complete([task.prompt for task in able], params, n, title)
        programs = [texts and tuple(completed(t, text) for text in texts) for t, texts in zip(able, found, strict=True)]
    else:
        found = respondent.answers([user(request(task)) for task in able], params, n, title, strip=False)
        programs = [texts and tuple(answered(t, text) for text in texts) for t, texts in zip(able, found, strict=True)]
    shares, too_long, beyond = [], 0, 0
    with Progress("tests", len(able), "tasks") as progress:
        for task, candidates in zip(able, programs, strict=True):
            if candidates:
                verdicts = [run(task, program) for program in candidates]
                shares.append(pass_at_k(n, verdicts.count("passed"), k))
                beyond += verdicts.count("unsupported")
            too_long += not candidates
            progress.advance()
    figures = {f"pass@{k}": rate(shares) if n == 1 else share(shares)}
    counts = {"unsupported": len(tasks) - len(able), "too_long": too_long, "answers_beyond_sandbox": beyond}
    return Measurement("code", figures, counts)


def pass_at_k(n: int, right: int, k: int) -> float:
    """The chance that one of k samples, drawn without putting back from n of which `right` pass, passes."""
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)


def supported(task: CodeTask) -> bool:
    """Whether the task's own solution passes in the sandbox; without one, whether the tests can be read there."""
    if task.solution:
        return run(task, task.prompt + task.solution) == "passed"
    return run(task, f"def {task.entry_point}(*given):\n    return None\n") != "unsupported"


def run(task: CodeTask, program: str) -> Verdict:
    """Define the program, then the tests, then call `check` on the entry point; a fresh session each time."""
    output = CollectString(max_bytes=4096)
    with pool().checkout(limits=LIMITS, os_policy={"sleep": "zero"}) as session:
        try:
            session.feed_run(program, print_callback=output)
            session.feed_run(task.tests, print_callback=output)
            session.feed_run(f"check({task.entry_point})", print_callback=output)
        except (MontySyntaxError, MontyRuntimeError) as error:
            return "unsupported" if _BEYOND.search(str(error)) else "failed"
        except (MontyError, RecursionError, ValueError):
            return "failed"
    return "passed"


def completed(task: CodeTask, continuation: str) -> str:
    """The prompt and what goes on in its function: up to the next line that is not indented."""
    return task.prompt + _TOP_LEVEL.split(continuation, maxsplit=1)[0]


def request(task: CodeTask) -> str:
    return f"Complete this Python function. Answer with the whole function.\n```python\n{task.prompt.strip()}\n```"


def answered(task: CodeTask, answer: str) -> str:
    """The code of a chat's answer, after the prompt's own imports; a bare body continues the prompt."""
    fenced = _FENCE.search(answer)
    code = fenced[1] if fenced else answer.strip()
    start = re.search(rf"^def {re.escape(task.entry_point)}\b", code, re.M)
    if not start:
        return completed(task, fenced[1] if fenced else answer)  # its first line is indented
    head = task.prompt[: task.prompt.find(f"def {task.entry_point}")]
    if not fenced:  # prose may stand around it
        imports = "".join(f"{line}\n" for line in _IMPORT.findall(code[: start.start()]))
        code = imports + _TOP_LEVEL.split(code[start.start() :], maxsplit=1)[0]
    return head + code


def _task(row: dict[str, Any]) -> CodeTask:
    prompt, tests = row["prompt"], row["test"]
    if not isinstance(prompt, str) or not isinstance(tests, str):
        raise ValueError("fields prompt and test must be text")
    return CodeTask(prompt, text_of(row, "entry_point"), tests, optional(row, "canonical_solution"))
