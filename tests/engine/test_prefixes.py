"""A conversation's next turn reads only what is new, and says what it would have said after reading all of it."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from mynah.engine import Engine
from mynah.engine.prefixes import Past, Prefixes
from mynah.engine.runner import Prefill
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, SamplingParams
from tests.model.tiny import random_tokens, tiny_model

PARAMS = SamplingParams(max_new_tokens=9, seed=3, top_logprobs=2)


class Counting(Engine):
    """The real one, that remembers how many tokens each prefill read."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.read: list[int] = []
        prefill = self._runner.prefill

        def counted(prompts: Sequence[Sequence[int]], pasts: Sequence[Past | None] = ()) -> Prefill:
            made = prefill(prompts, pasts)
            self.read.append(len(made.hidden))
            return made

        self._runner.prefill = counted  # type: ignore[method-assign]


def ask(engine: Engine, asked: Sequence[tuple[str, tuple[int, ...]]], n: int = 1) -> list[list[Completion]]:
    requests = [engine.submit(prompt, PARAMS, n, 10 * i, reader=reader) for i, (reader, prompt) in enumerate(asked)]
    while not all(len(engine._requests[request].done) == n for request in requests):
        engine.step()
    return [engine.collect(request) for request in requests]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize(
    "shape", [{}, {"architecture": "qwen3", "kv_heads": 1, "head_width": 8}], ids=["llama", "qwen3"]
)
def test_five_turns_of_three_people_come_out_as_without_a_cache(dtype: torch.dtype, shape: dict[str, Any]) -> None:
    """Ragged talks in one batch, on both sides of a block of the cache; in bf16 bit for bit, log p included."""
    model = tiny_model(dtype=dtype, context=512, **shape)
    cached, plain = Counting(model, rows=8, prefix_tokens=4096), Counting(model, rows=8)
    talks = {"ann": random_tokens(61, seed=1), "bob": random_tokens(130, seed=2), "": random_tokens(70, seed=3)}
    for turn in range(5):
        asked = list(talks.items())
        answers, expected = ask(cached, asked, n=2), ask(plain, asked, n=2)
        for mine, theirs in zip(answers, expected, strict=True):
            assert [c.tokens for c in mine] == [c.tokens for c in theirs]
            for one, other in zip(mine, theirs, strict=True):
                assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
                if dtype == torch.bfloat16:
                    assert one == other
        for reader, some in zip(talks, answers, strict=True):
            talks[reader] += some[turn % 2].tokens + random_tokens(3 + 5 * turn, seed=10 + turn)
    last = {reader: len(talk) - 9 - 23 for reader, talk in talks.items()}  # as they stood when asked the last time
    assert plain.read[-1] == sum(last.values())
    assert cached.read[-1] == last[""] + 2 * (9 + 3 + 5 * 3 - 9 + 1)  # nobody's in whole; of the others what is new


def test_nobody_finds_what_another_left(model: Transformer) -> None:
    engine, prompt = Counting(model, prefix_tokens=1000), random_tokens(100)
    ask(engine, [("ann", prompt)])
    ask(engine, [("bob", prompt)])
    ask(engine, [("ann", prompt)])
    ask(engine, [("ann", prompt[:80])])
    assert engine.read == [100, 100, 1, 1]  # the last token is always read: the answer begins with its hidden state


def test_new_weights_read_anew(model: Transformer) -> None:
    engine, prompt = Counting(model, prefix_tokens=1000), random_tokens(100)
    ask(engine, [("ann", prompt)])
    engine.refresh()
    ask(engine, [("ann", prompt)])
    assert engine.read == [100, 100]


def test_the_room_is_bounded_and_the_oldest_goes(model: Transformer) -> None:
    kept = Prefixes(300)
    for i in range(5):
        kept.keep("ann", (i,) * 100, Past(100, [], []))
        assert kept.find("ann", (0,) * 101)  # used all the time
    assert [key[1][0] for key in kept._kept] == [3, 4, 0]
    kept.keep("ann", (4,) * 150, Past(150, [], []))  # goes on where another ended, and takes its place
    assert [len(key[1]) for key in kept._kept] == [100, 150]
    kept.keep("ann", (9,) * 301, Past(301, [], []))
    kept.keep("ann", (9,) * 31, Past(31, [], []))
    assert len(kept._kept) == 2  # neither one over the room, nor one not worth it
    assert kept.find("ann", (0,) * 32) is None  # 31 tokens and the last


def test_an_answer_that_is_stopped_leaves_what_it_said(model: Transformer) -> None:
    engine, prompt = Counting(model, prefix_tokens=1000), random_tokens(80)
    request = engine.submit(prompt, PARAMS, reader="ann")
    said = [engine.step()[0].id for _ in range(4)]
    engine.cancel(request)
    ask(engine, [("ann", (*prompt, *said, 1, 2))])
    assert engine.read == [80, 3]  # the last of what was said, and the two behind it
