"""What a request demands of its answers' form: JSON, calls of tools, biases; as the engine's guides need it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from mynah.agent.grammar import Grammar, json_text, tool_call
from mynah.agent.guides import Form
from mynah.errors import UserError
from mynah.server.errors import APIError
from mynah.server.models import ServedModel
from mynah.server.requests import ChatRequest, ResponseFormat, Sampling
from mynah.server.writer import CALL, CALL_END

MAX_GRAMMAR = 200_000
"""Characters of a grammar, schemas included."""
NO_TOOL = 'A tool has the form {"type": "function", "function": {"name", "description", "parameters"}}.'


def plain_form(model: ServedModel, body: Sampling) -> Form | None:
    """Of plain text: biases alone. None when nothing is demanded."""
    form = Form(
        model.assistant.model.config.vocab_size,
        _ends(model),
        logit_bias=_biases(body.logit_bias or {}, model),
        presence_penalty=body.presence_penalty or 0.0,
        frequency_penalty=body.frequency_penalty or 0.0,
    )
    return form if form.steers else None


async def chat_form(model: ServedModel, body: ChatRequest, tools: Sequence[Mapping[str, Any]]) -> Form | None:
    """Of a turn in a chat; `tools` are those that the model may call. Raises APIError for a schema that is none."""
    text, wanted = None, body.response_format
    if wanted and wanted.type != "text":
        schema = _schema(wanted) if wanted.type == "json_schema" else None
        text = await _compile(model, lambda: json_text(schema), "response_format")
    call, markers = None, (-1, -1)
    if tools:
        tokenizer = model.assistant.tokenizer
        opening, closing = tokenizer.marker(CALL), tokenizer.marker(CALL_END)
        assert opening is not None
        assert closing is not None
        markers = (opening, closing)
        functions = [tool["function"] for tool in tools]
        call = await _compile(model, lambda: tool_call(functions), "tools")
    form = Form(
        model.assistant.model.config.vocab_size,
        _ends(model),
        text,
        call,
        markers,
        must_call=bool(tools) and body.tool_choice not in (None, "auto"),
        parallel=body.parallel_tool_calls is not False,
        logit_bias=_biases(body.logit_bias or {}, model),
        presence_penalty=body.presence_penalty or 0.0,
        frequency_penalty=body.frequency_penalty or 0.0,
    )
    return form if form.steers else None


def shown_tools(body: ChatRequest, model: ServedModel) -> list[dict[str, Any]]:
    """The tools that the template shall show; none for `tool_choice` "none"."""
    for i, tool in enumerate(body.tools or []):
        function = tool.get("function")
        named = isinstance(function, dict) and isinstance(function.get("name"), str)
        if tool.get("type") != "function" or not named:
            raise APIError(400, NO_TOOL, param=f"tools.{i}", code="invalid_value")
    if body.tool_choice not in (None, "none") and not body.tools:
        raise APIError(400, "tool_choice needs tools to choose from.", param="tool_choice", code="invalid_value")
    if not body.tools or body.tool_choice == "none":
        return []
    tokenizer = model.assistant.tokenizer
    if tokenizer.marker(CALL) is None or tokenizer.marker(CALL_END) is None:
        raise APIError(400, f"This model's chat template has no {CALL} token: it cannot call tools.", param="tools")
    return body.tools


def callable_tools(body: ChatRequest, shown: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the shown tools that may be called: the named one, if `tool_choice` names one."""
    if body.tool_choice is None or isinstance(body.tool_choice, str):
        return list(shown)
    name = body.tool_choice.function.name
    chosen = [tool for tool in shown if tool["function"]["name"] == name]
    if not chosen:
        there = ", ".join(tool["function"]["name"] for tool in shown)
        message = f"tool_choice names '{name}', which is not among the tools: {there}."
        raise APIError(400, message, param="tool_choice", code="invalid_value")
    return chosen


def _schema(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.json_schema is None or wanted.json_schema.schema_ is None:
        missing = "response_format.json_schema" + (".schema" if wanted.json_schema else "")
        message = f"Missing required parameter: '{missing}'."
        raise APIError(400, message, param=missing, code="missing_required_parameter")
    return wanted.json_schema.schema_


def _ends(model: ServedModel) -> tuple[int, ...]:
    return tuple(id for id in model.assistant.tokenizer.stop_ids if id < model.assistant.model.config.vocab_size)


def _biases(asked: Mapping[str, float], model: ServedModel) -> dict[int, float]:
    """OpenAI's `logit_bias`: token ids, written as strings, to what is added to their logits."""
    size = model.assistant.model.config.vocab_size
    biases = {}
    for key, value in asked.items():
        if not (key.isascii() and key.isdecimal() and len(key) < 10 and int(key) < size):
            message = f"logit_bias holds '{key}', which is no token of this model; its ids go from 0 to {size - 1}."
            raise APIError(400, message, param="logit_bias", code="invalid_value")
        biases[int(key)] = value
    return biases


async def _compile(model: ServedModel, write: Any, param: str) -> Grammar:
    """The grammar that `write` gives, compiled in a thread of its own: large schemas take their time."""

    def work() -> Grammar:
        grammar = write()
        if len(grammar) > MAX_GRAMMAR:
            raise UserError(f"it is longer than {MAX_GRAMMAR} characters.")
        return model.assistant.vocabulary.compile(grammar)

    try:
        return await asyncio.to_thread(work)
    except (UserError, RecursionError) as error:
        reason = str(error) if isinstance(error, UserError) else "it is nested too deeply."
        raise APIError(400, f"Invalid schema in '{param}': {reason}", param=param, code="invalid_value") from None
