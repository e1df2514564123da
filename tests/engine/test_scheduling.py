"""Requests come, wait, run, end and are cancelled; nobody else notices."""

import random
from dataclasses import replace

import pytest
import torch

from mynah.engine import Engine, Token
from mynah.engine.scheduler import Admission, Request, Row, Scheduler
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, SamplingParams
from tests.model.tiny import random_tokens, tiny_model

PARAMS = SamplingParams(max_new_tokens=12, seed=3)


def finish(engine: Engine, requests: list[int]) -> list[list[Completion]]:
    """Step until nothing is in flight."""
    while engine._scheduler.waiting or engine._scheduler.running:
        assert engine.step()
    return [engine.collect(request) for request in requests]


def idle(engine: Engine) -> bool:
    scheduler = engine._scheduler
    return not (scheduler.waiting or scheduler.running or engine._requests or engine._unread or engine._prompt_scores)


def test_finished_rows_are_refilled(model: Transformer) -> None:
    """Budgets are ragged: with two rows the short ones make room while the long one goes on."""
    engine = Engine(model, rows=2)
    budgets = [30, 3, 5, 1, 7, 2]
    prompts = [random_tokens(4 + n, seed=n) for n in range(6)]
    requests = [engine.submit(p, replace(PARAMS, max_new_tokens=b)) for p, b in zip(prompts, budgets, strict=True)]
    widths = []
    while not engine._requests[requests[0]].done:
        engine.step()
        widths.append(len(engine._scheduler.running))
    assert all(engine._requests[request].done for request in requests)  # all five passed beside the first
    assert max(widths) == 2
    completions = [engine.collect(request)[0] for request in requests]
    assert [len(completion.tokens) for completion in completions] == budgets
    assert {completion.finish_reason for completion in completions} == {"length"}
    assert idle(engine)


def test_prefills_wait_until_they_pay() -> None:
    """A full engine lets a quarter of its rows come free before it stops to prefill; a fresh one admits at once."""
    scheduler = Scheduler(rows=8, prefill_tokens=1000)
    scheduler.waiting.extend(Request(i, (1, 2, 3), PARAMS, 1, i) for i in range(20))
    admitted = scheduler.admit()
    assert len(admitted) == 8
    scheduler.running = [row for _, rows in admitted for row in rows]
    scheduler.running.pop()
    assert scheduler.admit() == []  # one free row
    scheduler.running.pop()
    assert len(scheduler.admit()) == 2
    scheduler.running.clear()
    assert len(scheduler.admit()) == 8


def test_more_samples_than_rows(model: Transformer) -> None:
    prompt = random_tokens(10)
    [few] = Engine(model, rows=3).generate([prompt], PARAMS, n=8)
    [many] = Engine(model, rows=8).generate([prompt], PARAMS, n=8)
    assert [c.tokens for c in few] == [c.tokens for c in many]


def test_a_stop_token_ends_a_completion_and_is_its_last_token(model: Transformer) -> None:
    prompt = random_tokens(10)
    [[free]] = Engine(model).generate([prompt], PARAMS)
    unused = next(token for token in range(97) if token not in free.tokens)
    stop = free.tokens[5]
    [[stopped]] = Engine(model).generate([prompt], replace(PARAMS, stop=(unused, stop)))
    end = free.tokens.index(stop) + 1
    assert stopped.tokens == free.tokens[:end]
    assert len(stopped.logprobs) == end
    assert stopped.finish_reason == "stop"
    [[last]] = Engine(model).generate([prompt], replace(PARAMS, stop=(stop,), max_new_tokens=end))
    assert last.finish_reason == "stop"  # at the budget's last token, too
    [[cut]] = Engine(model).generate([prompt], replace(PARAMS, stop=(unused,)))
    assert (cut.finish_reason, cut.tokens) == ("length", free.tokens)


