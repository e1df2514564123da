"""JSON, calls of tools, biases and penalties, asked for with the official client; the model is random and would not."""

import json
from typing import Literal

import jsonschema_rs
import openai
import pydantic
import pytest

from tests import toys
from tests.server.conftest import parrot, served, service, serving

ASK = [{"role": "user", "content": "你好, what is in the hill? 🙂"}]
SHORT = {str(toys.tokenizer().encode(mark)[0]): 7.0 for mark in '"}]'} | {str(toys.tokenizer().end_of_turn): 4.0}
BASE = {"model": "tiny", "messages": ASK, "seed": 7, "max_tokens": 150, "logit_bias": SHORT}
PLACE = {
    "type": "object",
    "properties": {"where": {"enum": ["hill", "wood"]}, "deep": {"type": "integer"}},
    "required": ["where", "deep"],
    "additionalProperties": False,
}
TOOLS = [
    {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": PLACE}},
    {"type": "function", "function": {"name": "now"}},
]


def by_schema(schema):
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def streamed(client, **request):
    """Per choice: text, calls [(name, arguments)], finish reason."""
    texts, calls, ends = {}, {}, {}
    for chunk in client.chat.completions.create(**request, stream=True):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
            for call in choice.delta.tool_calls or []:
                assert call.index == len(calls.setdefault(choice.index, []))
                calls[choice.index].append((call.function.name, call.function.arguments))
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
    return texts, calls, ends


def test_json_is_what_comes_whole_or_streamed(client):
    for schema, form in ((PLACE, by_schema(PLACE)), ({"type": "object"}, {"response_format": {"type": "json_object"}})):
        request = BASE | form | {"n": 8}
        answer = client.chat.completions.create(**request)
        assert streamed(client, **request) == (
            {choice.index: choice.message.content for choice in answer.choices},
            {},
            {choice.index: choice.finish_reason for choice in answer.choices},
        )
        ended = [choice for choice in answer.choices if choice.finish_reason == "stop"]
        assert len(ended) > 4
        for choice in ended:
            jsonschema_rs.validator_for(schema).validate(json.loads(choice.message.content))


def test_json_that_is_cut_ends_with_length(client):
    answer = client.chat.completions.create(**BASE | by_schema(PLACE) | {"max_tokens": 5}).choices[0]
    assert answer.finish_reason == "length"
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(answer.message.content)


def test_the_clients_own_parsing_of_a_pydantic_model(client):
    class Place(pydantic.BaseModel):
        where: Literal["hill", "wood"]
        deep: int

    parsed = client.chat.completions.parse(**BASE, response_format=Place).choices[0].message.parsed
    assert isinstance(parsed, Place)


def test_the_clients_own_parsing_of_a_pydantic_tool(client):
    class Dig(pydantic.BaseModel):
        deep: int

    tools = [openai.pydantic_function_tool(Dig)]
    message = client.chat.completions.parse(**BASE, tools=tools, tool_choice="required").choices[0].message
    assert isinstance(message.tool_calls[0].function.parsed_arguments, Dig)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look"}}])
def test_a_call_that_is_demanded_comes(client, choice):
    request = BASE | {"tools": TOOLS, "tool_choice": choice, "n": 8}
    answer = client.chat.completions.create(**request)
    made = {}
    for one in answer.choices:
        assert one.finish_reason in ("tool_calls", "length")
        made[one.index] = [(c.function.name, c.function.arguments) for c in one.message.tool_calls or []]
        if one.finish_reason == "tool_calls":
            assert one.message.content is None
            assert made[one.index]
    assert streamed(client, **request)[1] == {index: calls for index, calls in made.items() if calls}
    names = {name for calls in made.values() for name, _ in calls}
    assert names == ({"look", "now"} if choice == "required" else {"look"})
    for name, arguments in (call for calls in made.values() for call in calls):
        jsonschema_rs.validator_for(PLACE if name == "look" else {"maxProperties": 0}).validate(json.loads(arguments))


def test_one_call_at_most_where_calls_are_not_parallel(client):
    request = BASE | {"tools": TOOLS, "tool_choice": "required", "n": 8, "parallel_tool_calls": False}
    for choice in client.chat.completions.create(**request).choices:
        assert len(choice.message.tool_calls or []) == (choice.finish_reason == "tool_calls")


def test_a_call_that_has_begun_is_valid_though_the_model_says_nonsense():
    """The model opens a call and would go on with `gold gold …`; what comes is a call by the schema."""
    model, tokenizer = parrot(), toys.tokenizer()
    nonsense = tokenizer.encode("gold gold gold")
    model.assistant.engine.ids = [*tokenizer.encode("Well"), tokenizer.marker("<tool_call>"), *nonsense * 20]
    with serving(service(model)) as address:
        choice = address.openai().chat.completions.create(**BASE | {"tools": TOOLS[:1]}).choices[0]
        [call] = choice.message.tool_calls
        assert choice.message.content.startswith("Well")
        jsonschema_rs.validator_for(PLACE).validate(json.loads(call.function.arguments))


def test_json_or_a_call(client):
    request = BASE | by_schema(PLACE) | {"tools": TOOLS[1:], "n": 8}
    request["logit_bias"] = SHORT | {str(toys.tokenizer().special["<tool_call>"]): 4.0}
    kinds = set()
    for choice in client.chat.completions.create(**request).choices:
        if choice.finish_reason == "stop":
            jsonschema_rs.validator_for(PLACE).validate(json.loads(choice.message.content))
        kinds.add(choice.finish_reason)
    assert {"stop", "tool_calls"} <= kinds


def test_a_round_trip_with_a_tool(client, recorded):
    """The call goes back as the client has it, with its result; the model reads both."""
    request = BASE | {"tools": TOOLS, "tool_choice": TOOLS[0] | {"function": {"name": "look"}}}
    message = client.chat.completions.create(**request, parallel_tool_calls=False).choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "a <|end|> of gold"}
    client.chat.completions.create(**BASE | {"tools": TOOLS, "messages": [*ASK, message, result]})
    assert (recorded[-2].steered, recorded[-1].steered) == (("calls", "bias"), ("calls", "bias"))
    told = toys.tokenizer().decode(recorded[-1].prompt, keep_special=True)
    arguments = json.dumps(json.loads(message.tool_calls[0].function.arguments), ensure_ascii=False)
    assert f'<tool_call>{{"name": "look", "arguments": {arguments}}}</tool_call><|end|><|tool|>a <|end|> of' in told
    assert recorded[-1].prompt.count(toys.tokenizer().end_of_turn) == 4  # tools, question, call, result


