"""The arrays of rows in flight say what the rows themselves say, whatever comes and goes."""

import random
from dataclasses import replace

import pytest
import torch

from mynah.engine import Engine, scheduler
from mynah.engine.flight import Flight
from mynah.engine.scheduler import Request, Row
from mynah.nouns import SamplingParams
from tests.model.tiny import random_tokens, tiny_model

PARAMS = SamplingParams(max_new_tokens=40)


@pytest.mark.parametrize("ahead", [False, True], ids=["step by step", "drawn ahead"])
def test_arrays_say_what_the_rows_say(ahead: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """While rows of other seeds and temperatures enter, end, are ended, cancelled, and step back for want of memory."""
    monkeypatch.setattr(scheduler, "RESERVE", 8)
    rng = random.Random(1)
    engine = Engine(tiny_model(context=256), rows=6, slots=64 * 5, draws_ahead=ahead)
    alive, seen, stepped_back = [], 0, 0
    for step in range(400):
        if rng.random() < 0.3:
            params = replace(
                PARAMS,
                seed=rng.randrange(2**40),
                temperature=rng.choice([0.0, 0.5, 1.0]),
                top_p=rng.choice([1.0, 0.9]) if not ahead else 1.0,
                max_new_tokens=rng.randint(1, 90),
            )
            prompt = random_tokens(rng.randint(1, 90), seed=step)
            alive.append((engine.submit(prompt, params, n := rng.randint(1, 3)), n))
        engine.step(4)
        if alive and rng.random() < 0.1:
            request, n = rng.choice(alive)
            engine.end(request, rng.randrange(n))
        if alive and rng.random() < 0.05:
            engine.cancel(alive.pop(rng.randrange(len(alive)))[0])
        rows = engine._scheduler.running
        numbers, temperatures = engine._flight.inputs
        assert numbers.tolist() == [
            [row.tokens[-1] for row in rows],
            [row.length - 1 for row in rows],
            [row.request.params.seed for row in rows],
            [row.request.first_sequence + row.sample for row in rows],
        ]
        assert temperatures.tolist() == [row.request.params.temperature for row in rows]
        counters, same = engine._flight.counters()
        assert counters.tolist() == [*numbers[2:].tolist(), [row.length for row in rows]]
        assert torch.equal(same, temperatures)
        seen += len(rows)
        stepped_back += sum(len(request.stepped_back) for request in engine._scheduler.waiting)
    assert seen > 300
    assert stepped_back > 0


def test_a_row_whose_draw_failed_goes_on_from_its_prompt() -> None:
    flight = Flight(4)
    flight.enter([Row(Request(0, (7, 8, 9), PARAMS, 1, 0), 0)])
    tokens, positions = flight.newest
    assert (tokens.tolist(), positions.tolist()) == ([9], [2])