def test_the_context_is_the_limit(model: Transformer) -> None:
    engine = Engine(model, rows=2, context=20)
    [[completion]] = engine.generate([random_tokens(15)], replace(PARAMS, max_new_tokens=1000))
    assert len(completion.tokens) == 5
    assert completion.finish_reason == "length"
    [[one]] = engine.generate([random_tokens(19)], PARAMS)
    assert len(one.tokens) == 1
    assert Engine(model, context=10_000).context == model.config.context


@pytest.mark.parametrize("context", [64, 65, 128])
def test_the_last_position_of_the_context_is_used_right(model: Transformer, context: int) -> None:
    prompt, params = random_tokens(context - 6), replace(PARAMS, max_new_tokens=6)
    [[narrow]] = Engine(model, rows=1, context=context).generate([prompt], params)
    [[wide]] = Engine(model, rows=1).generate([prompt], params)
    assert len(narrow.tokens) == 6
    assert narrow.tokens == wide.tokens


@pytest.mark.parametrize("length", [0, 20, 21])
def test_a_prompt_that_leaves_no_room_is_refused(model: Transformer, length: int) -> None:
    engine = Engine(model, context=20)
    with pytest.raises(ValueError, match=f"1 to 19 tokens, this one has {length}"):
        engine.submit((1,) * length, PARAMS)
    with pytest.raises(ValueError, match="1 to 19 tokens"):
        engine.generate([(1, 2), (1,) * length], PARAMS)
    assert idle(engine)  # the good prompt beside it does not linger
    engine.refresh()


@pytest.mark.parametrize(("n", "budget"), [(0, 5), (2, 0)])
def test_nothing_asked_is_refused(model: Transformer, n: int, budget: int) -> None:
    with pytest.raises(ValueError, match="both must be at least 1"):
        Engine(model).submit((1, 2), replace(PARAMS, max_new_tokens=budget), n=n)


