"""Continuous batching: submit prompts, step, read tokens. One engine serves rollouts and chat.

Usage:
    engine = Engine(model)
    [[completion]] = engine.generate([prompt_ids], SamplingParams(stop=(eot,)))
    for token in engine.stream(prompt_ids, SamplingParams(stop=(eot,))): ...
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from mynah.engine.ahead import Ahead
from mynah.engine.draws import draw, most_likely, wanted
from mynah.engine.flight import Flight
from mynah.engine.guide import Guide
from mynah.engine.memory import sharing
from mynah.engine.prefixes import Past, Prefixes
from mynah.engine.runner import Prefill, Runner
from mynah.engine.scheduler import Admission, Request, Row, Scheduler
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, FinishReason, SamplingParams

_PromptScores = tuple[tuple[float, ...], tuple[tuple[tuple[int, float], ...], ...]]
"""log p of a prompt's tokens but the first, and the most likely ones there."""

SCORED_AT_ONCE = 512
"""Prompt tokens whose logits are held together."""
AHEAD = 8
"""Decode steps between two looks at the tokens, where nobody waits for each; a row that ends idles for half as many."""


class Token(NamedTuple):
    """One sampled token of one sample of one request; the last one of a sample carries its finish reason."""

    request: int
    sample: int
    id: int
    logprob: float
    finish_reason: FinishReason | None
    top_logprobs: tuple[tuple[int, float], ...] = ()


