"""Who runs next: two queues of requests, and the rows in flight. No tensors here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from mynah.engine.guide import Guide
from mynah.nouns import Completion, FinishReason, SamplingParams

ADMIT_SHARE = 4
"""With 64 and 128 rows, sampling 2 048 short answers became 1.2 and 1.3 times as fast as by filling every free row."""
RESERVE = 256
"""A row enters where memory has room for so many tokens more, if it may get so long; beyond them it may step back."""


@dataclass(eq=False)
class Request:
    """One prompt and the n samples wanted of it, numbered from `first_sequence`; they fit the context."""

    id: int
    prompt: tuple[int, ...]
    params: SamplingParams
    n: int
    first_sequence: int
    guides: Sequence[Guide] = ()
    """One a sample, or none."""
    reader: str = ""
    urgent: bool = False
    admitted: int = 0
    stepped_back: list[Row] = field(default_factory=list)
    """Rows that gave up their place for want of memory, the oldest first."""
    done: dict[int, Completion] = field(default_factory=dict)

    def up_next(self) -> tuple[tuple[int, ...], int]:
        """What is to be read before it goes on, and how many rows go on from there."""
        if self.stepped_back:
            return self.prompt + tuple(self.stepped_back[0].tokens), 1
        return self.prompt, self.n - self.admitted

    def enter(self, count: int) -> list[Row]:
        """The next rows, now in flight."""
        if self.stepped_back:
            return [self.stepped_back.pop(0)]
        self.admitted += count
        return [Row(self, sample) for sample in range(self.admitted - count, self.admitted)]

    @property
    def waits(self) -> bool:
        return bool(self.stepped_back) or self.admitted < self.n

    def reach(self, length: int) -> int:
        """How long a row that has `length` tokens may get before it must ask for room again."""
        return min(length + RESERVE, len(self.prompt) + self.params.max_new_tokens)


class Admission(NamedTuple):
    """Rows that enter together: they go on where `tokens` end."""

    tokens: tuple[int, ...]
    rows: list[Row]


@dataclass(eq=False)
class Row:
    """One sample in flight. Its next decode step puts `tokens[-1]` at position `len(prompt) + len(tokens) - 1`."""

    request: Request
    sample: int
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    top_logprobs: list[tuple[tuple[int, float], ...]] = field(default_factory=list)
    ended: bool = False

    @cached_property
    def guide(self) -> Guide | None:
        return self.request.guides[self.sample] if self.request.guides else None

    @cached_property
    def plain(self) -> bool:
        """Whether the draw is from the whole distribution, or greedy: nothing steered, nothing cut off."""
        params = self.request.params
        return not (self.request.guides or params.top_k > 0 or params.top_p < 1 or params.min_p > 0)

    @property
    def length(self) -> int:
        return len(self.request.prompt) + len(self.tokens)

    def finish(self) -> FinishReason | None:
        """Why this sample is over, if it is."""
        params = self.request.params
        if self.tokens[-1] in params.stop:
            return "stop"
        return "length" if len(self.tokens) >= params.max_new_tokens else None


class Scheduler:
    """First come, first served; a request enters when rows for all its samples are free (or all rows are).

    While others run, requests wait until a quarter of the rows is free: a prefill holds up every row in flight, and
    pays only for many prompts at a time. An engine that is not full admits at once.

    Urgent requests, behind which a person waits, go before all others and enter as soon as their rows are free; while
    one waits, no row goes to anybody else.

    Rows cost memory by the longest of them. Where they outgrow it (`overflow`), or leave an urgent request no room
    (`in_the_way`), the youngest step back: the engine takes them out and puts them back into their queue.

    Args:
        rows_at: How many rows there is memory for while the longest has so many tokens: at least one, at most `rows`.
    """

    def __init__(self, rows: int, prefill_tokens: int, rows_at: Callable[[int], int] | None = None) -> None:
        self.rows, self.prefill_tokens = rows, prefill_tokens
        self.rows_at = rows_at or (lambda length: rows)
        self.urgent: deque[Request] = deque()
        self.waiting: deque[Request] = deque()
        self.running: list[Row] = []

    def submit(self, request: Request) -> None:
        self._queue(request).append(request)

    def admit(self) -> list[Admission]:
        """The next rows to prefill in one pass, within rows, memory and the token budget.

        The budget counts the padding too, since inside attention every prompt is as long as the longest.
        """
        if self._nobody_enters():
            return []
        taken, longest = len(self.running), 0
        reach = self._reach(self.running)
        chosen: list[Admission] = []
        for queue in (self.urgent, self.waiting):
            places = min(self.rows, self.rows_at(reach))
            if queue is self.waiting and self.running and places - taken < places // ADMIT_SHARE:
                break
            while queue:
                request = queue[0]
                tokens, wanted = request.up_next()
                longest, own = max(longest, len(tokens)), request.reach(len(tokens))
                wanted, reach = min(wanted, self.rows_at(own)), max(reach, own)
                room = self.rows_at(reach) - taken
                if wanted > room or (chosen and (len(chosen) + 1) * longest > self.prefill_tokens):
                    return chosen
                chosen.append(Admission(tokens, request.enter(wanted)))
                taken += wanted
                if not request.waits:
                    queue.popleft()
        return chosen

    def _nobody_enters(self) -> bool:
        """What can be told without a look at each row."""
        if self.urgent:
            return False
        return not self.waiting or (bool(self.running) and self.rows - len(self.running) < self.rows // ADMIT_SHARE)

    def overflow(self, more: int = 0) -> int | None:
        """Where the row is that steps back, if memory has no room for all with `more` tokens each: the youngest.

        Rows of urgent requests stay as long as there are others. (Each row's newest token is not stored yet.)
        """
        if len(self.running) <= self.rows_at(max(row.length for row in self.running) + more):
            return None
        return self._youngest()

    def in_the_way(self) -> int | None:
        """Where a row is that steps back for an urgent request, which has a row but no memory: never an urgent one."""
        if not self.urgent or all(row.request.urgent for row in self.running):
            return None
        request = self.urgent[0]
        tokens, wanted = request.up_next()
        own = request.reach(len(tokens))
        wanted, running = min(wanted, self.rows_at(own)), len(self.running)
        chats = [row for row in self.running if row.request.urgent]
        at_best = len(chats) + wanted <= self.rows_at(max(own, self._reach(chats)))  # were all the others gone
        fits = running + wanted <= self.rows_at(max(own, self._reach(self.running)))
        if fits or not at_best or running + wanted > self.rows:
            return None
        return self._youngest()

    def put_back(self, row: Row) -> None:
        """Let a row that was taken out of `running` go on as soon as there is room, before what came later."""
        request, queue = row.request, self._queue(row.request)
        request.stepped_back.insert(0, row)
        if request not in queue:
            queue.appendleft(request)

    def drop_stepped_back(self, request_id: int, sample: int) -> Row | None:
        """Take such a row out of its request, which leaves its queue if it has no other; None: there is none."""
        for queue in (self.urgent, self.waiting):
            for request in queue:
                for row in request.stepped_back:
                    if (request.id, row.sample) == (request_id, sample):
                        request.stepped_back.remove(row)
                        if not request.waits:
                            queue.remove(request)
                        return row
        return None

    def drop(self, request_id: int) -> list[int]:
        """Take a request out of its queue; its rows in flight, highest first, are for the engine to release."""
        for queue in (self.urgent, self.waiting):
            for request in [request for request in queue if request.id == request_id]:
                queue.remove(request)
        return [i for i in reversed(range(len(self.running))) if self.running[i].request.id == request_id]

    def _queue(self, request: Request) -> deque[Request]:
        return self.urgent if request.urgent else self.waiting

    def _youngest(self) -> int:
        age = [(not row.request.urgent, row.request.id, row.sample) for row in self.running]
        return age.index(max(age))

    @staticmethod
    def _reach(rows: Sequence[Row]) -> int:
        """How long the longest of them may get before it must ask for room again."""
        return max((row.request.reach(row.length) for row in rows), default=1)