def test_what_others_ask_for_changes_nothing_here(client):
    """Unforced answers are bit for bit the same beside forced ones in the same batch."""
    plain = {"model": "tiny", "messages": ASK, "seed": 7, "max_tokens": 40, "logprobs": True, "n": 2}
    alone = client.chat.completions.create(**plain).choices
    with client.chat.completions.create(**BASE | by_schema(PLACE) | {"n": 8}, stream=True) as beside:
        next(iter(beside))
        together = client.chat.completions.create(**plain).choices
    assert [c.message.content for c in together] == [c.message.content for c in alone]


def test_a_bias_and_penalties_do_what_they_say(client):
    def say(**more):
        request = {"model": "tiny", "messages": ASK, "seed": 7, "max_tokens": 60, "temperature": 0, "logprobs": True}
        entries = client.chat.completions.create(**request | more).choices[0].logprobs.content
        return [bytes(entry.bytes) for entry in entries]

    def distinct(said):
        return len(set(said)) / len(said)

    forced = str(toys.tokenizer().encode("cat")[0])
    assert set(say(logit_bias={forced: 100})) == {toys.tokenizer().token_bytes(int(forced))}
    assert toys.tokenizer().token_bytes(int(forced)) not in say(logit_bias={forced: -100})
    varied = say(frequency_penalty=2, presence_penalty=2)
    assert distinct(say(frequency_penalty=-2)) < distinct(say()) < distinct(varied)
    answer = client.completions.create(model="tiny", prompt="what", max_tokens=9, logit_bias={forced: 100})
    assert answer.choices[0].text == "cat" * 9


def tool(parameters):
    return {"type": "function", "function": {"name": "a", "parameters": parameters}}


@pytest.mark.parametrize(
    ("change", "param", "message"),
    [
        (by_schema({"type": "wibble"}), "response_format", "Invalid schema in 'response_format': Invalid type: wibble"),
        (by_schema({"type": "array", "uniqueItems": True}), "response_format", "leave them out"),
        (by_schema({"enum": ["x" * 300_000]}), "response_format", "longer than 200000 characters"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "Missing required parameter"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": 3}}},
            None,
            "json_schema.name",
        ),
        ({"tools": [tool(3)]}, "tools", "of an object"),
        ({"tools": [tool({"type": 3})]}, "tools", "of an object"),
        ({"tools": TOOLS, "tool_choice": "perhaps"}, None, ""),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "b"}}}, "tool_choice", "look, now"),
        ({"tool_choice": "auto"}, "tool_choice", "needs tools"),
    ],
)
def test_mistakes(http, change, param, message):
    answer = http.post("/v1/chat/completions", json=BASE | change)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert message in error["message"]
    assert "\n" not in error["message"]
    assert param in (error["param"], None)  # None: the message names it


def test_a_schema_too_deep_is_refused(http):
    deep = '{"properties":{"a":' * 1500 + "{}" + "}}" * 1500
    body = json.dumps(BASE | by_schema("@")).replace('"@"', deep)
    answer = http.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text


def test_a_grammar_that_loses_its_way_is_an_error_and_not_an_answer(monkeypatch):
    """Limits hold inside a request; here they are so low that none can go on."""
    model = served()
    with serving(service(model)) as address:
        grammar = model.assistant.vocabulary
        monkeypatch.setattr(grammar, "possible", lambda matcher: grammar._never & False)
        with pytest.raises(openai.InternalServerError, match="too intricate"):
            address.openai().chat.completions.create(**BASE | by_schema(PLACE))
        with pytest.raises(openai.APIError, match="too intricate"):
            streamed(address.openai(), **BASE | by_schema(PLACE))
        monkeypatch.undo()
        assert address.openai().chat.completions.create(**BASE | by_schema(PLACE)).choices[0].message.content
