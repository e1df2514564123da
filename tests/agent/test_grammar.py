"""Forced answers of a random model, which would say anything: all that end are whole and as their schema wants."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mynah.agent.grammar import Vocabulary, json_text, tool_call
from mynah.agent.guides import Form, FormGuide
from mynah.engine import Engine
from mynah.errors import UserError
from mynah.nouns import Completion, SamplingParams
from mynah.tokens import Tokenizer
from tests import toys
from tests.tokens import folders

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "天", 3, None]}, "maxItems": 3},
        "home": {"$ref": "#/$defs/place"},
    },
    "required": ["name", "age", "home"],
    "additionalProperties": False,
    "$defs": {"place": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"at": {"type": "number"}}}]}},
}
TREE = {
    "type": "object",
    "properties": {"leaf": {"type": "boolean"}, "under": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2}},
    "required": ["leaf"],
    "additionalProperties": False,
}
SCHEMAS: dict[str, dict[str, Any] | None] = {
    "object": None,
    "person": PERSON,
    "tree": TREE,
    "date": {"type": "object", "properties": {"on": {"type": "string", "format": "date"}}, "required": ["on"]},
    "pattern": {"type": "string", "pattern": "^[a-f]{2,4}-[0-9]+$"},
    "either": {"oneOf": [{"type": "boolean"}, {"const": {"a": [1, 2]}}, {"type": "array", "maxItems": 2}]},
    "map": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 3},
}


def vocabulary(tokenizer: Tokenizer | None = None) -> Vocabulary:
    tokenizer = tokenizer or toys.tokenizer()
    return Vocabulary(tokenizer, tokenizer.vocab_size)


def say(form: Form, n: int = 16, budget: int = 200, seed: int = 0) -> tuple[list[Completion], list[FormGuide]]:
    """`n` answers of a random model."""
    engine = Engine(toys.model(context=512), rows=n)
    params = SamplingParams(budget, seed=seed, stop=toys.tokenizer().stop_ids)
    guides = [form.begin() for _ in range(n)]
    request = engine.submit(toys.tokenizer().encode("what"), params, n, guides=guides)
    while len(engine._requests[request].done) < n:
        engine.step()
    return engine.collect(request), guides


def form(**more: Any) -> Form:
    """Of short answers: the bias to what closes is small for a model whose logits are this sharp."""
    closing = {toys.tokenizer().encode(mark)[0]: 3.0 for mark in '"}]'} | {toys.tokenizer().end_of_turn: 3.0}
    closing |= {more["markers"][0]: 3.0} if "markers" in more else {}
    return Form(toys.tokenizer().vocab_size, toys.tokenizer().stop_ids, logit_bias=closing, **more)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_finished_answer_is_json_by_its_schema(name: str) -> None:
    schema = SCHEMAS[name]
    completions, guides = say(form(text=vocabulary().compile(json_text(schema))))
    valid = jsonschema_rs.validator_for(schema or {"type": "object"}, validate_formats=True)
    ended = [c for c in completions if c.finish_reason == "stop"]
    assert len(ended) > 8
    for completion in ended:
        valid.validate(json.loads(toys.tokenizer().decode(completion.tokens)))
        assert not any(toys.tokenizer().is_special(token) for token in completion.tokens[:-1])
    assert not any(guide.lost for guide in guides)


TOOLS = [
    {"name": "find", "parameters": PERSON},
    {"name": 'say "天"', "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
    {"name": "now"},
]


def calls(completion: Completion) -> list[str]:
    """What stands between the markers; all else must be nothing."""
    text = toys.tokenizer().decode(completion.tokens[:-1], keep_special=True)
    assert text.startswith("<tool_call>")
    assert text.endswith("</tool_call>")
    return text.removeprefix("<tool_call>").removesuffix("</tool_call>").split("</tool_call><tool_call>")


@pytest.mark.parametrize("parallel", [False, True])
def test_demanded_calls_are_calls_by_their_schema(parallel: bool) -> None:
    call = vocabulary().compile(tool_call(TOOLS))
    markers = (toys.tokenizer().special["<tool_call>"], toys.tokenizer().special["</tool_call>"])
    completions, _ = say(form(call=call, markers=markers, must_call=True, parallel=parallel))
    ended = [calls(c) for c in completions if c.finish_reason == "stop"]
    assert len(ended) > 8
    assert {len(made) for made in ended} == {1} if not parallel else max(len(made) for made in ended) > 1
    names = set()
    for made in (json.loads(text) for some in ended for text in some):
        [tool] = [tool for tool in TOOLS if tool["name"] == made["name"]]
        names.add(made["name"])
        nothing = {"type": "object", "additionalProperties": False}
        jsonschema_rs.validator_for(tool.get("parameters", nothing)).validate(made["arguments"])
    assert len(names) > 1


def test_free_text_stays_free_until_a_call_begins() -> None:
    """An answer without a call is the one that is given without tools; one with a call is the same up to there."""
    call = vocabulary().compile(tool_call(TOOLS))
    markers = (toys.tokenizer().special["<tool_call>"], toys.tokenizer().special["</tool_call>"])
    guided, _ = say(form(call=call, markers=markers), n=32)
    plain, _ = say(form(markers=markers), n=32)
    begun = 0
    for one, other in zip(guided, plain, strict=True):
        at = one.tokens.index(markers[0]) + 1 if markers[0] in one.tokens else None
        assert one.tokens[:at] == other.tokens[:at]
        if at and markers[1] in one.tokens[at:]:
            begun += 1
            json.loads(toys.tokenizer().decode(one.tokens[at : one.tokens.index(markers[1], at)]))
    assert begun > 1


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "wibble"}, "Invalid type: wibble."),
        ({"type": "array", "uniqueItems": True}, 'cannot be enforced, leave them out: ["uniqueItems"]'),
        ({"type": "string", "pattern": "(?=x)"}, "regex parse error: look-around"),
        ({"$ref": "http://example.org/a"}, "Default retriever does not fetch"),
        ({"$ref": "#/$defs/gone"}, "does not exist"),
        ({"type": "integer", "minimum": 5, "maximum": 3}, "Unsatisfiable"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, "oneOf constraints are not supported.$"),
        ({"items": [{"minProperties": 2}]}, "minProperties over 1 cannot be enforced"),
        ({"properties": {"a": 5}}, "must be an object or boolean"),
    ],
)
def test_a_schema_that_cannot_be_enforced_is_refused(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=reason.replace("[", r"\[")) as refused:
        vocabulary().compile(json_text(schema))
    assert "\n" not in str(refused.value)


def test_tools_are_taken_leniently_unless_strict() -> None:
    tool = {"name": "a", "parameters": {"properties": {"b": {"type": "array", "uniqueItems": True}}}}
    vocabulary().compile(tool_call([tool]))
    with pytest.raises(UserError, match="uniqueItems"):
        vocabulary().compile(tool_call([tool | {"strict": True}]))
    with pytest.raises(UserError, match="the parameters of 'a' must be a JSON schema of an object"):
        tool_call([{"name": "a", "parameters": {"type": "string"}}])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@pytest.mark.parametrize("family", ["chatml", "llama3", "sentencepiece", "llama2"])
def test_any_tokenizer_can_spell_what_a_schema_wants(family: str, tmp_path: Path) -> None:
    """A schema of one value leaves one text; whatever tokens a greedy speller takes, they decode to that value."""
    getattr(folders, family)(tmp_path)
    tokenizer = Tokenizer.load(tmp_path)
    words = Vocabulary(tokenizer, tokenizer.vocab_size + 3)
    spaces = torch.zeros(words.size)  # 20 are allowed in each place: a speller that likes them writes for long
    spaces[[i for i in range(tokenizer.vocab_size) if tokenizer.token_bytes(i).isspace()]] = 9.0

    @settings(max_examples=15, deadline=None)
    @given(VALUES)
    def holds(value: Any) -> None:
        guide = Form(words.size, (tokenizer.end_of_turn,), words.compile(json_text({"const": value}))).begin()
        ids: list[int] = []
        noise = torch.rand(words.size, generator=torch.Generator().manual_seed(0))
        while tokenizer.end_of_turn not in ids:
            bias = guide.bias()
            assert bias is not None
            ids.append(int((noise + bias - spaces).argmax()))
            guide.advance(ids[-1])
            assert len(ids) < 400
        assert json.loads(tokenizer.decode(ids[:-1])) == value
        assert not guide.lost

    holds()


def test_penalties_and_biases_count_what_was_said() -> None:
    guide = Form(5, (0,), logit_bias={1: 2.0}, presence_penalty=0.5, frequency_penalty=0.25).begin()
    for token in (3, 3, 4):
        guide.advance(token)
    bias = guide.bias()
    assert bias is not None
    assert bias.tolist() == [0.0, 2.0, 0.0, -1.0, -0.75]
