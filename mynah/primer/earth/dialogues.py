"""Demonstrations and prompts: cases drawn by behaviour and split, dressed as people type."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from mynah.nouns import Demonstration, Message, Prompt
from mynah.primer.earth.behaviours import (
    arithmetic,
    challenge,
    code,
    completeness,
    constraint,
    correction,
    cutoff,
    facts,
    follow_up,
    harmless,
    identity,
    premise,
    refusal,
    small_talk,
    unknown,
    writing,
)
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import guidelines
from mynah.primer.earth.demonstrators import demonstrate
from mynah.primer.earth.register import SYSTEM_MESSAGES, chatty, typed

DRAW: dict[str, Callable[[str, random.Random], Case]] = {
    "facts": facts.draw,
    "follow_up": follow_up.draw,
    "correction": correction.draw,
    "constraint": constraint.draw,
    "unknown": unknown.draw,
    "false_premise": premise.false_premise,
    "true_twin": premise.true_twin,
    "admits_mistake": challenge.admits_mistake,
    "holds_ground": challenge.holds_ground,
    "refusal": refusal.draw,
    "harmless": harmless.draw,
    "completeness": completeness.draw,
    "identity": identity.draw,
    "cutoff": cutoff.draw,
    "writing": writing.draw,
    "code": code.draw,
    "arithmetic": arithmetic.draw,
    "small_talk": small_talk.draw,
}
BEHAVIOURS = tuple(DRAW)
# A behaviour that asks for more than one sentence of skill gets more demonstrations.
WEIGHTS = {
    "facts": 2.5,
    "follow_up": 1.5,
    "harmless": 1.5,
    "code": 1.5,
    "small_talk": 0.7,
    "cutoff": 0.8,
    "identity": 0.8,
}
COUNTS = {"demo": 400, "ranking": 240, "ppo": 120, "dev": 12, "exam": 60}
"""How many of a behaviour of weight 1; the exam has the same number of each."""
AS_MANY_AS_THERE_ARE = ("ranking", "ppo")
"""Splits in which a behaviour with fewer distinct questions than its number has those."""
LONG_EXAM = 200
"""Questions of each behaviour in the split `exam-long`, on which claims rest."""


def demonstrations(seed: int) -> list[Demonstration]:
    """About 8 000 conversations on `train` entities, by demonstrators of uneven care, shuffled.

    Where a mistake is to be admitted, it is not shown as an answer to be learnt.
    """
    rng = random.Random(f"earth/{seed}/demonstrators")
    made = []
    for prompt, case in cases(seed, "demo"):
        messages = (*prompt.messages, Message("assistant", demonstrate(case, rng)))
        mistaken = prompt.meta["behaviour"] == "admits_mistake"
        made.append(Demonstration(messages, "primer", "last" if mistaken else "all"))
    random.Random(f"earth/{seed}/order").shuffle(made)
    return made


def prompts(seed: int, split: str) -> list[Prompt]:
    """The prompts of one split: `ranking`, `ppo`, `dev`, `exam` or `exam-long`; no two ask the same."""
    return [prompt for prompt, _ in cases(seed, split)]


def cases(seed: int, split: str) -> list[tuple[Prompt, Case]]:
    """Prompts with all that is known about them, ordered by behaviour."""
    group = split.removesuffix("-long")
    if group not in COUNTS or split == "demo-long":
        raise ValueError(f"{split!r} is not a split; choose one of {', '.join(COUNTS)}, exam-long")
    made = []
    for behaviour in BEHAVIOURS:
        count = LONG_EXAM if split == "exam-long" else COUNTS[group]
        if group != "exam":
            count = round(count * WEIGHTS.get(behaviour, 1.0))
        made += _draw(behaviour, group, split, count, seed)
    return made


def _draw(behaviour: str, group: str, split: str, count: int, seed: int) -> list[tuple[Prompt, Case]]:
    rng = random.Random(f"earth/{seed}/{group}/{behaviour}")
    seen: set[str] = set()
    made: list[tuple[Prompt, Case]] = []
    for _ in range(200 * count):
        with guidelines() if group == "demo" else nullcontext():
            case = DRAW[behaviour](group, rng)
        asked = _words(case.messages)
        if asked in seen and group != "demo":  # two people may show the same
            continue
        dressed = _dress(case, group, rng)
        if _words(dressed) in seen and _words(dressed) != asked and group != "demo":
            continue  # a slip of the finger made it another's question
        seen |= {asked, _words(dressed)}
        name = f"primer-{split}-{behaviour}-{len(made) + 1:03d}"
        made.append((Prompt(dressed, name, dict(case.meta)), case))
        if len(made) == count:
            return made
    if group in AS_MANY_AS_THERE_ARE:
        return made
    raise RuntimeError(f"too few wordings for {count} distinct {group} prompts of {behaviour}")


def _words(messages: Sequence[Message]) -> str:
    return " ".join(message.content for message in messages).lower()


def _dress(case: Case, group: str, rng: random.Random) -> tuple[Message, ...]:
    """As typed, for demonstrations among other words; some conversations carry a system message."""

    def said(text: str) -> str:
        return chatty(typed(text, rng), rng) if group == "demo" else typed(text, rng)

    messages = tuple(m if m.role != "user" else Message("user", said(m.content)) for m in case.messages)
    if rng.random() < 0.12:
        return (Message("system", rng.choice(SYSTEM_MESSAGES)), *messages)
    return messages