def test_an_interrupted_batch_leaves_nothing_in_flight(model: Transformer) -> None:
    engine = Engine(model, rows=2)

    def press_ctrl_c(tokens: list[Token]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.generate([(1, 2), (3,), (4,)], PARAMS, watch=press_ctrl_c)
    assert idle(engine)
    engine.refresh()


def test_watch_sees_every_token(model: Transformer) -> None:
    seen: list[Token] = []
    completions = Engine(model, rows=3).generate([(1, 2), (3,)], PARAMS, n=3, watch=seen.extend)
    for request, some in enumerate(completions):
        for sample, completion in enumerate(some):
            mine = [token for token in seen if (token.request, token.sample) == (request, sample)]
            assert tuple(token.id for token in mine) == completion.tokens
            assert tuple(token.logprob for token in mine) == completion.logprobs
            assert [token.finish_reason for token in mine] == [None] * 11 + ["length"]


def test_a_stream_gives_tokens_as_they_come(model: Transformer) -> None:
    engine, steps = Engine(model), 0
    step = engine.step

    def counted() -> list[Token]:
        nonlocal steps
        steps += 1
        return step()

    engine.step = counted  # type: ignore[method-assign]
    tokens = []
    for number, token in enumerate(engine.stream((1, 2, 3), PARAMS, sequence=4), start=1):
        tokens.append(token.id)
        assert steps == number  # not one step ahead of its reader
    [[expected]] = Engine(model).generate([(1, 2, 3)], PARAMS, first_sequence=4)
    assert tuple(tokens) == expected.tokens
    assert idle(engine)


def test_closing_a_stream_frees_its_row(model: Transformer) -> None:
    engine = Engine(model, rows=1)
    stream = engine.stream((1, 2, 3), PARAMS)
    next(stream)
    assert len(engine._scheduler.running) == 1
    stream.close()  # type: ignore[attr-defined]
    assert idle(engine)
    assert len(list(engine.stream((4, 5), PARAMS))) == 12


def test_streams_side_by_side_lose_nothing(model: Transformer) -> None:
    """Whoever takes the next step, every reader gets all of its own tokens, at its own pace."""
    expected = [Engine(model).generate([(n, n + 1)], PARAMS, first_sequence=n)[0][0].tokens for n in range(3)]
    engine = Engine(model, rows=2)  # the third waits
    streams = [engine.stream((n, n + 1), PARAMS, sequence=n) for n in range(3)]
    got: list[list[int]] = [[], [], []]
    for reader in [0, 1, 0, 0, 2, 1, *[0] * 9, *[2] * 11, *[1] * 10]:
        got[reader].append(next(streams[reader]).id)
    assert [tuple(tokens) for tokens in got] == expected
    for stream in streams:
        assert next(stream, None) is None
    assert idle(engine)


def test_a_stream_of_a_cancelled_request_ends(model: Transformer) -> None:
    engine = Engine(model)
    stream = engine.stream((1, 2), PARAMS)
    request = next(stream).request
    engine.cancel(request)
    assert list(stream) == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("after", [0, 1, 4])
def test_cancelling_disturbs_nobody(dtype: torch.dtype, after: int) -> None:
    """Two of four running and one of two waiting requests go; the others come out as if those had never been."""
    model = tiny_model(dtype=dtype)
    prompts = [random_tokens(5 + 9 * n, seed=n) for n in range(6)]
    expected = Engine(model, rows=8).generate(prompts, PARAMS, n=2)
    engine = Engine(model, rows=8)
    requests = [engine.submit(prompt, PARAMS, 2, sequence=2 * i) for i, prompt in enumerate(prompts)]
    for _ in range(after):
        engine.step()
    for gone in (0, 2, 5):
        engine.cancel(requests[gone])
        engine.cancel(requests[gone])  # twice is fine
    kept = [1, 3, 4]
    for i, both in zip(kept, finish(engine, [requests[i] for i in kept]), strict=True):
        for one, other in zip(both, expected[i], strict=True):
            assert one.tokens == other.tokens
            if dtype == torch.bfloat16:
                assert one.logprobs == other.logprobs
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
    assert idle(engine)
    engine.cancel(10_000)  # unknown is fine


def test_a_row_may_be_ended_after_the_cache_grew(model: Transformer) -> None:
    """Between two steps, by whoever holds the engine; the last row moves into its place."""
    engine = Engine(model, rows=3)
    requests = [engine.submit(random_tokens(70 + n, seed=n), PARAMS, sequence=n) for n in range(3)]
    for _ in range(4):
        engine.step()
    assert engine.end(requests[0], 0)
    engine.cancel(requests[1])
    [[kept]] = finish(engine, requests[2:])
    [[expected]] = Engine(model).generate([random_tokens(72, seed=2)], PARAMS, first_sequence=2)
    assert kept.tokens == expected.tokens


def test_collecting_early_gives_what_is_done_and_cancels_the_rest(model: Transformer) -> None:
    engine = Engine(model, rows=2)
    request = engine.submit((1, 2), PARAMS, n=3)
    while not engine._requests[request].done:
        engine.step()
    assert len(engine.collect(request)) == 2
    assert idle(engine)


def test_refresh_waits_for_nobody(model: Transformer) -> None:
    engine = Engine(model, rows=1)
    request = engine.submit((1, 2), PARAMS)
    with pytest.raises(AssertionError, match="in flight"):
        engine.refresh()  # it waits in the queue
    engine.step()
    with pytest.raises(AssertionError, match="in flight"):
        engine.refresh()  # it runs
    assert engine.weight_version == 0
    finish(engine, [request])
    engine.refresh()
    assert engine.weight_version == 1


def test_admission_is_first_come_first_served_within_rows_and_tokens() -> None:
    def admitted(rows: int, budget: int, *sizes: tuple[int, int]) -> list[tuple[int, int]]:
        """For requests of (prompt length, n): (request, samples) of the first prefill."""
        scheduler = Scheduler(rows, budget)
        for i, (length, n) in enumerate(sizes):
            scheduler.waiting.append(Request(i, (0,) * length, PARAMS, n, 0))
        return [(rows[0].request.id, len(rows)) for _, rows in scheduler.admit()]

    assert admitted(4, 100, (10, 1), (10, 2), (10, 1), (10, 1)) == [(0, 1), (1, 2), (2, 1)]
    assert admitted(4, 100, (10, 2), (10, 3), (10, 1)) == [(0, 2)]  # nobody overtakes
    assert admitted(4, 100, (10, 9), (10, 1)) == [(0, 4)]  # more than all rows: as many as there are
    assert admitted(9, 25, (10, 1), (10, 1), (10, 1)) == [(0, 1), (1, 1)]
    assert admitted(9, 25, (99, 1), (1, 1)) == [(0, 1)]  # one that is over the budget goes alone
    assert admitted(9, 25, (1, 1), (1, 1), (20, 1)) == [(0, 1), (1, 1)]  # 3 · 20 with its padding


def test_an_idle_engine_does_nothing(model: Transformer) -> None:
    assert Engine(model).step() == []


def test_every_order_of_arrival_gives_the_same(model: Transformer) -> None:
    """Requests that arrive in mid-flight come out as they do when all are there from the start."""
    prompts = [random_tokens(3 + 20 * n, seed=n) for n in range(5)]
    expected = Engine(model, rows=3).generate(prompts, PARAMS)
    engine, requests = Engine(model, rows=3), []
    for i, prompt in enumerate(prompts):
        requests.append(engine.submit(prompt, PARAMS, sequence=i))
        for _ in range(3):
            engine.step()
    for both, other in zip(finish(engine, requests), expected, strict=True):
        assert both[0].tokens == other[0].tokens
        assert both[0].logprobs == pytest.approx(other[0].logprobs, abs=1e-5)


def test_one_sample_ends_early_and_its_siblings_go_on(model: Transformer) -> None:
    [expected] = Engine(model).generate([(1, 2, 3)], PARAMS, n=3)
    engine = Engine(model)
    request = engine.submit((1, 2, 3), PARAMS, n=3, sequence=0)
    for _ in range(4):
        engine.step()
    assert engine.end(request, 1)
    assert not engine.end(request, 1)
    assert not engine.end(10_000, 0)
    while engine._scheduler.running:
        assert 1 not in [token.sample for token in engine.step()]
    completions = engine.collect(request)
    assert [c.tokens for c in completions] == [c.tokens[: 4 if i == 1 else None] for i, c in enumerate(expected)]
    assert [c.finish_reason for c in completions] == ["length", "cancelled", "length"]
    assert idle(engine)


def test_events_carry_the_likeliest_tokens(model: Transformer) -> None:
    seen: list[Token] = []
    params = replace(PARAMS, top_logprobs=2)
    [[completion]] = Engine(model).generate([(1, 2, 3)], params, watch=seen.extend)
    assert tuple(token.top_logprobs for token in seen) == completion.top_logprobs
    assert all(len(token.top_logprobs) == 2 for token in seen)


def samples_of(entering: list[Admission]) -> list[tuple[tuple[int, ...], Request, list[int]]]:
    """What goes on from where, whose it is, and which samples."""
    return [(tokens, rows[0].request, [row.sample for row in rows]) for tokens, rows in entering]


def test_a_person_goes_before_rollouts() -> None:
    """One row of eight is free and twenty rollouts wait for a second one: the chat enters at once, alone."""
    scheduler = Scheduler(rows=8, prefill_tokens=1000)
    rollouts = [Request(i, (1, 2, 3), PARAMS, 1, i) for i in range(20)]
    scheduler.waiting.extend(rollouts)
    scheduler.running = [row for _, rows in scheduler.admit()[:7] for row in rows]
    assert scheduler.admit() == []
    scheduler.submit(chat := Request(99, (1, 2), PARAMS, 1, 0, urgent=True))
    assert samples_of(scheduler.admit()) == [((1, 2), chat, [0])]
    scheduler.running = scheduler.running[:4]
    scheduler.submit(Request(100, (1, 2), PARAMS, 2, 0, urgent=True))
    entered = [rows[0].request.id for _, rows in scheduler.admit()]
    assert entered == [100, 8, 9]  # room for two rollouts is left behind it


def test_what_is_told_without_a_look_is_what_a_look_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    def admitted(seed: int) -> list[tuple[tuple[int, ...], int]]:
        rng = random.Random(seed)
        rows, little = rng.randint(1, 9), rng.random() < 0.5
        room = (lambda length: max(1, min(rows, 40 // length))) if little else None
        scheduler = Scheduler(rows, prefill_tokens=20, rows_at=room)
        for count, urgent in ((rng.randint(0, 2), False), (rng.choice((0, 0, 1)), True)):
            for i in range(count):
                scheduler.submit(Request(i, (1,) * rng.randint(1, 9), PARAMS, 1, i, urgent=urgent))
        scheduler.running = [Row(Request(9, (1,) * 3, PARAMS, 1, 0), 0) for _ in range(rng.randint(0, rows))]
        return [(entry.tokens, len(entry.rows)) for entry in scheduler.admit()]

    told = [admitted(seed) for seed in range(300)]
    monkeypatch.setattr(Scheduler, "_nobody_enters", lambda _: False)
    assert told == [admitted(seed) for seed in range(300)]
    assert 50 < sum(map(bool, told)) < 250


def test_rollouts_take_no_row_that_a_person_waits_for() -> None:
    scheduler = Scheduler(rows=8, prefill_tokens=1000)
    scheduler.waiting.extend(Request(i, (1, 2, 3), PARAMS, 1, i) for i in range(20))
    scheduler.running = [row for _, rows in scheduler.admit()[:5] for row in rows]
    scheduler.submit(chat := Request(99, (1, 2), PARAMS, 4, 0, urgent=True))  # three rows are free
    assert scheduler.admit() == []
    scheduler.running.pop()
    assert samples_of(scheduler.admit()) == [((1, 2), chat, [0, 1, 2, 3])]
    scheduler.submit(Request(100, (1, 2), PARAMS, 1, 0, urgent=True))
    assert scheduler.drop(100) == []
    assert not scheduler.urgent


def test_a_first_token_comes_while_rollouts_wait(model: Transformer) -> None:
    """Eight rows, forty rollouts: the chat's first token comes as soon as a row is free. All draws are as ever."""
    prompts = [random_tokens(6 + i, seed=i) for i in range(40)]
    budgets = [3 + i % 5 for i in range(40)]
    chat = random_tokens(9, seed=99)

    def run(urgent: bool) -> tuple[list[list[Completion]], int]:
        engine, came = Engine(model, rows=8), -1
        requests = [
            engine.submit(p, replace(PARAMS, max_new_tokens=b), sequence=i)
            for i, (p, b) in enumerate(zip(prompts, budgets, strict=True))
        ]
        for _ in range(2):
            engine.step()
        requests.append(engine.submit(chat, PARAMS, sequence=100, urgent=urgent))
        steps = 0
        while not all(engine._requests[request].done for request in requests):
            steps += 1
            mine = any(token.request == requests[-1] for token in engine.step())
            came = steps if mine and came < 0 else came
        return [engine.collect(request) for request in requests], came

    hurried, soon = run(urgent=True)
    patient, late = run(urgent=False)
    assert [[c.tokens for c in some] for some in hurried] == [[c.tokens for c in some] for some in patient]
    assert soon <= 2  # the first rollout ends in the next step, with a budget of three
    assert late > 10
