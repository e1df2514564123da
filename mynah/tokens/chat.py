"""Conversations as token ids, with masks of what the model must say; people's text never turns into special tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Literal

from mynah.errors import UserError
from mynah.nouns import ROLES, Message
from mynah.tokens.seal import Shield
from mynah.tokens.template import CHAT_TEMPLATE
from mynah.tokens.tokenizer import SPECIAL_TOKENS, Tokenizer, whole_text

Tools = Sequence[Mapping[str, Any]]
MOST_WORK = 2**27
"""Characters that are rendered, about a second's work, to find where the prompts of earlier turns end: each asks for
all that goes before it."""
WORK_A_MESSAGE = 400
"""A message costs as much as so many characters, however short it is."""


class ChatFormat:
    """One tokenizer's way to write conversations: any Hugging Face chat template, ours by default.

    Ids equal transformers' `apply_chat_template`, with two intended exceptions. A special token's string in a content
    is plain text. And no token joins the end of a prompt with the start of its answer (`\\n` + `\\n`), because a model
    that generates cannot reach back into its prompt: so prompt ids + answer ids = conversation ids. (In chats of very
    many turns, under a template not ours, the first turns that are read are kept apart so, and those that are learnt.)

    Raises UserError when the tokenizer has no chat template and lacks the special tokens of ours.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        if tokenizer.template is None:
            missing = [token for token in SPECIAL_TOKENS[:9] if token not in tokenizer.special]
            raise UserError(
                f"{tokenizer.where}: has no chat template, and ours needs {missing[0]}, which it lacks; put the "
                f"chat_template.jinja of a chat model of the same family into the folder."
            )
        self.tokenizer = tokenizer

    def encode_prompt(self, messages: Sequence[Message], tools: Tools = ()) -> list[int]:
        """Ids of a conversation up to where the assistant's next turn begins.

        Raises UserError for an empty conversation, an unknown role, or one that the template refuses.
        """
        talk = _Talk(self.tokenizer, messages, tools, answering=True)
        return self.tokenizer.sealed.encode_sealed(talk.whole, talk.starts())[0]

    def encode_conversation(
        self, messages: Sequence[Message], tools: Tools = (), *, supervise: Literal["all", "last"] = "all"
    ) -> tuple[list[int], list[bool]]:
        """Ids [T] and mask [T], True for the tokens that the assistant must generate, its end of turn included.

        `supervise`: all assistant turns, or only the last one. Raises UserError as `encode_prompt`, and when the
        template rewrites a supervised turn later (as those do that drop earlier reasoning).
        """
        talk = _Talk(self.tokenizer, messages, tools)
        spans = [talk.answer(turn) for turn in (talk.turns if supervise == "all" else talk.turns[-1:])]
        ids, starts = self.tokenizer.sealed.encode_sealed(talk.whole, talk.starts())
        return ids, [any(begin <= start < end for begin, end in spans) for start in starts]

    def encode_answer(self, text: str, *, ended: bool = True) -> list[int]:
        """Ids that complete a prompt with an assistant's answer; the last is the end of turn unless not `ended`.

        `encode_prompt(m) + encode_answer(a)` is `encode_conversation(m + [a])` up to that end of turn.
        """
        messages = (Message("user", "?"), Message("assistant", text))
        ids, mask = self.encode_conversation(messages)
        answer = [token for token, supervised in zip(ids, mask, strict=True) if supervised]
        return answer if ended else answer[:-1]


