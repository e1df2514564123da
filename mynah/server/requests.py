"""What a client may ask: OpenAI's request bodies. A field that would change the answer and is not here is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from mynah.nouns import Message, Role

MAX_CHOICES = 128
MAX_STOPS = 16


def _refuse(value: Any) -> Any:
    if value:
        raise PydanticCustomError("unsupported", "this server does not support it; leave it out")
    return value


def _text(value: Any) -> Any:
    """A content: a string, null, or parts that are all text."""
    if value is None:
        return ""
    if not isinstance(value, list):
        return value
    texts: list[str] = []
    for part in value:
        if not isinstance(part, dict) or part.get("type") not in ("text", "refusal"):
            raise PydanticCustomError("unsupported_value", "this model reads text only")
        text = part.get(part["type"])
        if not isinstance(text, str):
            raise PydanticCustomError("string_type", "a part of text needs a string as its text")
        texts.append(text)
    return "".join(texts)


def _listed(value: Any) -> Any:
    return [] if value is None else [value] if isinstance(value, str) else value


Refused = Annotated[Any, AfterValidator(_refuse)]
"""A field of OpenAI's that changes the answer, and that this server does not have."""
Content = Annotated[str, BeforeValidator(_text)]
Stops = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_listed), Field(max_length=MAX_STOPS)]
ModelName = Annotated[str, Field(examples=["demo"])]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Body(BaseModel):
    """Unknown fields are an error, as at OpenAI; types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Function(Body):
    name: str
    arguments: str


class ToolCall(Body):
    id: str | None = None
    type: Literal["function"] = "function"
    function: Function


class ChatMessage(Body):
    """One message; `name` and `refusal` are accepted, the chat template has no place for them.

    `tool_call_id` puts results into the order of their calls (tool_results.py).
    """

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content = ""
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    refusal: str | None = None
    audio: Refused = None
    annotations: Any = None
    function_call: Refused = None

    def message(self) -> Message:
        role: Role = "system" if self.role == "developer" else self.role
        calls = tuple(call.model_dump(exclude_none=True) for call in self.tool_calls or [])
        return Message(role, self.content, calls if role == "assistant" else ())


class StreamOptions(Body):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class JsonSchema(Body):
    name: str
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(Body):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class FunctionName(Body):
    name: str


class ToolChoice(Body):
    """The one function that must be called."""

    type: Literal["function"] = "function"
    function: FunctionName


class Ignored(Body):
    """Fields of OpenAI's that do not change what is answered."""

    user: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None


class Sampling(Ignored):
    """What chats and plain completions have in common."""

    model: ModelName
    n: Annotated[int, Field(ge=1, le=MAX_CHOICES)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=2**31)] | None = None
    """Not OpenAI's; as vLLM has it. So is `min_p`."""
    min_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    stop: Stops = []
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, Annotated[Number, Field(ge=-100, le=100)]] | None = None

    @property
    def usage_wanted(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(Sampling):
    """`POST /v1/chat/completions`"""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    modalities: Any = None
    audio: Refused = None
    prediction: Refused = None
    functions: Refused = None
    function_call: Refused = None
    web_search_options: Refused = None
    reasoning_effort: Refused = None
    verbosity: Refused = None


class CompletionRequest(Sampling):
    """`POST /v1/completions`: texts, or token ids as lm-evaluation-harness sends them."""

    prompt: Any = "<|endoftext|>"
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool | None = None
    best_of: int | None = None
    suffix: Refused = None


class EmbeddingRequest(Ignored):
    """`POST /v1/embeddings`"""

    model: ModelName
    input: Any
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Refused = None
