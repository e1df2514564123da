"""An engine with little memory: fewer rows at a time, the youngest step back; what comes out is the same."""

import gc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mynah.engine import Engine, Token, memory
from mynah.engine.kv_cache import BLOCK, KVCache
from mynah.engine.scheduler import RESERVE, Request, Row, Scheduler
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, SamplingParams
from tests.engine.test_guides import Only
from tests.engine.test_native import LLAMA
from tests.model.tiny import random_tokens, tiny_model

PARAMS = SamplingParams(max_new_tokens=600, seed=5)
PROMPTS = [random_tokens(length, seed=length) for length in (150, 20, 7, 90, 31, 5)]


def held(cache: KVCache) -> int:
    """Tokens that the slabs have room for."""
    return cache.rows * cache.keys[0].shape[2]


def finish(engine: Engine, requests: Sequence[int]) -> tuple[list[list[Completion]], int, list[int]]:
    """Completions; the most tokens that the cache had room for; how many rows ran at each step."""
    most, running = 0, []
    scheduler = engine._scheduler
    while scheduler.urgent or scheduler.waiting or scheduler.running:
        assert engine.step(), "nothing moves"
        most = max(most, held(engine._runner.cache))
        running.append(len(scheduler.running))
    return [engine.collect(request) for request in requests], most, running


@pytest.mark.parametrize("ahead", [False, True], ids=["step by step", "drawn ahead"])
@pytest.mark.parametrize("kind", ["PyTorch in fp32", "PyTorch in bf16", "C in bf16"])
def test_little_memory_changes_nothing_but_the_pace(kind: str, ahead: bool) -> None:
    dtype = torch.float32 if kind.endswith("fp32") else torch.bfloat16
    shape = LLAMA if kind.startswith("C") else {}
    model = tiny_model(dtype=dtype, **shape | {"context": 1024})

    def run(slots: int | None) -> tuple[list[list[Completion]], int, list[int]]:
        engine = Engine(model, rows=6, slots=slots, draws_ahead=ahead)
        assert engine._runner.native == kind.startswith("C")
        budgets = [330, 300, 260, 200, 150, 100]
        return finish(
            engine,
            [
                engine.submit(prompt, replace(PARAMS, max_new_tokens=budget), sequence=10 * i)
                for i, (prompt, budget) in enumerate(zip(PROMPTS, budgets, strict=True))
            ],
        )

    plenty, most, running = run(None)
    assert max(running) == 6
    assert most > 1280
    little, most, running = run(1280)
    assert most <= 1280
    assert max(running) > 2  # of 480 tokens two fit; while all are short, more
    for theirs, ours in zip(plenty, little, strict=True):
        assert [c.tokens for c in theirs] == [c.tokens for c in ours]
        assert theirs[0].logprobs == pytest.approx(ours[0].logprobs, abs=1e-5 if dtype == torch.float32 else 0)


def test_slabs_with_room_to_spare_keep_within_bounds_too() -> None:
    """As on a GPU, where they grow in steps and shrink only when rows are wanted."""
    model = tiny_model(context=1024)

    def run(slots: int) -> tuple[list[list[Completion]], int, list[int]]:
        engine = Engine(model, rows=6, slots=slots, draws_ahead=True)
        engine._runner.cache.spare = True
        requests = [engine.submit(prompt, replace(PARAMS, max_new_tokens=150)) for prompt in (*PROMPTS, *PROMPTS[1:])]
        return finish(engine, requests)

    plenty, _, running = run(6 * 1024)
    assert max(running) == 6
    little, most, running = run(1280)
    assert most <= 1280
    assert max(running) > 3
    for theirs, ours in zip(plenty, little, strict=True):
        assert [c.tokens for c in theirs] == [c.tokens for c in ours]


def test_one_sequence_runs_however_little_there_is(model: Transformer) -> None:
    engine = Engine(model, rows=4, slots=1)
    [[first, second]], most, running = finish(engine, [engine.submit((1, 2, 3), replace(PARAMS, max_new_tokens=70), 2)])
    assert (max(running), most) == (1, 2 * BLOCK)
    assert first.tokens != second.tokens
    assert [[first, second]] == Engine(model).generate([(1, 2, 3)], replace(PARAMS, max_new_tokens=70), 2)


