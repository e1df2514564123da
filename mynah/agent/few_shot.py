"""A base model asked in plain text, as GPT-3 was: worked examples, then the question; no chat template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mynah.agent.assistant import generate_shown
from mynah.engine import Engine
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
        self.header = "".join(as_text(example.messages) + "\n" for example in examples)
        newlines = [token for token in range(tokenizer.vocab_size) if "\n" in tokenizer.decode([token])]
        self.stop = (*newlines, *tokenizer.stop_ids)

    def sample(
        self, prompts: Sequence[Prompt], params: SamplingParams, n: int, title: str = "", first: int = 0
    ) -> list[Samples]:
        """`n` answers to each prompt; examples are dropped from the front where the context is too short for them."""
        texts = [f"{self.header}{as_text(prompt.messages)}{NAMES['assistant']}:" for prompt in prompts]
        room = self.engine.context - params.max_new_tokens - 1
        ids = [[self.tokenizer.end_of_text, *tokens[-room:]] for tokens in self.tokenizer.encode_many(texts)]
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


def as_text(messages: Conversation) -> str:
    """A conversation as lines of `Q: …` and `A: …`."""
    return "".join(f"{NAMES[message.role]}: {message.content}\n" for message in messages)
