"""One assistant turn: prompts that fit, samples that a seed repeats, a stream that says what sampling says."""

import pytest

from mynah.agent.assistant import Assistant, encode_prompts
from mynah.errors import UserError
from mynah.model.sizes import ModelConfig
from mynah.model.transformer import Transformer
from mynah.nouns import Message, Prompt, SamplingParams
from tests import toys

PROMPTS = toys.prompts(9, seed=4)
PARAMS = SamplingParams(8, seed=3)


def test_prompts_are_the_chat_formats(assistant):
    assert assistant.encode_prompts(PROMPTS) == [toys.chat().encode_prompt(p.messages) for p in PROMPTS]


def test_a_prompt_that_leaves_no_room_is_one_sentence():
    ids = toys.chat().encode_prompt(PROMPTS[1].messages)
    assert encode_prompts(toys.chat(), PROMPTS[1:2], len(ids) + 1) == [ids]
    with pytest.raises(
        UserError, match=rf"prompt 1 \(p1\) has {len(ids)} tokens and the model's context is {len(ids)}"
    ):
        encode_prompts(toys.chat(), PROMPTS[1:2], len(ids))
    nameless = Prompt(toys.user("gold " * 200))
    with pytest.raises(UserError, match=r"prompt 2 has .*no room is left for an answer\. Shorten it"):
        encode_prompts(toys.chat(), [PROMPTS[0], nameless], 96)


def test_a_model_too_small_for_the_tokenizer_is_refused():
    config = ModelConfig.of_size(32, 1, 100, 64, True, "llama")
    with pytest.raises(UserError, match="a tokenizer that does not fit"):
        Assistant(Transformer(config), toys.tokenizer(), "toy")


def test_samples_are_answers_without_template_tokens(assistant):
    rows = assistant.sample(PROMPTS, PARAMS, 3)
    assert [row.prompt for row in rows] == PROMPTS
    for row in rows:
        assert row.model == "toy"
        assert len(row.completions) == len(row.finish_reasons) == 3
        assert all("<" not in text and text == text.strip() for text in row.completions)
    assert {"stop"} <= {reason for row in rows for reason in row.finish_reasons} <= {"stop", "length"}


def test_a_seed_repeats_itself_whatever_the_chunks(assistant):
    whole = assistant.sample(PROMPTS, PARAMS, 2)
    assert assistant.sample(PROMPTS, PARAMS, 2) == whole
    parts = [row for start in (0, 4, 8) for row in assistant.sample(PROMPTS[start : start + 4], PARAMS, 2, "", start)]
    assert parts == whole
    one_row = Assistant(toys.policy(), toys.tokenizer(), "toy", rows=1)
    assert one_row.sample(PROMPTS, PARAMS, 2) == whole
    assert assistant.sample(PROMPTS, SamplingParams(8, seed=4), 2) != whole
    assert assistant.sample(PROMPTS[4:], PARAMS, 2) != whole[4:]  # `first` is what makes them equal


def test_the_stream_says_what_sampling_says(assistant):
    for prompt in PROMPTS:
        [row] = assistant.sample([prompt], SamplingParams(8, temperature=0.0), 1)
        pieces = list(assistant.stream(prompt.messages, SamplingParams(8, temperature=0.0)))
        assert "".join(pieces).strip() == row.completions[0]
        assert len(pieces) > 1
    [drawn] = assistant.sample(PROMPTS[:1], PARAMS, 1, first=7)
    assert "".join(assistant.stream(PROMPTS[0].messages, PARAMS, sequence=7)).strip() == drawn.completions[0]


def test_a_stream_that_is_left_frees_its_row(assistant):
    stream = assistant.stream(PROMPTS[0].messages, PARAMS)
    next(stream)
    stream.close()
    assistant.engine.refresh()  # asserts that nothing is in flight
    assert assistant.sample(PROMPTS[:2], PARAMS, 1)


def test_a_checkpoint_answers_as_the_model_does(assistant):
    loaded = Assistant.load(toys.policy_folder(), toys.CPU, "toy")
    assert loaded.sample(PROMPTS, PARAMS, 1) == assistant.sample(PROMPTS, PARAMS, 1)


def test_the_system_message_and_earlier_turns_are_read(assistant):
    talk = (Message("system", "be brief"), *PROMPTS[0].messages, Message("assistant", "red"), *PROMPTS[1].messages)
    assert assistant.encode_prompts([Prompt(talk)]) == [toys.chat().encode_prompt(talk)]
    assert "".join(assistant.stream(talk, PARAMS))
