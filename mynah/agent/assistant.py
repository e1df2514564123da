"""A policy that answers conversations: checkpoint + tokenizer + engine, for chat, sampling and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from mynah.agent.grammar import Vocabulary
from mynah.engine import Engine, Token
from mynah.errors import UserError
from mynah.model.hub import load_policy
from mynah.model.precision import DTYPES, Hardware, place
from mynah.model.transformer import Transformer
from mynah.nouns import Completion, Conversation, Prompt, Samples, SamplingParams
from mynah.progress import Progress
from mynah.tokens import ChatFormat, Detokenizer, Tokenizer, check_fits


class Assistant:
    """Answers in the chat format of its tokenizer."""

    def __init__(
        self,
        model: Transformer,
        tokenizer: Tokenizer,
        name: str,
        rows: int = 64,
        prefix_tokens: int = 0,
        int8: bool = False,
    ) -> None:
        check_fits(tokenizer, model.config.vocab_size)
        self.model, self.tokenizer, self.name = model, tokenizer, name
        self.chat = ChatFormat(tokenizer)
        self.engine = Engine(model, rows, prefix_tokens=prefix_tokens, int8=int8)

    @classmethod
    def load(
        cls,
        folder: Path,
        hardware: Hardware,
        name: str = "",
        rows: int = 64,
        prefix_tokens: int = 0,
        int8: bool = False,
    ) -> Assistant:
        """The policy in a checkpoint folder; for `int8` see `Engine`. `hardware` is resolved."""
        if int8 and not hardware.device.startswith("cpu"):
            raise UserError("8-bit weights are for a CPU, where reading them is what takes the time; leave int8 off.")
        tokenizer = Tokenizer.load(folder)
        model = place(load_policy(folder, DTYPES[hardware.dtype], hardware.device), hardware)
        return cls(model, tokenizer, name or folder.name, rows, prefix_tokens, int8)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens as grammars see them; made when the first grammar is asked for."""
        return Vocabulary(self.tokenizer, self.model.config.vocab_size)

    def encode_prompts(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Token ids of each prompt; UserError names the first that leaves no room in the context."""
        return encode_prompts(self.chat, prompts, self.engine.context)

    def check(self, prompts: Sequence[Prompt], budget: int) -> None:
        """UserError names the first prompt that leaves no room for an answer; it may then be shorter than `budget`."""
        self.encode_prompts(prompts)

    def fits(self, messages: Conversation, answer_tokens: int) -> bool:
        """Whether the context holds the messages and an answer of so many tokens."""
        return len(self.chat.encode_prompt(messages)) + answer_tokens <= self.engine.context

    def sample(
        self, prompts: Sequence[Prompt], params: SamplingParams, n: int, title: str = "", first: int = 0
    ) -> list[Samples]:
        """`n` answers to each prompt; sample k of prompt i is sequence (first + i)·n + k of `params.seed`."""
        params = replace(params, stop=self.tokenizer.stop_ids)
        completions = generate_shown(
            self.engine, self.encode_prompts(prompts), params, n, title or self.name, first * n
        )
        return [
            Samples(
                prompt,
                tuple(self.tokenizer.decode(c.tokens).strip() for c in group),
                tuple(c.finish_reason for c in group),
                self.name,
            )
            for prompt, group in zip(prompts, completions, strict=True)
        ]

    def stream(self, messages: Conversation, params: SamplingParams, sequence: int = 0) -> Iterator[str]:
        """The answer's text as it comes, in whole characters."""
        [ids] = self.encode_prompts([Prompt(messages)])
        detokenizer = Detokenizer(self.tokenizer)
        for token in self.engine.stream(ids, replace(params, stop=self.tokenizer.stop_ids), sequence):
            yield detokenizer.add(token.id)
        yield detokenizer.finish()


def generate_shown(
    engine: Engine, prompts: Sequence[Sequence[int]], params: SamplingParams, n: int, title: str, first_sequence: int
) -> list[list[Completion]]:
    """`engine.generate` with a progress bar."""
    with Progress(title, len(prompts) * n, "answers") as progress:

        def watch(tokens: list[Token]) -> None:
            progress.advance(sum(token.finish_reason is not None for token in tokens))

        return engine.generate(prompts, params, n, first_sequence, watch)


def encode_prompts(chat: ChatFormat, prompts: Sequence[Prompt], context: int) -> list[list[int]]:
    """Token ids of each prompt; UserError names the first that leaves no room for an answer in `context` tokens."""
    encoded = []
    for number, prompt in enumerate(prompts, 1):
        ids = chat.encode_prompt(prompt.messages)
        if len(ids) >= context:
            label = f"prompt {number}" + (f" ({prompt.id})" if prompt.id else "")
            raise UserError(
                f"{label} has {len(ids)} tokens and the model's context is {context}: no room is left for an answer. "
                f"Shorten it, or drop its earliest turns."
            )
        encoded.append(ids)
    return encoded
