"""The reward model's scores of texts, and the best of n by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mynah.errors import UserError
from mynah.model.heads import EnsembleHeads, ScalarModel
from mynah.model.hub import load_ensemble, load_scalar
from mynah.model.precision import DTYPES, Hardware
from mynah.nouns import Demonstration, Group, Message, Prompt, Samples
from mynah.tokens import ChatFormat, Tokenizer, check_fits
from mynah.train.scoring import score_groups, unsupervised


@dataclass(frozen=True)
class Scores:
    """What a reward model makes of the K answers to one prompt."""

    scores: Tensor  # [K]
    ensemble: Tensor  # [K, M]

    @property
    def spread(self) -> Tensor:
        """Standard deviation [K] over the ensemble's heads."""
        return self.ensemble.std(dim=1, correction=0)


class Scorer:
    """Scores answers; an answer is read up to its end-of-turn token."""

    def __init__(
        self, model: ScalarModel, tokenizer: Tokenizer, ensemble: EnsembleHeads | None = None, budget: int = 16_384
    ) -> None:
        check_fits(tokenizer, model.backbone.config.vocab_size)
        self.model, self.ensemble, self.budget = model, ensemble, budget
        self.chat = ChatFormat(tokenizer)

    @classmethod
    def load(cls, folder: Path, hardware: Hardware) -> Scorer:
        """The reward model in a checkpoint folder, with its ensemble."""
        model = load_scalar(folder, DTYPES[hardware.dtype], hardware.device)
        return cls(model, Tokenizer.load(folder), load_ensemble(folder, hardware.device))

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]) -> list[Scores]:
        """Scores of the answers to each prompt. UserError names a prompt that does not fit the context.

        Equal answers are scored once: their scores are equal to the last bit, wherever in a batch they would stand.
        """
        context = self.model.backbone.config.context
        distinct = [list(dict.fromkeys(texts)) for texts in answers]
        groups = [answered(self.chat, prompt, texts, context) for prompt, texts in zip(prompts, distinct, strict=True)]
        scored = score_groups(self.model, groups, self.budget, self.ensemble)
        rows = [[only.index(text) for text in texts] for only, texts in zip(distinct, answers, strict=True)]
        return [Scores(scores[k], ensemble[k]) for (scores, ensemble), k in zip(scored, rows, strict=True)]

    def best(self, samples: Sequence[Samples]) -> list[Samples]:
        """Best of n (Stiennon 2020, WebGPT): each prompt with its highest-scored answer alone.

        An answer cut off by its budget loses to any that ended.
        """
        scored = self.score([row.prompt for row in samples], [row.completions for row in samples])
        chosen = []
        for row, result in zip(samples, scored, strict=True):
            order = [
                (reason == "stop", score)
                for reason, score in zip(row.finish_reasons, result.scores.tolist(), strict=True)
            ]
            k = order.index(max(order))
            chosen.append(Samples(row.prompt, (row.completions[k],), (row.finish_reasons[k],), row.model))
        return chosen


def answered(chat: ChatFormat, prompt: Prompt, answers: Sequence[str], context: int) -> Group:
    """A prompt with its answers as a reward model reads them, in training and after: each up to its end of turn.

    Raises UserError when an answer does not fit behind its prompt. Its end of turn may stand one past the context: an
    answer that was cut off there gains it only here.
    """
    ids, branches = chat.encode_prompt(prompt.messages), [chat.encode_answer(text) for text in answers]
    longest = len(ids) + max(map(len, branches))
    if longest > context + 1:
        raise UserError(
            f"prompt {prompt.id or prompt.messages[-1].content[:40]!r} has {longest} tokens with its longest answer, "
            f"and the model's context is {context}; shorten the prompt or its answers."
        )
    return unsupervised(ids, branches)


def as_demonstrations(best: Sequence[Samples]) -> list[Demonstration]:
    """FeedME's training set: each prompt answered by its best sample. What was answered before it shows nothing."""
    return [
        Demonstration((*row.prompt.messages, Message("assistant", row.completions[0])), "best of n", "last")
        for row in best
        if row.finish_reasons[0] == "stop"
    ]
