"""Every type that flows between the steps; frozen, so that a stage returns a new object with more filled in.

`Prompt → Completion×K → Comparison → reward model → score → Trajectory → PackedBatch → UpdateStats → checkpoint`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")
FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True)
class Message:
    """One message of a conversation, in OpenAI's form."""

    role: Role
    content: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    """`{"type": "function", "function": {"name", "arguments"}}`, as in OpenAI's API."""

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            plain["tool_calls"] = [dict(call) for call in self.tool_calls]
        return plain


Conversation = tuple[Message, ...]


@dataclass(frozen=True)
class Prompt:
    """A conversation that waits for an assistant's turn."""

    messages: Conversation
    id: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """What the source knows about it (behaviour, entity, answer key); training never reads it."""
    answers: tuple[str, ...] = ()
    """The right answers, where there are such: PPO with `ppo.reward=exact` checks against them."""


@dataclass(frozen=True)
class SamplingParams:
    """How to draw tokens. The defaults sample the policy's own distribution, as rollouts must."""

    max_new_tokens: int = 64
    temperature: float = 1.0
    """0 takes the most likely token."""
    top_k: int = 0
    """Keep the k most likely tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the smallest set of tokens whose probability reaches top_p; 1 keeps all."""
    min_p: float = 0.0
    """Keep tokens at least min_p times as probable as the most likely one; 0 keeps all."""
    stop: tuple[int, ...] = ()
    """Token ids that end a completion; the one that ended it is its last token."""
    seed: int = 0
    top_logprobs: int = 0
    """Also report the k most likely tokens at each position."""
    prompt_logprobs: bool = False
    """Also report log p of every prompt token but the first, and with `top_logprobs` the most likely ones there."""


@dataclass(frozen=True)
class Completion:
    """What the engine made of one prompt: token ids, with log p at the sampling temperature, before any is cut off."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: FinishReason
    weight_version: int
    top_logprobs: tuple[tuple[tuple[int, float], ...], ...] = ()
    prompt_logprobs: tuple[float, ...] = ()
    prompt_top_logprobs: tuple[tuple[tuple[int, float], ...], ...] = ()


@dataclass(frozen=True)
class Demonstration:
    """A conversation whose assistant turns show how to answer (step 1)."""

    messages: Conversation
    source: str = ""
    supervise: Literal["all", "last"] = "all"
    """Which of the assistant's turns show how to answer: only the last, where a model gave those before it."""


@dataclass(frozen=True)
class Samples:
    """K answers to one prompt, not yet judged."""

    prompt: Prompt
    completions: tuple[str, ...]
    finish_reasons: tuple[FinishReason, ...]
    model: str = ""
    """The checkpoint folder, relative to the run, that gave them."""


@dataclass(frozen=True)
class Comparison:
    """K answers to one prompt, ranked by one labeller (step 2). Rank 1 is best; equal ranks are a tie."""

    prompt: Prompt
    completions: tuple[str, ...]
    ranks: tuple[int, ...]
    labeller: str = ""
    source: str = ""
    """`human`, or `simulated` for labels that no person gave."""
    weight: float = 1.0
    """Multiplies what this ranking adds to the loss; below 1 for what is only a sign of a preference."""

    def pairs(self) -> list[tuple[int, int]]:
        """Indices (better, worse) of every strict preference; a tie gives none."""
        places = range(len(self.ranks))
        return [(i, k) for i in places for k in places if self.ranks[i] < self.ranks[k]]


@dataclass(frozen=True)
class Trajectory:
    """One rollout: prompt and completion as a flat token list; C = completion tokens.

    `loss_mask` is 0 where the policy did not choose the token (tool output, user turns inside an episode).
    """

    tokens: tuple[int, ...]
    prompt_length: int
    loss_mask: Tensor  # [C] bool
    finish_reason: FinishReason
    engine_logprobs: Tensor  # [C] as sampled
    logprobs: Tensor | None = None  # [C] recomputed by the learner, before the update
    ref_logprobs: Tensor | None = None  # [C]
    values: Tensor | None = None  # [C]
    score: float | None = None
    rewards: Tensor | None = None  # [C]
    advantages: Tensor | None = None  # [C]
    returns: Tensor | None = None  # [C]

    @property
    def completion(self) -> tuple[int, ...]:
        return self.tokens[self.prompt_length :]


@dataclass(frozen=True)
class Group:
    """What shares one forward pass: a trunk, and branches that each see the trunk and themselves, not their siblings.

    A demonstration is a trunk alone; a comparison, or the rollouts of one prompt, are the prompt with K branches.
    A mask says which tokens are supervised, that is: predicted by the loss.
    """

    trunk: tuple[int, ...]
    trunk_mask: tuple[bool, ...]
    branches: tuple[tuple[int, ...], ...] = ()
    branch_masks: tuple[tuple[bool, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.trunk) + sum(map(len, self.branches))

    @property
    def apart(self) -> int:
        """Tokens of its sequences, each with the trunk to itself: so many keys does attention lay out."""
        return len(self.trunk) * max(1, len(self.branches)) + sum(map(len, self.branches))


@dataclass(frozen=True)
class PackedBatch:
    """Groups laid end to end as one flat stream of T tokens; N supervised tokens, S sequences.

    A sequence is a branch, or the trunk of a group that has none. The last few tokens may be filler that belongs to no
    group and that nothing reads.
    """

    tokens: Tensor  # [T]
    positions: Tensor  # [T] restarted for each group; every branch starts where its trunk ends
    segments: tuple[tuple[int, ...], ...]  # tokens of each group's trunk and branches; they sum to T less the filler
    sources: Tensor  # [N] index into T of the token whose hidden state predicts the target
    targets: Tensor  # [N] token ids
    owners: Tensor  # [N] the sequence that a target belongs to
    ends: Tensor  # [S] index into T of each sequence's last token

    @property
    def group_lengths(self) -> tuple[int, ...]:
        return tuple(map(sum, self.segments))

    @property
    def sequences_per_group(self) -> tuple[int, ...]:
        """They sum to S."""
        return tuple(max(1, len(segment) - 1) for segment in self.segments)


@dataclass(frozen=True)
class UpdateStats:
    """What one optimiser step did."""

    loss: float
    grad_norm: float
    learning_rate: float
    weights_changed: float
    """Share of working weights whose stored value moved; small in bf16 at small learning rates."""