def test_by_default_half_of_what_is_free_and_promised_to_nobody_is_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(context=1024)
    per_token = model.config.kv_bytes_per_token(4)
    gc.collect()
    monkeypatch.setattr(memory, "_promised_to", type(memory._promised_to)())
    free = 10_000 * per_token
    monkeypatch.setattr(memory, "free_memory", lambda device: free)
    first, second = Engine(model), Engine(model)
    assert (first._runner.cache.slots, second._runner.cache.slots) == (5_000, 2_532)  # 64 of the first's are taken
    cache = first._runner.cache
    cache.fit(1024, 4)
    free -= cache.nbytes  # what is taken is no longer free, nor promised
    assert Engine(model)._runner.cache.slots == pytest.approx(1_250, abs=100)
    del first, second, cache
    gc.collect()
    free = 10_000 * per_token
    assert Engine(model)._runner.cache.slots == 5_000
    assert Engine(model, rows=2)._runner.cache.slots == 2 * 1024  # more it could not use


def test_the_youngest_steps_back_and_a_person_does_not() -> None:
    scheduler = Scheduler(8, 10_000, lambda length: max(1, 1000 // length))
    scheduler.submit(Request(0, (1,) * 10, replace(PARAMS, max_new_tokens=90), 2, 0))
    scheduler.submit(Request(1, (1,) * 10, replace(PARAMS, max_new_tokens=90), 2, 0))
    scheduler.submit(Request(2, (1,) * 10, replace(PARAMS, max_new_tokens=90), 1, 0, urgent=True))
    rows = scheduler.running = [row for _, rows in scheduler.admit() for row in rows]
    names = [(row.request.id, row.sample) for row in rows]
    assert names == [(2, 0), (0, 0), (0, 1), (1, 0), (1, 1)]
    assert scheduler.overflow(0) is None
    rows[1].tokens += [7] * 290  # three at a time now
    gone = []
    while (index := scheduler.overflow(0)) is not None:
        gone.append(rows.pop(index))
        scheduler.put_back(gone[-1])
    assert [(row.request.id, row.sample) for row in gone] == [(1, 1), (1, 0)]
    assert [request.id for request in scheduler.waiting] == [1]
    assert scheduler.overflow(200) == 2  # two, of which one is the person's
    assert scheduler.overflow(900) == 2
    rows[:] = rows[:1]
    assert scheduler.overflow(9000) is None  # it is alone
    assert [rows for _, rows in scheduler.admit()] == [[gone[1]], [gone[0]]]  # the older one first
    assert not scheduler.waiting


def test_who_stepped_back_goes_before_who_came_later() -> None:
    scheduler = Scheduler(4, 10_000, lambda length: 4 if length < 500 else 1)
    for i in range(6):
        scheduler.submit(Request(i, (i,) * 10, PARAMS, 1, i))
    rows = scheduler.running = [row for _, rows in scheduler.admit() for row in rows]
    assert len(rows) == 4
    for row in rows:
        row.tokens += [7] * 500
    while (index := scheduler.overflow(0)) is not None:
        scheduler.put_back(rows.pop(index))
    assert [request.id for request in scheduler.waiting] == [1, 2, 3, 4, 5]
    rows.clear()
    [(tokens, [row])] = scheduler.admit()
    assert (row.request.id, len(row.tokens)) == (1, 500)
    assert tokens == (1,) * 10 + (7,) * 500


def test_rows_enter_where_there_is_room_to_grow() -> None:
    """A short answer needs its own length, a chat that may fill the context so much more than it has."""

    def entered(new: int, length: int = 10) -> int:
        scheduler = Scheduler(64, 10_000, lambda length: max(1, 4096 // length))
        for i in range(64):
            scheduler.submit(Request(i, (1,) * length, replace(PARAMS, max_new_tokens=new), 1, i))
        return len(scheduler.admit())

    assert entered(54) == 64
    assert entered(118) == 4096 // 128
    assert entered(100_000) == 4096 // (10 + RESERVE)
    assert entered(5, length=5000) == 1
    scheduler = Scheduler(64, 10_000, lambda length: max(1, 4096 // length))
    scheduler.submit(Request(0, (1,) * 100, replace(PARAMS, max_new_tokens=156), 40, 0))  # 16 of 40 samples fit
    [(_, rows)] = scheduler.admit()
    assert [row.sample for row in rows] == list(range(16))
    scheduler.running = rows
    assert scheduler.admit() == []


@pytest.fixture
def crowded(model: Transformer) -> tuple[Engine, list[int]]:
    """An engine in which the second of two requests has stepped back, with some tokens."""
    model = tiny_model(context=1024)
    engine = Engine(model, rows=2, slots=768)
    requests = [engine.submit(prompt, PARAMS, sequence=i) for i, prompt in enumerate(PROMPTS[1:3])]
    engine.step()
    while len(engine._scheduler.running) == 2:
        engine.step()
    [row] = engine._scheduler.waiting[0].stepped_back
    assert len(row.tokens) > RESERVE
    return engine, requests


def test_a_row_that_stepped_back_can_be_cancelled_or_ended(crowded: tuple[Engine, list[int]]) -> None:
    engine, (first, second) = crowded
    with pytest.raises(AssertionError, match="in flight"):
        engine.refresh()
    tokens = tuple(engine._scheduler.waiting[0].stepped_back[0].tokens)
    assert engine.end(second, 0)
    assert not engine.end(second, 0)
    [[whole], [part]], _, _ = finish(engine, (first, second))
    assert (part.tokens, part.finish_reason) == (tokens, "cancelled")
    assert whole.finish_reason == "length"
    assert not engine._requests


def test_a_cancelled_request_takes_its_rows_that_stepped_back_along(crowded: tuple[Engine, list[int]]) -> None:
    engine, (first, second) = crowded
    engine.cancel(second)
    assert not engine._scheduler.waiting
    [[whole]], _, _ = finish(engine, [first])
    assert len(whole.tokens) == 600
    assert not engine._requests


def test_guides_streams_scores_and_readers_survive_a_step_back() -> None:
    model = tiny_model(context=1024, dtype=torch.bfloat16)
    scored = replace(PARAMS, max_new_tokens=400, top_logprobs=2, prompt_logprobs=True)

    def run(slots: int | None) -> tuple[list[list[Completion]], list[list[int]], list[Token], set[int]]:
        engine = Engine(model, rows=4, slots=slots, prefix_tokens=4096)
        put_back, stepped_back = engine._scheduler.put_back, set()

        def watched(row: Row) -> None:
            stepped_back.add(row.request.id)
            put_back(row)

        engine._scheduler.put_back = watched  # type: ignore[method-assign]
        guides = [Only(model.config.vocab_size, number) for number in (3, 5)]
        chat = engine.submit(PROMPTS[2], PARAMS, 1, 9, reader="ada")
        guided = engine.submit(PROMPTS[1], scored, 2, 0, guides=guides)
        streamed = list(engine.stream(PROMPTS[4], replace(PARAMS, max_new_tokens=500), 20))
        completions, _, _ = finish(engine, (guided, chat))
        return completions, [guide.told for guide in guides], streamed, stepped_back

    (*plenty, nobody), (*little, somebody) = run(None), run(1280)
    assert (nobody, somebody) == (set(), {1, 2})
    assert little == plenty


def test_a_reader_who_steps_back_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(context=1024)
    engine = Engine(model, rows=2, slots=768, prefix_tokens=2048)
    read: list[int] = []
    prefill = engine._runner.prefill

    def watched(prompts, pasts=()):  # type: ignore[no-untyped-def]
        read.extend(len(prompt) - (past.length if past else 0) for prompt, past in zip(prompts, pasts, strict=True))
        return prefill(prompts, pasts)

    monkeypatch.setattr(engine._runner, "prefill", watched)
    finish(engine, [engine.submit(prompt, PARAMS, sequence=i, reader="ada") for i, prompt in enumerate(PROMPTS[1:3])])
    assert read == [20, 7, 1]


@pytest.mark.parametrize(
    ("lines", "folder", "names"),
    [
        ("0::/a/b\n", "a/b", ("memory.max", "memory.current", "inactive_file")),
        ("0::/a/b\n", "a", ("memory.max", "memory.current", "inactive_file")),
        ("0::/../outside\n", "", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:cpu:/\n3:memory,x:/a\n0::/\n",
            "memory/a",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
    ids=["own", "above", "in a container", "version 1"],
)
def test_free_memory_is_what_a_control_group_leaves(lines, folder, names, tmp_path: Path, monkeypatch) -> None:
    cpu = torch.device("cpu")
    (tmp_path / "own").write_text(lines)
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    assert 2**20 < memory._of_machine() < 2**50
    monkeypatch.setattr(memory, "_of_machine", lambda: 10**10)
    monkeypatch.setattr(memory, "OWN_CGROUPS", tmp_path / "nowhere")
    assert memory.free_memory(cpu) == 10**10
    monkeypatch.setattr(memory, "OWN_CGROUPS", tmp_path / "own")
    assert memory.free_memory(cpu) == 10**10
    group = tmp_path / folder
    group.mkdir(parents=True, exist_ok=True)
    most, taken, forgettable = names
    (group / most).write_text("1000000\n")
    (group / taken).write_text("700000\n")
    (group / "memory.stat").write_text(f"anon 500000\n{forgettable} 100000\n")
    assert memory.free_memory(cpu) == 400_000
    (group / most).write_text("max\n")
    assert memory.free_memory(cpu) == 10**10


def test_a_person_enters_though_rollouts_have_the_memory() -> None:
    """The youngest rollouts step back for a chat that has a row and no room; for one that has no row, nobody does."""
    scheduler = Scheduler(8, 10_000, lambda length: max(1, 2048 // length))
    scheduler.submit(Request(0, (1,) * 100, replace(PARAMS, max_new_tokens=156), 7, 0))
    [(_, rows)] = scheduler.admit()
    scheduler.running = rows
    assert scheduler.in_the_way() is None
    scheduler.submit(Request(1, (1,) * 300, replace(PARAMS, max_new_tokens=212), 1, 0, urgent=True))  # four rows of 512
    gone = []
    while (index := scheduler.in_the_way()) is not None:
        gone.append(rows.pop(index))
        scheduler.put_back(gone[-1])
    assert [row.sample for row in gone] == [6, 5, 4, 3]
    [(_, [chat])] = scheduler.admit()
    assert chat.request.urgent
    rows.append(chat)
    scheduler.submit(Request(2, (1,) * 300, replace(PARAMS, max_new_tokens=212), 3, 0, urgent=True))
    while (index := scheduler.in_the_way()) is not None:
        assert not rows[index].request.urgent
        scheduler.put_back(rows.pop(index))
    assert rows == [chat]
    scheduler.running = [Row(Request(9, (1,), PARAMS, 1, 0), 0) for _ in range(8)]
    assert scheduler.in_the_way() is None


def test_nobody_steps_back_for_a_chat_that_would_not_fit_even_then() -> None:
    scheduler = Scheduler(8, 10_000, lambda length: max(1, 2048 // length))
    short = replace(PARAMS, max_new_tokens=100)
    chats = [Request(i, (1,) * 100, short, 1, 0, urgent=True) for i in range(2)]
    rollouts = [Request(i, (1,) * 100, short, 1, 0) for i in (2, 3)]
    scheduler.running = [Row(request, 0) for request in (*chats, *rollouts)]
    scheduler.submit(Request(4, (1,) * 900, PARAMS, 1, 0, urgent=True))  # one of this length, beside nobody
    assert scheduler.in_the_way() is None
    del scheduler.running[:2]  # without the chats it would
    assert scheduler.in_the_way() is not None


def test_rollouts_enter_in_groups_where_memory_limits_the_rows() -> None:
    """A quarter of the eight that there is memory for, of 64."""
    scheduler = Scheduler(64, 10_000, lambda length: max(1, 1024 // length))
    for i in range(20):
        scheduler.submit(Request(i, (1,) * 100, replace(PARAMS, max_new_tokens=28), 1, i))
    scheduler.running = [row for _, rows in scheduler.admit() for row in rows]
    assert len(scheduler.running) == 8
    scheduler.running.pop()
    assert scheduler.admit() == []
    scheduler.running.pop()
    assert len(scheduler.admit()) == 2


def test_nobody_steps_back_for_tokens_that_are_never_drawn() -> None:
    """Drawn ahead eight at a time, of rows that end within their block."""
    model = tiny_model(context=256)
    engine = Engine(model, rows=8, slots=8 * 128, draws_ahead=True)
    read: list[int] = []
    prefill = engine._runner.prefill

    def watched(prompts, pasts=()):  # type: ignore[no-untyped-def]
        read.extend(map(len, prompts))
        return prefill(prompts, pasts)

    engine._runner.prefill = watched  # type: ignore[method-assign]
    engine.generate([random_tokens(60, i) for i in range(8)], replace(PARAMS, max_new_tokens=68))
    assert read == [60] * 8


def test_a_single_answer_has_a_single_row(model: Transformer) -> None:
    engine = Engine(tiny_model(context=1024), rows=64)
    engine.generate([(1, 2, 3)], replace(PARAMS, max_new_tokens=200))
    assert engine._runner.cache.rows == 1
    engine.generate([(1, 2, 3)] * 5, PARAMS)
    assert engine._runner.cache.rows == 8


def test_slabs_get_fewer_as_they_get_longer_and_keep_what_is_in_use() -> None:
    config = tiny_model(context=1024).config
    cache = KVCache(config, 10, 1024, torch.float32, torch.device("cpu"), slots=1500)
    assert [cache.rows_at(length) for length in (1, 64, 65, 150, 700, 1024)] == [10, 10, 10, 7, 2, 1]
    cache.fit(100, 10)
    numbers = torch.randn(7, config.kv_heads, 100, config.head_width)
    cache.keys[0][:7, :, :100] = numbers
    cache.fit(150, 7)
    assert cache.keys[0].shape[0] == cache.rows == 7
    assert torch.equal(cache.keys[0][:, :, :100], numbers)
    assert not cache.keys[0][:, :, 128:].any()
    cache.fit(60, 3)
    assert (cache.rows, cache.length) == (4, 64)
    assert torch.equal(cache.keys[0][:3, :, :64], numbers[:3, :, :64])
    with pytest.raises(AssertionError, match="memory"):
        cache.fit(700, 3)
