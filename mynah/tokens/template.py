"""Renders chat templates: ours, and any other in the Jinja sandbox that Hugging Face templates are written for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from mynah.errors import UserError

CHAT_TEMPLATE = """\
{%- if tools -%}
    {{- '<|system|>' -}}
    {%- if messages and messages[0].role == 'system' -%}
        {{- messages[0].content ~ '\\n\\n' -}}
    {%- endif -%}
    {{- 'Tools:' -}}
    {%- for tool in tools -%}
        {{- '\\n' ~ (tool | tojson) -}}
    {%- endfor -%}
    {{- '<|end|>' -}}
{%- endif -%}
{%- for message in messages -%}
    {%- if message.role not in ['system', 'user', 'assistant', 'tool'] -%}
        {{- raise_exception('Unknown role: ' ~ message.role) -}}
    {%- endif -%}
    {%- if not (tools and loop.first and message.role == 'system') -%}
        {{- '<|' ~ message.role ~ '|>' ~ message.content -}}
        {%- if message.role == 'assistant' -%}
            {%- for call in message.tool_calls or [] -%}
                {%- set function = call.function or call -%}
                {{- '<tool_call>{"name": ' ~ (function.name | tojson) ~ ', "arguments": ' -}}
                {%- if function.arguments is string -%}
                    {{- function.arguments -}}
                {%- else -%}
                    {{- function.arguments | tojson -}}
                {%- endif -%}
                {{- '}</tool_call>' -}}
            {%- endfor -%}
        {%- endif -%}
        {{- '<|end|>' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>' -}}
{%- endif -%}
"""
"""`<|user|>Hello<|end|><|assistant|>Hi<|end|>`. It adds and removes no whitespace: a content is what was said."""


class ChatTemplate:
    """One compiled chat template; `names` are the variables `bos_token`, `eos_token`, … that templates expect.

    Raises UserError when the template does not compile.
    """

    def __init__(self, source: str, names: Mapping[str, str], where: str) -> None:
        self.source = source
        self._names = dict(names)
        self._where = where
        try:
            self._compiled = _environment().from_string(source)
        except jinja2.TemplateError as error:
            raise UserError(f"{where}: its chat template is not valid Jinja ({error}); mend chat_template.") from error

    def render(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] = (), answering: bool = False) -> str:
        """The conversation as one string; `answering` adds the opening of an assistant's turn.

        Raises UserError when the template refuses the conversation.
        """
        try:
            return self._compiled.render(
                messages=list(messages),
                tools=list(tools) or None,
                documents=None,
                add_generation_prompt=answering,
                **self._names,
            )
        except (jinja2.TemplateError, TypeError) as error:  # TypeError: a template adds a missing value to a string
            raise UserError(f"{self._where}: its chat template refuses this conversation: {error}.") from error

    def literals(self) -> str:
        """All text that the template can write by itself, one piece a line."""
        kinds = ("data", "string")
        return "\n".join(value for _, kind, value in _environment().lex(self.source) if kind in kinds)


def _environment() -> ImmutableSandboxedEnvironment:
    """As in `transformers.utils.chat_template_utils`, so that a template means here what it means there."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    environment.globals["dict"] = _Dict()
    environment.globals["namespace"] = _Namespace
    return environment


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own filter escapes HTML; chats do not."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


class _GenerationBlock(Extension):
    """`{% generation %}…{% endgeneration %}` marks an answer for transformers' masks; here it only passes through."""

    tags = {"generation"}  # noqa: RUF012  Jinja declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class _Dict:
    """`dict` without its class, whose attributes would lead a template out of the sandbox."""

    def __call__(self, *pairs: Any, **entries: Any) -> dict[Any, Any]:
        return dict(*pairs, **entries)

    def fromkeys(self, keys: Any, value: Any = None) -> dict[Any, Any]:
        return dict.fromkeys(keys, value)


class _Namespace(Namespace):
    """Jinja's namespace, closed to underscore names, which reach Python's internals."""

    def __init__(*args: Any, **entries: Any) -> None:  # `self` stays positional: namespace(self=…) is legal
        values = dict(*args[1:], **entries)
        for name in values:
            _refuse_private(name)
        Namespace.__init__(args[0], values)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_private(name)
        super().__setitem__(name, value)


def _refuse_private(name: str) -> None:
    if name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"a namespace cannot hold {name!r}")
