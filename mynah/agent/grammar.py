"""Grammars over token ids: JSON by a schema, and calls of tools, for any tokenizer (by llguidance)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from torch import Tensor

from mynah.errors import UserError
from mynah.tokens import Tokenizer
from mynah.tokens.tokenizer import whole_text

SPACE = r"[ \t\n]{0,20}"
"""Between the parts of JSON. JSON sets no limit, and a model that lost its thread would write spaces to the end."""

BEFORE = "\x02"
"""A character that merges with no other."""


class Vocabulary:
    """A tokenizer's tokens as grammars see them: bytes, and control tokens that are never text.

    `size` is the model's number of logits; ids that the tokenizer does not have stand for nothing.
    """

    def __init__(self, tokenizer: Tokenizer, size: int) -> None:
        self.size = size
        markers = {tokenizer.marker(text) for text in tokenizer.markers.texts}
        control = [i for i in range(tokenizer.vocab_size) if tokenizer.is_special(i) or i in markers]
        silent = set(control)
        self._tokens = [b"" if i in silent else tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size)]
        self._tokens += [b""] * (size - len(self._tokens))
        self._control = control
        wrapper = TokenizerWrapper(_Known(tokenizer, self._tokens, control))
        self._tokenizer = LLTokenizer(wrapper, n_vocab=size, slices=LLTokenizer.json_slices())
        self._never = torch.tensor([not token for token in self._tokens])

    def compile(self, grammar: str) -> Grammar:
        """From `json_text` or `tool_call`. Raises UserError, whose message is what is wrong with the schema."""
        matcher = LLMatcher(self._tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0)
        if matcher.is_error():
            raise UserError(_reason(matcher.get_error()))
        return Grammar(self, matcher)

    def possible(self, matcher: LLMatcher) -> Tensor:
        """Which ids may come next, bool [V]; the matcher's own end of text is not among them."""
        allowed = torch.frombuffer(bytearray(matcher.compute_logit_bias()), dtype=torch.uint8) > 0
        return allowed[: self.size] & ~self._never


class Grammar:
    """A compiled grammar, from which any number of texts can begin."""

    def __init__(self, vocabulary: Vocabulary, matcher: LLMatcher) -> None:
        self._vocabulary, self._matcher = vocabulary, matcher

    def begin(self) -> Walk:
        return Walk(self._vocabulary, self._matcher.deep_copy())


class Walk:
    """One text on its way through a grammar."""

    def __init__(self, vocabulary: Vocabulary, matcher: LLMatcher) -> None:
        self._vocabulary, self._matcher = vocabulary, matcher

    @property
    def complete(self) -> bool:
        """The text so far is a whole one, whether or not more may come."""
        return self._matcher.is_accepting()

    def possible(self) -> Tensor:
        """Which ids may come next, bool [V]; none at the end, and where the grammar is too intricate to go on."""
        if self._matcher.is_error():
            return torch.zeros(self._vocabulary.size, dtype=torch.bool)
        return self._vocabulary.possible(self._matcher)

    def advance(self, token: int) -> None:
        self._matcher.consume_token(token)


def json_text(schema: Mapping[str, Any] | None = None) -> str:
    """The grammar of one JSON value by a schema; of any JSON object, without."""
    return f"start: {_value({'type': 'object'} if schema is None else schema)}\n"


def tool_call(functions: Sequence[Mapping[str, Any]]) -> str:
    """The grammar of what stands between the markers of a call: one of the functions, as OpenAI's `tools` have them.

    A schema's keywords that cannot be enforced are skipped, unless the function is `strict`.
    """
    rules = []
    for i, function in enumerate(functions):
        name = json.dumps(json.dumps(whole_text(function["name"]), ensure_ascii=False), ensure_ascii=False)
        arguments = _value(_parameters(function), lenient=not function.get("strict"))
        rules.append(
            f'call_{i}: "{{" SPACE "\\"name\\"" SPACE ":" SPACE {name} SPACE "," SPACE '
            f'"\\"arguments\\"" SPACE ":" SPACE arguments_{i} SPACE "}}"\narguments_{i}: {arguments}'
        )
    choice = " | ".join(f"call_{i}" for i in range(len(rules)))
    return "\n".join([f"start: SPACE call SPACE\ncall: {choice}", *rules, f"SPACE: /{SPACE}/\n"])


def _parameters(function: Mapping[str, Any]) -> Mapping[str, Any]:
    """A function's schema; a function without one takes nothing. Raises UserError for arguments that are no object."""
    schema = function.get("parameters")
    if schema is None:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        raise UserError(f"the parameters of '{function['name']}' must be a JSON schema of an object.")
    combined = {"$ref", "allOf", "anyOf", "oneOf", "type"} & schema.keys()
    return schema if combined else {"type": "object", **schema}


def _value(schema: Mapping[str, Any], lenient: bool = False) -> str:
    """A grammar's expression for one JSON value.

    Raises UserError, unless `lenient`, for the one keyword that the library takes and does not hold: it counts a
    property that is written twice as two.
    """
    if not lenient and _counts_properties(schema):
        raise UserError("minProperties over 1 cannot be enforced; leave it out, or name the properties as required.")
    options = {"whitespace_pattern": SPACE, "lenient": lenient, "coerce_one_of": lenient}
    return "%json " + json.dumps({**schema, "x-guidance": options})


def _counts_properties(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        least = schema.get("minProperties", 0)
        inner = [value for key, value in schema.items() if key not in ("const", "default", "enum", "examples")]
        return (isinstance(least, int | float) and least > 1) or any(map(_counts_properties, inner))
    return isinstance(schema, list) and any(map(_counts_properties, schema))


def _reason(message: str) -> str:
    """The library's complaint in one line, without its place in a grammar that nobody wrote by hand."""
    first, *rest = message.replace("failed to compile JSON schema: ", "").splitlines()
    reason = first.split(": ", 1)[-1] if first[:3] == "at " else first
    detail = next((line.removeprefix("error: ") for line in rest if line.startswith("error: ")), "")
    reason = reason.replace("Unimplemented keys", "these keywords cannot be enforced, leave them out")
    reason = reason.partition(" Enable '")[0]  # an option of the library's that no client can reach
    return f"{reason.rstrip(':')}{': ' if detail else ''}{detail}".rstrip(".") + "."


class _Known:
    """What llguidance asks of a tokenizer."""

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer, tokens: list[bytes], control: list[int]) -> None:
        self.eos_token_id, self.tokens, self.special_token_ids = tokenizer.end_of_turn, tokens, control
        self._tokenizer = tokenizer
        self._before = next((i for i, token in enumerate(tokens) if token == BEFORE.encode()), None)

    def __call__(self, text: str) -> list[int]:
        """Ids of a text that stands behind another; at a beginning, some tokenizers put a space before it."""
        ids = self._tokenizer.encode(BEFORE + text)
        return ids[ids.index(self._before) + 1 :] if self._before in ids else self._tokenizer.encode(text)
