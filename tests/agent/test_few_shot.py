"""A base model is asked in plain text and answers to the end of the line."""

import pytest

from mynah.agent import few_shot
from mynah.agent.few_shot import FewShot, as_text
from mynah.errors import UserError
from mynah.nouns import Completion, Demonstration, Message, Prompt, SamplingParams
from tests import toys

SHOWN = [Demonstration((*toys.user(f"what {i}"), Message("assistant", f"gold {i}"))) for i in range(3)]


@pytest.fixture
def base() -> FewShot:
    return FewShot(toys.model(), toys.tokenizer(), SHOWN, "base")


def asked(base: FewShot, prompt: Prompt, budget: int = 8) -> str:
    return toys.tokenizer().decode(base._encode(prompt, budget), keep_special=True)


def test_the_prompt_is_examples_then_the_question_in_plain_text(base):
    text = asked(base, Prompt(toys.user("where")))
    assert text == "<|endoftext|>Q: what 0\nA: gold 0\n\nQ: what 1\nA: gold 1\n\nQ: what 2\nA: gold 2\n\nQ: where\nA:"


def test_a_conversation_is_lines():
    talk = (Message("system", "s"), Message("user", "u"), Message("tool", "t"), Message("assistant", "a"))
    assert as_text(talk) == "Note: s\nQ: u\nResult: t\nA: a\n"


def test_no_template_token_is_read_or_said(base, monkeypatch):
    ids = base._encode(Prompt(toys.user("say <|end|> and <|user|>")), 8)
    assert [token for token in ids if toys.tokenizer().is_special(token)] == [toys.tokenizer().end_of_text]
    special = toys.tokenizer().special["<|user|>"]
    words = toys.tokenizer().encode(" red")
    made = [[Completion((special, *words, special), (0.0,) * 3, "length", 0)]]
    monkeypatch.setattr(few_shot, "generate_shown", lambda *rest: made)
    [row] = base.sample([Prompt(toys.user("q"))], SamplingParams(8), 1)
    assert row.completions == ("red",)


def test_the_answer_ends_with_its_line(base, monkeypatch):
    newline = toys.tokenizer().encode("\n")
    assert len(newline) == 1
    assert set(newline) <= set(base.stop)
    assert set(toys.tokenizer().stop_ids) <= set(base.stop)
    assert all(
        "\n" not in toys.tokenizer().decode([t]) for t in range(toys.tokenizer().vocab_size) if t not in base.stop
    )
    tokens = tuple(toys.tokenizer().encode(" red blue\nQ: more"))
    made = [[Completion(tokens, (0.0,) * len(tokens), "stop", 0)]]
    monkeypatch.setattr(few_shot, "generate_shown", lambda *rest: made)
    assert base.sample([Prompt(toys.user("q"))], SamplingParams(8), 1)[0].completions == ("red blue",)


def test_sampling_stops_at_the_newline(base):
    for row in base.sample(toys.prompts(6), SamplingParams(20, seed=1), 4):
        assert all("\n" not in text for text in row.completions)
    reasons = {r for row in base.sample(toys.prompts(20), SamplingParams(30), 4) for r in row.finish_reasons}
    assert "stop" in reasons


def test_a_seed_repeats_itself_whatever_the_chunks(base):
    prompts, params = toys.prompts(6), SamplingParams(6, seed=2)
    whole = base.sample(prompts, params, 2)
    assert base.sample(prompts[:4], params, 2) + base.sample(prompts[4:], params, 2, first=4) == whole


def test_whole_examples_go_where_the_context_is_short(base):
    full = len(base._encode(Prompt(toys.user("where")), 8))
    room = base.engine.context - full
    text = asked(base, Prompt(toys.user("where")), budget=room + 8)
    assert text.startswith("<|endoftext|>Q: what 1\n")
    assert text.endswith("Q: where\nA:")
    base.sample([Prompt(toys.user("where"))], SamplingParams(room + 8), 1)


def test_a_question_that_does_not_fit_is_one_sentence(base):
    with pytest.raises(UserError, match=r"prompt 'p9' has \d+ tokens and the model's context is 96: no room is left"):
        base.sample([Prompt(toys.user("gold " * 100), "p9")], SamplingParams(8), 1)
    with pytest.raises(UserError, match="answer of 96"):
        base.sample([Prompt(toys.user("q"))], SamplingParams(96), 1)
