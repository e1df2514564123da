"""From prompts to pieces of answers: admission, the engine's letters, stop strings, the bill, the record."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mynah.agent.guides import Form
from mynah.nouns import Completion, Message, SamplingParams
from mynah.server.errors import APIError, EngineError
from mynah.server.identity import Caller
from mynah.server.limits import FREE, Limits, Tab
from mynah.server.metrics import Metrics
from mynah.server.models import Models, ServedModel
from mynah.server.record import Origin, Record, Served, forget
from mynah.server.requests import Sampling
from mynah.server.serving import EngineThread, Job, Letter
from mynah.server.settings import ServeSettings
from mynah.server.writer import Piece, Writer
from mynah.store import new_id

KEEP_EVERY = 1.0
"""Seconds of an answer of which a crash may leave no record."""
COLDEST = 1e-3
"""A temperature below it is taken as 0: logits divided by it would leave the range of fp32."""


@dataclass
class Service:
    """All that a request needs: models, their thread, limits, counters, and where answers are recorded."""

    models: Models
    settings: ServeSettings
    metrics: Metrics
    record: Record = forget
    _thread: EngineThread | None = field(default=None, repr=False)

    async def start(self) -> None:
        self._thread = EngineThread(asyncio.get_running_loop())
        self._thread.start()

    async def stop(self) -> None:
        await asyncio.to_thread(self.thread.stop)

    @property
    def thread(self) -> EngineThread:
        assert self._thread is not None, "the service has not started"
        return self._thread

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.alive

    @property
    def in_flight(self) -> dict[str, int]:
        """Answers by model."""
        return {model.name: model.in_flight for model in self.models}

    def check_answers(self, wanted: int) -> None:
        """Raises APIError for more answers than go at a time, whoever else is here."""
        limit = self.settings.rows + self.settings.queue
        if wanted > limit:
            message = f"The request asks for {wanted} answers; this server takes at most {limit} at a time."
            raise APIError(400, message)

    def admit(self, model: ServedModel, wanted: int) -> None:
        """Count answers in, or refuse them; who was let in counts them out of `model.in_flight` at their end."""
        self.check_answers(wanted)
        if model.in_flight + wanted > self.settings.rows + self.settings.queue:
            self.metrics.refused()
            wait = min(60, max(1, round(model.seconds * model.in_flight / self.settings.rows)))
            raise APIError(
                429,
                f"The server is busy: {model.in_flight} answers are under way or waiting. Try again in {wait} s.",
                kind="rate_limit_error",
                code="rate_limit_exceeded",
                headers={"Retry-After": str(wait)},
            )
        model.in_flight += wanted

    @contextmanager
    def place(self, model: ServedModel) -> Iterator[None]:
        """Hold one place among the answers, for as long as it lasts. Raises APIError if there is none."""
        self.admit(model, 1)
        try:
            yield
        finally:
            model.in_flight -= 1

    def cost(self, prompt_tokens: int, completion_tokens: int) -> dict[str, Any]:
        """OpenAI's `usage`, with a `cost` if there are prices."""
        usage: dict[str, Any] = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        }
        if self.settings.price_prompt or self.settings.price_completion:
            usage["cost"] = self.settings.price(prompt_tokens, completion_tokens)
        return usage


