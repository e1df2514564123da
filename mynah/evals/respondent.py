"""A policy under examination: asked in chat or in plain text, for its log p of given answers or for its own answers.

In chat, worked examples are earlier turns; in plain text they stand above the question, as base models are asked
(Brown et al. 2020). Where the context is too short for all of them the first ones go; a question that does not fit
alone is left out, and the caller counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from mynah.agent.assistant import Assistant, generate_shown
from mynah.model.transformer import Transformer
from mynah.nouns import Conversation, Group, Message, SamplingParams
from mynah.progress import Progress
from mynah.train.packing import FILL, lay_out, partition
from mynah.train.token_loss import token_logprobs

NAMES = {"system": "Note", "user": "Question", "assistant": "Answer", "tool": "Result"}
BUDGET = 16_384
"""Keys in attention of one forward pass, padding included."""


class Respondent:
    """An assistant, and how it is asked."""

    def __init__(self, assistant: Assistant, plain: bool = False, shots: Sequence[tuple[str, str]] = ()) -> None:
        self.assistant, self.plain, self.shots = assistant, plain, list(shots)
        self.context = assistant.engine.context

    def loglikelihoods(
        self, questions: Sequence[Conversation], answers: Sequence[Sequence[str]], title: str = "likelihood"
    ) -> list[list[float] | None]:
        """log p of each of the answers to each question; None where they do not fit the context.

        An answer's end of turn is not counted, as is usual in the literature.
        """
        groups: dict[int, Group] = {}
        for i, (question, choices) in enumerate(zip(questions, answers, strict=True)):
            branches = tuple(tuple(self._continuation(choice)) for choice in choices)
            prompt = self._prompt(question, max(map(len, branches)))
            if prompt:
                masks = tuple((True,) * len(branch) for branch in branches)
                groups[i] = Group(tuple(prompt), (False,) * len(prompt), branches, masks)
        found = dict(zip(groups, loglikelihoods(self.assistant.model, list(groups.values()), title), strict=True))
        return [found.get(i) for i in range(len(questions))]

    def answers(
        self,
        questions: Sequence[Conversation],
        params: SamplingParams,
        n: int = 1,
        title: str = "answers",
        strip: bool = True,
    ) -> list[tuple[str, ...] | None]:
        """`n` answers to each question; None where no room is left for one of `params.max_new_tokens`.

        White space around them goes, unless `strip` is false, as for code.
        """
        prompts = [self._prompt(question, params.max_new_tokens) for question in questions]
        found = self._generate(prompts, params, n, title, strip)
        if not self.plain:
            return found
        end = f"\n{NAMES['user']}:"  # a base model goes on with a question of its own
        cut = [texts and tuple(text.partition(end)[0] for text in texts) for texts in found]
        return [texts and tuple(text.strip() if strip else text for text in texts) for texts in cut]

    def complete(
        self, texts: Sequence[str], params: SamplingParams, n: int = 1, title: str = "completions"
    ) -> list[tuple[str, ...] | None]:
        """`n` continuations of each text as it is, without any form of question."""
        tokenizer = self.assistant.tokenizer
        prompts = [[tokenizer.end_of_text, *tokenizer.encode(text)] for text in texts]
        fitting = [ids if len(ids) + params.max_new_tokens <= self.context else None for ids in prompts]
        return self._generate(fitting, params, n, title, strip=False)

    def _generate(
        self, prompts: Sequence[list[int] | None], params: SamplingParams, n: int, title: str, strip: bool = True
    ) -> list[tuple[str, ...] | None]:
        tokenizer = self.assistant.tokenizer
        params = replace(params, stop=tokenizer.stop_ids)
        asked = [i for i, prompt in enumerate(prompts) if prompt]
        completions = generate_shown(
            self.assistant.engine, [prompts[i] or [] for i in asked], params, n, title, first_sequence=0
        )
        found: list[tuple[str, ...] | None] = [None] * len(prompts)
        for i, group in zip(asked, completions, strict=True):
            texts = (tokenizer.decode(completion.tokens) for completion in group)
            found[i] = tuple(text.strip() if strip else text for text in texts)
        return found

    def _prompt(self, question: Conversation, room: int) -> list[int] | None:
        """Token ids with as many of the worked examples as leave `room` tokens; None if even none of them does."""
        for dropped in range(len(self.shots) + 1):
            ids = self._encode(question, self.shots[dropped:])
            if len(ids) + room <= self.context:
                return ids
        return None

    def _encode(self, question: Conversation, shots: Sequence[tuple[str, str]]) -> list[int]:
        tokenizer = self.assistant.tokenizer
        if not self.plain:
            before = (m for asked, answer in shots for m in (Message("user", asked), Message("assistant", answer)))
            return self.assistant.chat.encode_prompt((*before, *question))
        text = "".join(f"{NAMES['user']}: {asked}\n{NAMES['assistant']}: {answer}\n\n" for asked, answer in shots)
        text += "".join(f"{NAMES[message.role]}: {message.content}\n" for message in question)
        return [tokenizer.end_of_text, *tokenizer.encode(text + f"{NAMES['assistant']}:")]

    def _continuation(self, answer: str) -> list[int]:
        if self.plain:
            return self.assistant.tokenizer.encode(" " + answer)
        return self.assistant.chat.encode_answer(answer, ended=False)


@torch.no_grad()
def loglikelihoods(
    model: Transformer, groups: Sequence[Group], title: str = "likelihood", unit: str = "questions"
) -> list[list[float]]:
    """Σ log p of the supervised tokens of each branch of each group, the trunk computed once for all of them."""
    results: list[list[float]] = [[]] * len(groups)
    with Progress(title, len(groups), unit) as progress:
        for indices in partition(groups, BUDGET):
            batch = lay_out([groups[i] for i in indices], model.device, FILL)
            logprobs = token_logprobs(model, batch)
            sums = logprobs.new_zeros(len(batch.ends)).index_add_(0, batch.owners, logprobs).cpu()  # [S]
            for index, part in zip(indices, sums.split(batch.sequences_per_group), strict=True):
                results[index] = part.tolist()
            progress.advance(len(indices))
    return results


def user(text: str) -> Conversation:
    """A question as a conversation."""
    return (Message("user", text),)