class Engine:
    """Generates from `model`, whose tensors it shares with the learner: after an update call `refresh()`.

    Args:
        rows: Sequences decoded together; more waits in the queue.
        context: Longest prompt + completion in tokens; at most the model's own.
        prefill_tokens: Prompts are prefilled together up to this many tokens a pass.
        prefix_tokens: Keys and values of so many tokens are kept for requests that go on where others ended.
        slots: Tokens that the cache may hold, rows times the longest; by default what half of the memory holds that is
            free and promised to no other engine. Where sequences get too long for that, fewer run at a time, and the
            youngest step back and are read again.
        int8: Read the matrices in 8 bits, on a CPU only. For chat: log p is then not quite the learner's.
        draws_ahead: Several decode steps follow each other without Python (see `ahead`); by itself on a GPU only.
    """

    def __init__(
        self,
        model: Transformer,
        rows: int = 64,
        context: int | None = None,
        prefill_tokens: int = 4096,
        prefix_tokens: int = 0,
        slots: int | None = None,
        int8: bool = False,
        draws_ahead: bool | None = None,
    ) -> None:
        self.rows = rows
        self.context = min(context or model.config.context, model.config.context)
        self.weight_version = 0
        self.int8 = int8
        draws_ahead = model.device.type == "cuda" if draws_ahead is None else draws_ahead
        with sharing(model.device) as (free, promise):
            if slots is None:
                slots = free // model.config.kv_bytes_per_token(model.dtype.itemsize)
            self._runner = Runner(model, rows, self.context, int8, slots)
            promise(self._runner.cache)
        self._ahead = Ahead(self._runner, record=model.device.type == "cuda") if draws_ahead else None
        self._scheduler = Scheduler(rows, prefill_tokens, self._rows_at)
        self._flight = Flight(rows)
        self._prefixes = Prefixes(prefix_tokens)
        self._requests: dict[int, Request] = {}
        self._prompt_scores: dict[int, _PromptScores] = {}
        self._unread: dict[int, deque[Token]] = {}
        self._next_request = self._next_sequence = 0

    def submit(
        self,
        prompt: Sequence[int],
        params: SamplingParams,
        n: int = 1,
        sequence: int | None = None,
        *,
        guides: Sequence[Guide] = (),
        urgent: bool = False,
        reader: str = "",
    ) -> int:
        """Queue `n` samples of `prompt`; returns the request's id.

        A draw is a function of (params.seed, sequence + sample, position) and of the logits; without `sequence` the
        engine counts. `guides`: one a sample, or none. An `urgent` request goes before all that are not.
        Of what the same `reader` asked before, a prompt's beginning is not read again; nobody: nothing is kept.
        Raises ValueError for a prompt that leaves no room in the context, and for nothing asked.
        """
        if not 0 < len(prompt) < self.context:
            raise ValueError(f"a prompt must have 1 to {self.context - 1} tokens, this one has {len(prompt)}.")
        if n < 1 or params.max_new_tokens < 1:
            raise ValueError(f"asked for {n} samples of {params.max_new_tokens} tokens; both must be at least 1.")
        if sequence is None:
            sequence = self._next_sequence
            self._next_sequence += n
        assert len(guides) in (0, n), "one guide a sample"
        if len(prompt) + params.max_new_tokens > self.context:
            params = replace(params, max_new_tokens=self.context - len(prompt))
        request = Request(self._next_request, tuple(prompt), params, n, sequence, guides, reader, urgent)
        self._next_request += 1
        self._requests[request.id] = request
        self._scheduler.submit(request)
        return request.id

    @torch.inference_mode()
    def step(self, ahead: int = 1) -> list[Token]:
        """Prefill what fits, or else decode one token for every row in flight; returns the new tokens.

        ahead: At most so many tokens a row, where the engine draws ahead: for those who need not see each as it comes.
        """
        self._step_back(self._scheduler.in_the_way)
        admitted = self._scheduler.admit()
        if admitted:
            return self._prefill(admitted)
        if not self._scheduler.running:
            return []
        rows = self._scheduler.running
        if self._ahead and all(row.plain and not row.request.params.top_logprobs for row in rows):
            return self._draw_ahead(rows, ahead)
        self._step_back(self._scheduler.overflow)
        kin = self._flight.kin(rows) if self._runner.native else None
        tokens, positions = (numbers.to(self._device) for numbers in self._flight.newest)
        return self._extend(rows, self._runner.decode(tokens, positions, kin))

    def stream(self, prompt: Sequence[int], params: SamplingParams, sequence: int | None = None) -> Iterator[Token]:
        """Tokens of one sample as they come; closing the iterator cancels the request."""
        request = self.submit(prompt, params, 1, sequence)
        unread = self._unread[request] = deque[Token]()  # whoever calls step(), each stream gets its tokens
        try:
            while request in self._requests:
                while unread:
                    yield (token := unread.popleft())
                    if token.finish_reason:
                        return
                self.step()
        finally:
            self.cancel(request)

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        n: int = 1,
        first_sequence: int = 0,
        watch: Callable[[list[Token]], None] = lambda tokens: None,
    ) -> list[list[Completion]]:
        """`n` completions of each prompt, in order; sample k of prompt i is sequence first_sequence + i·n + k.

        `watch` sees every step's tokens, for a progress bar.
        """
        requests: list[int] = []
        try:
            for i, prompt in enumerate(prompts):
                requests.append(self.submit(prompt, params, n, first_sequence + i * n))
            for request in requests:
                while len(self._requests[request].done) < n:
                    watch(self.step(AHEAD))
            return [self.collect(request) for request in requests]
        finally:  # Ctrl-C, or a prompt that was refused: leave nothing in flight
            for request in requests:
                self.cancel(request)

    def collect(self, request: int) -> list[Completion]:
        """The finished samples of a request, which is then forgotten; what was not finished is cancelled."""
        done = self._requests[request].done
        self.cancel(request)
        return [done[sample] for sample in sorted(done)]

    def cancel(self, request: int) -> None:
        """Stop a request and free its rows; unknown or finished requests are fine."""
        for index in self._scheduler.drop(request):
            self._release(index)
        for table in (self._requests, self._prompt_scores, self._unread):
            table.pop(request, None)

    def end(self, request: int, sample: int) -> bool:
        """Finish one sample early, `cancelled` with the tokens it has; False if it has no token yet, or is finished."""
        if row := self._scheduler.drop_stepped_back(request, sample):
            self._finish(row, "cancelled")
            return True
        for index, row in enumerate(self._scheduler.running):
            if row.request.id == request and row.sample == sample:
                self._finish(row, "cancelled")
                self._release(index)
                return True
        return False

    @torch.inference_mode()
    def embed(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Mean of the last hidden states of each prompt's tokens, [P, D] in fp32; one packed pass."""
        prefill = self._runner.prefill(prompts)
        return torch.stack([prefill.hidden[span].float().mean(0) for span in prefill.spans])

    def refresh(self) -> None:
        """The weights have changed: from now on completions carry a new version.

        Half a completion from old weights and half from new would have no policy; so no row may be active.
        """
        scheduler = self._scheduler
        in_flight = len(scheduler.running) + len(scheduler.urgent) + len(scheduler.waiting)
        assert in_flight == self._flight.count == 0, "refresh() while sequences are in flight"
        self.weight_version += 1
        self._runner.refresh()
        self._prefixes.clear()

    @property
    def _device(self) -> torch.device:
        return self._runner.model.device

    def _rows_at(self, length: int) -> int:
        return self._runner.cache.rows_at(min(length, self.context))

    def _step_back(self, who: Callable[[], int | None]) -> None:
        """Take rows out, to be read again later, as long as `who` names one."""
        while (index := who()) is not None:
            row = self._scheduler.running[index]
            self._release(index)
            self._scheduler.put_back(row)

    def _prefill(self, admitted: list[Admission]) -> list[Token]:
        """One packed pass over prompts, with the tokens of rows that had stepped back; each goes to its rows, which
        draw a token."""
        running = self._scheduler.running
        pasts = [self._known(tokens, rows[0].request) for tokens, rows in admitted]
        prefill = self._runner.prefill([tokens for tokens, _ in admitted], pasts)
        new: list[Row] = []
        places: list[slice] = []
        for index, (_, rows) in enumerate(admitted):
            start = len(running) + len(new)
            places.append(slice(start, start + len(rows)))
            new += rows
            request = rows[0].request
            if request.params.prompt_logprobs and not rows[0].tokens:
                self._prompt_scores[request.id] = self._score_prompt(prefill, index, request)
        self._runner.store(prefill, places, max(row.length for row in (*running, *new)))
        counts = torch.tensor([len(rows) for _, rows in admitted], device=self._device)
        logits = self._runner.logits(prefill.last).repeat_interleave(counts, dim=0)
        self._flight.enter(new)
        running += new
        return self._extend(new, logits)

    def _known(self, tokens: tuple[int, ...], request: Request) -> Past | None:
        if not request.reader or request.params.prompt_logprobs:
            return None
        return self._prefixes.find(request.reader, tokens)

    def _score_prompt(self, prefill: Prefill, index: int, request: Request) -> _PromptScores:
        hidden = prefill.hidden[prefill.spans[index]][:-1]
        targets = torch.tensor(request.prompt[1:], device=self._device)
        scores: list[float] = []
        best: list[tuple[tuple[int, float], ...]] = []
        for rows, tokens in zip(hidden.split(SCORED_AT_ONCE), targets.split(SCORED_AT_ONCE), strict=True):
            table = self._runner.logits(rows).float().log_softmax(-1)
            scores += table.gather(1, tokens[:, None]).squeeze(1).tolist()
            best += most_likely(table, request.params.top_logprobs)
        return tuple(scores), tuple(best)

    def _extend(self, rows: list[Row], logits: Tensor) -> list[Token]:
        """Draw one token for each of `rows`, the last of those in flight, and release the rows that end with it."""
        first = self._flight.count - len(rows)
        tokens, logprobs = draw(rows, logits, *self._flight.counters(first))
        best = [wanted(row, logits[i]) if row.request.params.top_logprobs else () for i, row in enumerate(rows)]
        self._flight.drew(tokens, first)
        events = [self._append(*each) for each in zip(rows, tokens, logprobs, best, strict=True)]
        self._release_finished()
        return events

    def _draw_ahead(self, rows: list[Row], steps: int) -> list[Token]:
        """As many tokens for each of `rows` as are drawn before Python looks, those behind a row's end left out."""
        assert self._ahead
        if max(row.length for row in rows) + steps > self.context or self._scheduler.overflow(steps - 1) is not None:
            steps = 1
        self._step_back(self._scheduler.overflow)
        events, alive = [], list(enumerate(rows))
        drawn = self._ahead.draw(self._flight, steps)
        self._flight.drew(drawn[0][-1], steps=steps)
        for tokens, logprobs in zip(*drawn, strict=True):
            events += [self._append(row, tokens[i], logprobs[i], ()) for i, row in alive]
            alive = [(i, row) for i, row in alive if not row.ended]
        self._release_finished()
        return events

    def _append(self, row: Row, token: int, logprob: float, best: tuple[tuple[int, float], ...]) -> Token:
        """Give a row its next token; with the last one its completion is there."""
        row.tokens.append(token)
        row.logprobs.append(logprob)
        if best:
            row.top_logprobs.append(best)
        if row.guide:
            row.guide.advance(token)
        reason = row.finish()
        if reason:
            self._finish(row, reason)
        event = Token(row.request.id, row.sample, token, logprob, reason, best)
        if row.request.id in self._unread:
            self._unread[row.request.id].append(event)
        return event

    def _release_finished(self) -> None:
        for index in reversed(range(len(self._scheduler.running))):
            if self._scheduler.running[index].ended:
                self._release(index)

    def _finish(self, row: Row, reason: FinishReason) -> None:
        row.ended = True
        prompt_logprobs, prompt_top_logprobs = self._prompt_scores.get(row.request.id, ((), ()))
        row.request.done[row.sample] = Completion(
            tuple(row.tokens),
            tuple(row.logprobs),
            reason,
            self.weight_version,
            tuple(row.top_logprobs),
            prompt_logprobs,
            prompt_top_logprobs,
        )

    def _release(self, index: int) -> None:
        """Free a row; the last one takes its place, so that rows in flight stay dense."""
        row = self._scheduler.running[index]
        if row.request.reader and row.tokens:
            said = (*row.request.prompt, *row.tokens[:-1])  # the last token has not been through the model
            past = Past(len(said), *self._runner.cache.read(index, len(said)))
            self._prefixes.keep(row.request.reader, said, past)
        last = self._scheduler.running.pop()
        self._flight.leave(index)
        if index < len(self._scheduler.running):
            self._runner.cache.move(len(self._scheduler.running), index, last.length)
            self._scheduler.running[index] = last
