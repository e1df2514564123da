"""A base model asked in plain text, as GPT-3 was: worked examples, then the question; no chat template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mynah.agent.assistant import generate_shown
from mynah.engine import Engine
from mynah.errors import UserError
from mynah.model.transformer import Transformer
from mynah.nouns import Conversation, Demonstration, Prompt, Samples, SamplingParams
from mynah.tokens import Tokenizer

NAMES = {"system": "Note", "user": "Q", "assistant": "A", "tool": "Result"}


class FewShot:
    """Answers with what the base model writes after `A:`, up to the end of the line (Brown et al. 2020)."""

    def __init__(
        self, model: Transformer, tokenizer: Tokenizer, examples: Sequence[Demonstration], name: str, rows: int = 64
    ) -> None:
        self.tokenizer, self.name = tokenizer, name
        self.engine = Engine(model, rows)
        self.examples = [as_text(example.messages) + "\n" for example in examples]
        newlines = [token for token in range(tokenizer.vocab_size) if "\n" in tokenizer.decode([token])]
        self.stop = (*newlines, *tokenizer.stop_ids)

    def check(self, prompts: Sequence[Prompt], budget: int) -> None:
        """UserError names the first prompt that leaves no room for an answer of `budget` tokens."""
        for prompt in prompts:
            self._encode(prompt, budget)

    def sample(
        self, prompts: Sequence[Prompt], params: SamplingParams, n: int, title: str = "", first: int = 0
    ) -> list[Samples]:
        """`n` answers to each prompt; sample k of prompt i is sequence (first + i)·n + k of `params.seed`."""
        ids = [self._encode(prompt, params.max_new_tokens) for prompt in prompts]
        completions = generate_shown(
            self.engine, ids, replace(params, stop=self.stop), n, title or self.name, first * n
        )
        return [
            Samples(
                prompt,
                tuple(self.tokenizer.decode(c.tokens).partition("\n")[0].strip() for c in group),
                tuple(c.finish_reason for c in group),
                self.name,
            )
            for prompt, group in zip(prompts, completions, strict=True)
        ]

    def _encode(self, prompt: Prompt, budget: int) -> list[int]:
        """The examples and the question; the first examples go where the context is too short for all and an answer."""
        question = f"{as_text(prompt.messages)}{NAMES['assistant']}:"
        for dropped in range(len(self.examples) + 1):
            ids = [self.tokenizer.end_of_text, *self.tokenizer.encode("".join(self.examples[dropped:]) + question)]
            if len(ids) + budget <= self.engine.context:
                return ids
        raise UserError(
            f"prompt {prompt.id or question[:40]!r} has {len(ids)} tokens and the model's context is "
            f"{self.engine.context}: no room is left for an answer of {budget}. Shorten it, or lower max_new_tokens."
        )


def as_text(messages: Conversation) -> str:
    """A conversation as lines of `Q: …` and `A: …`."""
    return "".join(f"{NAMES[message.role]}: {message.content}\n" for message in messages)
