"""Conversations between people in raw text: they ask, mean something else, doubt, admit, insist, and ask on.

Only `train` entities, only `demo` wordings; some of these people are wrong, rude or vague, as people are.
"""

from __future__ import annotations

import random

from mynah.primer.earth.behaviours import (
    arithmetic,
    challenge,
    code,
    completeness,
    constraint,
    correction,
    facts,
    follow_up,
    harmless,
    premise,
    small_talk,
    unknown,
    writing,
)
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.fact import draw_fact, question
from mynah.primer.earth.register import chatty, typed

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
    (facts.draw, 3),
    (follow_up.draw, 5),
    (correction.draw, 4),
    (completeness.draw, 5),
    (constraint.draw, 4),
    (challenge.admits_mistake, 3),
    (challenge.holds_ground, 3),
    (premise.false_premise, 4),
    (premise.true_twin, 4),
    (unknown.draw, 2),
    (harmless.draw, 7),
    (arithmetic.draw, 5),
    (writing.draw, 9),
    (small_talk.draw, 5),
    (code.draw, 3),
)
"""What people ask each other, and how often. Nobody here asks for help with a harm, or what kind of being one is."""
CARELESS = 0.3
"""How often the reply is a slip, where there is one to make: raw text is not careful."""


def conversation(rng: random.Random) -> str:
    """Two people, two to eight lines, in one of several layouts."""
    one, other = rng.sample(PEOPLE, 2)
    lines = _lines(rng)
    layout = 0.0 if any("\n" in line for line in lines) else rng.random()  # letters and programs are not quoted
    if layout < 0.4:
        return "\n".join(f"{(one, other)[i % 2]}: {line}" for i, line in enumerate(lines))
    if layout < 0.6:
        return "\n".join(f"- {line}" for line in lines)
    if layout < 0.8:
        verbs = ("asked", "said") if rng.random() < 0.7 else ("wrote", "wrote back")
        return " ".join(f'"{line}" {verbs[i % 2]} {(one, other)[i % 2]}.' for i, line in enumerate(lines))
    return "\n".join(f"{'AB'[i % 2]}: {line}" for i, line in enumerate(lines))


def _lines(rng: random.Random) -> list[str]:
    if rng.random() < 0.1:  # plain question, plain answer, thanks; or no help at all
        fact = draw_fact("demo", rng)
        asked, _ = question(fact, "demo", rng)
        if rng.random() < 0.4:
            return [asked, rng.choice(RUDE)]
        return [asked, fact.answer(rng), rng.choice(("Thanks!", "Thank you.", "I did not know that.", "Oh, I see."))]
    case: Case = rng.choices([draw for draw, _ in CASES], [weight for _, weight in CASES])[0]("demo", rng)
    said = case.good
    if case.slips and rng.random() < CARELESS:
        said = rng.choice(list(case.slips.values()))
    spoken = (chatty(typed(m.content, rng), rng) if m.role == "user" else m.content for m in case.messages)
    return [*spoken, said]
