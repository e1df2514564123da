"""A few prompts that are answered again and again along the way, for people to see what changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mynah import jsonl
from mynah.engine import Engine
from mynah.nouns import Prompt, Samples, SamplingParams
from mynah.tokens import Tokenizer

PROMPTS, LOOKS = 6, 8


class Watch:
    """Writes `folder/ITERATION.jsonl` before the first iteration and `LOOKS` times after it.

    Args:
        encoded: Token ids of `prompts`; some that lie evenly among them are watched.
        iterations: Of the whole training.
        budget: Tokens of an answer.
    """

    def __init__(
        self,
        folder: Path,
        prompts: Sequence[Prompt],
        encoded: Sequence[Sequence[int]],
        iterations: int,
        budget: int,
        tokenizer: Tokenizer,
    ) -> None:
        chosen = sorted({round(i * (len(prompts) - 1) / (PROMPTS - 1)) for i in range(PROMPTS)})
        self.folder, self.tokenizer = folder, tokenizer
        self.prompts, self.encoded = [prompts[i] for i in chosen], [encoded[i] for i in chosen]
        self.params = SamplingParams(budget, temperature=0.0, stop=tokenizer.stop_ids)  # greedy: no draw is spent
        self.due = {round(iterations * k / LOOKS) for k in range(LOOKS + 1)}

    def look(self, engine: Engine, iteration: int) -> None:
        """Answer them, if it is time; `iteration` is how many are done."""
        if iteration not in self.due:
            return
        answers = [group[0] for group in engine.generate(self.encoded, self.params)]
        rows = [
            Samples(prompt, (self.tokenizer.decode(answer.tokens),), (answer.finish_reason,), f"iteration {iteration}")
            for prompt, answer in zip(self.prompts, answers, strict=True)
        ]
        jsonl.write_samples(self.folder / f"{iteration:06d}.jsonl", rows)