class Generation:
    """The answers to one request: `n` to each prompt; choice i·n + k is the k-th of prompt i.

    Raises APIError, before anything is begun, for a prompt without room in the context and for a full queue.
    """

    def __init__(
        self,
        service: Service,
        model: ServedModel,
        kind: str,
        body: Sampling,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        tools: bool = False,
        unseen: bool = False,
        origin: Origin | None = None,
        form: Form | None = None,
        reader: str = "",
    ) -> None:
        self.unseen = unseen
        """Only the prompts are of interest: what is drawn is neither shown nor counted."""
        self.service, self.model, self.origin = service, model, origin
        self.id, self.created = f"{kind}-{new_id()}", int(time.time())
        self.n, self.prompts, self.params = body.n or 1, [tuple(prompt) for prompt in prompts], params
        self._asked = time.time()
        self._first_token: float | None = None
        engine = self.model.assistant.engine
        for prompt in self.prompts:
            check_length(prompt, engine.context, "messages" if kind == "chatcmpl" else "prompt")
        self._inbox: asyncio.Queue[Letter] = asyncio.Queue()
        self._steered = (*(form.steers if form else ()), *(("int8",) if engine.int8 else ()))
        self.scored: list[Completion] = []
        """One finished completion of each prompt, for its `prompt_logprobs`."""
        self.over = False
        """Whether all was said; not so when the client left."""
        self.tab: Tab = FREE
        """What the caller's key may still spend; settled at the end."""
        self._count = self.n * len(self.prompts)
        service.admit(model, self._count)  # before anything is made for so many
        try:
            self._prepare(body, form, urgent=kind == "chatcmpl", tools=tools, reader=reader)
        except BaseException:
            self.abandon()
            raise

    @property
    def usage(self) -> dict[str, Any]:
        completed = 0 if self.unseen else sum(len(writer.tokens) for writer in self.writers)
        return self.service.cost(sum(map(len, self.prompts)), completed)

    def _prepare(self, body: Sampling, form: Form | None, urgent: bool, tools: bool, reader: str) -> None:
        """A job for each prompt, a guide and a writer for each answer."""
        engine, tokenizer = self.model.assistant.engine, self.model.assistant.tokenizer
        self._guides = [form.begin() for _ in range(self._count)] if form else []
        self._jobs = []
        for first in range(0, self._count, self.n):
            prompt, guides = self.prompts[first // self.n], self._guides[first : first + self.n]
            self._jobs.append(Job(engine, prompt, self.params, self.n, first, self._inbox, guides, urgent, reader))
        self.writers = [Writer(tokenizer, i, body.stop, tools) for i in range(self._count)]

    async def pieces(self) -> AsyncIterator[Piece]:
        """What comes, in order for each choice. Leaving early frees the rows; the end is recorded either way."""
        open_jobs, done = set(self._jobs), {}
        ends, kept = [], self._asked
        try:
            for job in self._jobs:
                self.service.thread.submit(job)
            while open_jobs:
                letter = await self._inbox.get()
                if letter.error:
                    raise EngineError(f"The engine failed ({letter.error}).") from letter.error
                if self.origin and not self.unseen and time.time() - kept > KEEP_EVERY:
                    kept = time.time()
                    await self._record(kept, over=False)
                for piece in self._read(letter):
                    if piece.finish_reason:  # told once it is recorded
                        ends.append(Piece(piece.choice, finish_reason=piece.finish_reason))
                    if beginning := replace(piece, finish_reason=None):
                        yield beginning
                if letter.done is not None:
                    open_jobs.remove(letter.job)
                    done[letter.job] = letter.done[0]
            if any(guide.lost for guide in self._guides):
                raise EngineError("The schema is too intricate: in the middle of the answer no way on was found.")
            self.scored = [done[job] for job in self._jobs]
            self.over = True
        finally:
            for job in open_jobs:
                self.service.thread.cancel(job)
            await self._close()
        for piece in ends:
            yield piece

    def abandon(self) -> None:
        """Give up a generation whose pieces nobody has begun to read."""
        self.model.in_flight -= self._count

    async def reserve(self, limits: Limits, who: Caller) -> Generation:
        """Take the most that this can cost from the caller's key. APIError 429, and it is abandoned, if too much."""
        prompt, most = sum(map(len, self.prompts)), self._count * self.params.max_new_tokens
        try:
            self.tab = await limits.open(who, prompt, most, self.service.settings.price(prompt, most))
        except BaseException:
            self.abandon()
            raise
        return self

    async def finish(self) -> None:
        """Wait until all choices are whole; `writers` then hold them."""
        async for _ in self.pieces():
            pass

    def _read(self, letter: Letter) -> list[Piece]:
        pieces, first = [], letter.job.sequence
        if self._first_token is None and letter.tokens:
            self._first_token = time.time()
            self.service.metrics.first_token(self._first_token - self._asked)
        for token in letter.tokens:
            writer = self.writers[first + token.sample]
            if writer.finished:  # what was under way when its stop string came
                continue
            piece = writer.add(token)
            pieces.append(piece)
            if piece.finish_reason and not token.finish_reason:  # a stop string
                self.service.thread.end(letter.job, token.sample)
        return [piece for piece in pieces if piece]

    async def _close(self) -> None:
        """Count the answers out, and record them."""
        now, model = time.time(), self.model
        model.in_flight -= self._count
        model.seconds += 0.1 * (now - self._asked - model.seconds)
        self.service.metrics.served(self.usage)
        await asyncio.shield(self._end(now))  # also when the client leaves at this very moment

    async def _end(self, now: float) -> None:
        """Record what was said, and pay for it; for what never began, nothing."""
        begun, usage = self._first_token is not None, self.usage
        spent = self.service.settings.price(usage["prompt_tokens"], usage["completion_tokens"])
        try:
            if begun and self.origin:
                await self._record(now, over=True)
        finally:
            await self.tab.settle(usage["total_tokens"] if begun else 0, spent if begun else 0.0)

    async def _record(self, now: float, over: bool) -> None:
        assert self.origin
        for i, prompt in enumerate(self.prompts):
            await self.service.record(replace(self._served(self.origin, i * self.n, prompt, now), over=over))

    def _served(self, origin: Origin, first: int, prompt: tuple[int, ...], now: float) -> Served:
        model, writers = self.model, self.writers[first : first + self.n]
        text = () if origin.messages else (Message("user", model.assistant.tokenizer.decode(prompt)),)
        return Served(
            id=self.id,
            model=model.name,
            weights=model.weights,
            tokenizer=model.assistant.tokenizer.sha256,
            prompt=prompt,
            params=self.params,
            sequence=first,
            steered=self._steered,
            completions=tuple(_completion(writer) for writer in writers),
            texts=tuple(writer.text for writer in writers),
            calls=tuple(tuple(writer.calls) for writer in writers),
            finish_reasons=tuple(writer.finish_reason or "cancelled" for writer in writers),
            messages=origin.messages or text,
            origin=origin,
            version=model,
            unseen=self.unseen,
            over=True,
            asked=self._asked,
            first_token=self._first_token,
            finished=now,
        )


def sampling_params(model: ServedModel, body: Sampling, budget: int, **more: Any) -> SamplingParams:
    """The engine's parameters for a request; without a seed one is drawn, and recorded."""
    temperature = 1.0 if body.temperature is None else body.temperature
    params = SamplingParams(
        max_new_tokens=budget,
        temperature=temperature if temperature >= COLDEST else 0.0,
        top_k=body.top_k or 0,
        top_p=1.0 if body.top_p is None else body.top_p,
        min_p=body.min_p or 0.0,
        stop=model.assistant.tokenizer.stop_ids,
        seed=secrets.randbits(63) if body.seed is None else body.seed,
    )
    return replace(params, **more)


def check_length(prompt: Sequence[int], context: int, param: str) -> None:
    """Raises APIError for a prompt that fills the context."""
    if len(prompt) >= context:
        raise APIError(
            400,
            f"This model's maximum context length is {context} tokens, and your prompt has {len(prompt)}: no room is "
            f"left for an answer. Please reduce the length of the prompt.",
            param=param,
            code="context_length_exceeded",
        )


def check_count(messages: Sequence[Any], context: int) -> None:
    """Raises APIError for so many messages that their prompt is longer than the context, before anything reads them."""
    if len(messages) > context:  # each is a token at least
        raise APIError(
            400,
            f"This model's maximum context length is {context} tokens, and your request has {len(messages)} messages: "
            f"no room is left for an answer. Please reduce the number of messages.",
            param="messages",
            code="context_length_exceeded",
        )


def _completion(writer: Writer) -> Completion:
    reason = {"stop": "stop", "tool_calls": "stop", "length": "length"}.get(writer.finish_reason or "", "cancelled")
    tokens = writer.tokens
    return Completion(
        tuple(t.id for t in tokens),
        tuple(t.logprob for t in tokens),
        reason,  # type: ignore[arg-type]
        0,
    )