class _Talk:
    """One conversation, shielded and rendered, and where its answers lie; `answering` opens one more."""

    def __init__(
        self, tokenizer: Tokenizer, messages: Sequence[Message], tools: Tools, answering: bool = False
    ) -> None:
        if not messages:
            raise UserError("The conversation is empty; give it at least one message.")
        plain, plain_tools = [_plain(message) for message in messages], _whole(list(tools))
        self._tokenizer, self._answering = tokenizer, answering
        template = tokenizer.tool_template if tools else tokenizer.template
        assert template is not None
        self._template = template
        self._shield = Shield([plain, plain_tools])
        self._messages = [self._cover(message) for message in plain]
        self._tools = self._shield.cover(plain_tools, tokenizer.markers)
        self._end = tokenizer.sealed.spelling[tokenizer.token(tokenizer.end_of_turn)]
        self._work = 0
        self.turns = [i for i, message in enumerate(messages) if message.role == "assistant"]
        """Indices of the assistant's messages."""
        self.whole = self._text(len(messages), answering)
        """All of it rendered, with the special tokens of the template sealed."""

    def answer(self, turn: int) -> tuple[int, int]:
        """Where message `turn` lies in the whole: from where its prompt ends to after its end of turn.

        Raises UserError when the whole does not hold what the model read and generated in that turn.
        """
        if turn not in self._spans:
            self._spans[turn] = self._rendered(turn)
        return self._spans[turn]

    def starts(self) -> set[int]:
        """Where prompts end in the whole, for the turns that the template left as the model said them."""
        found = set()
        for turn in self.turns:
            if turn in self._spans or self._work < MOST_WORK:
                with suppress(UserError):
                    found.add(self.answer(turn)[0])
        return found

    @cached_property
    def _spans(self) -> dict[int, tuple[int, int]]:
        """Of the answers, as far as they are known. Our template ends each message alike: there one look finds all."""
        if self._template.source != CHAT_TEMPLATE:
            return {}
        ends = [0, *(found.end() for found in re.finditer(self._end, self.whole))]
        if self._tools and self._messages[0]["role"] != "system":
            del ends[0]  # the tools stand in a turn of their own
        if len(ends) != 1 + len(self._messages):
            return {}
        opening = len(self._tokenizer.sealed.spelling["<|assistant|>"])
        return {turn: (ends[turn] + opening, ends[turn + 1]) for turn in self.turns}

    def _text(self, count: int, answering: bool) -> str:
        """The first `count` messages rendered; nothing is kept, for beginnings of all lengths take their square."""
        rendered = self._template.render(self._messages[:count], self._tools, answering)
        self._work += len(rendered) + WORK_A_MESSAGE * count
        return self._shield.uncover(self._tokenizer.sealed.seal(rendered))

    def _rendered(self, turn: int) -> tuple[int, int]:
        """As `answer`, by what the template makes of the conversation up to then."""
        last = turn + 1 == len(self._messages) and not self._answering
        prompt, upto = self._text(turn, True), self.whole if last else self._text(turn + 1, False)
        end = upto.rfind(self._end, len(prompt))
        if upto.startswith(prompt) and end < 0:
            raise UserError(f"{self._tokenizer.where}: its chat template never ends an answer; mend chat_template.")
        stop = end + len(self._end)
        if not upto.startswith(prompt) or not self.whole.startswith(upto[:stop]):
            raise UserError(
                f"{self._tokenizer.where}: its chat template rewrites earlier turns, so message {turn + 1} is not what "
                f"the model would say there; supervise only the last answer, or use a template that keeps turns."
            )
        return len(prompt), stop

    def _cover(self, message: dict[str, Any]) -> dict[str, Any]:
        covered = {k: self._shield.cover(v, self._tokenizer.markers) for k, v in message.items() if k != "role"}
        if message["role"] == "assistant":  # its <think> is structure, written by the model itself
            covered["content"] = self._shield.cover(message["content"], self._tokenizer.special_markers)
        return {"role": message["role"], **covered}


def _plain(message: Message) -> dict[str, Any]:
    """The message as templates expect it. Raises UserError for an unknown role."""
    if message.role not in ROLES:
        raise UserError(f"Unknown role {message.role!r}; use one of {', '.join(ROLES)}.")
    plain: dict[str, Any] = _whole(message.to_json())
    for call in plain.get("tool_calls", []):
        function = call.get("function", call)
        if "arguments" in function:
            function["arguments"] = _arguments(function["arguments"])
    return plain


def _arguments(value: Any) -> Any:
    """OpenAI's API sends arguments as JSON in a string; templates expect the object."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    return parsed if isinstance(parsed, dict) else value


def _whole(value: Any) -> Any:
    """A copy in plain JSON types whose strings are valid Unicode."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, Mapping):
        return {_whole(key): _whole(entry) for key, entry in value.items()}
    return [_whole(entry) for entry in value] if isinstance(value, list | tuple) else value
