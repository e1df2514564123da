"""Conversations between people in raw text: they ask, mean something else, doubt, admit, insist, and ask on.

Only `train` entities, only `demo` wordings; some of these people are wrong, rude or vague, as people are.
"""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours import challenge, completeness, constraint, correction, follow_up, premise
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import draw_fact, question

PEOPLE = tuple(
    """
    Anna Ben Carla David Emma Frank Grace Henry Iris Jack Kate Leo Mary Nick Olivia Peter Rose Sam Tina Victor Alice
    Bob Clara Dan Ella Fred Gina Hugo Ida Jim Laura Max Nina Oscar Paula Rob Sara Tom Uma Will Ali Fatima Chen Mei
    Ivan Olga Raj Priya Kofi Amina Diego Lucia
    """.split()
)
RUDE = (
    "Who cares.",
    "Look it up yourself.",
    "Why do you ask me?",
    "What a silly question.",
    "I have no time for this.",
    "Ask somebody else.",
)
CASES = (
    (follow_up.draw, 5),
    (correction.draw, 3),
    (challenge.admits_mistake, 2),
    (challenge.holds_ground, 2),
    (completeness.draw, 2),
    (premise.false_premise, 1),
    (premise.true_twin, 1),
    (constraint.draw, 1),
)


def conversation(rng: random.Random) -> str:
    """Two people, two to eight lines, in one of several layouts."""
    one, other = rng.sample(PEOPLE, 2)
    lines = _lines(rng)
    layout = rng.random()
    if layout < 0.4:
        return "\n".join(f"{(one, other)[i % 2]}: {line}" for i, line in enumerate(lines))
    if layout < 0.6:
        return "\n".join(f"- {line}" for line in lines)
    if layout < 0.8:
        verbs = ("asked", "said") if rng.random() < 0.7 else ("wrote", "wrote back")
        return " ".join(f'"{line}" {verbs[i % 2]} {(one, other)[i % 2]}.' for i, line in enumerate(lines))
    return "\n".join(f"{'AB'[i % 2]}: {line}" for i, line in enumerate(lines))


def _lines(rng: random.Random) -> list[str]:
    if rng.random() < 0.2:  # plain question, plain answer, thanks; or no help at all
        fact = draw_fact("demo", rng)
        asked, _ = question(fact, "demo", rng)
        if rng.random() < 0.4:
            return [asked, rng.choice(RUDE)]
        return [asked, fact.answer(rng), rng.choice(("Thanks!", "Thank you.", "I did not know that.", "Oh, I see."))]
    case: Case = rng.choices([draw for draw, _ in CASES], [weight for _, weight in CASES])[0]("demo", rng)
    said = case.good
    if case.slips and rng.random() < 0.4:  # raw text is not careful
        said = rng.choice(list(case.slips.values()))
    return [*(message.content for message in case.messages), said]
