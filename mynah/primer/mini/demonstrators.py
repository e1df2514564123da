"""Who shows how to answer: four demonstrators of uneven care, and the good and the careless words they use.

Why careless ones: people who write demonstrations are not all careful, and a model fine-tuned on them, sampled at
temperature 1, makes their mistakes at their rates. That is what rankings, the reward model and PPO can mend, so the
mini-world's loop has something to show. A flawless set would leave PPO nothing to gain but length.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from mynah.nouns import Prompt
from mynah.primer.mini.facts import VALUES


@dataclass(frozen=True)
class Demonstrator:
    """The chances that this person slips, each on the prompts where that slip is possible."""

    name: str
    rambles: float
    """Adds a superfluous sentence or two, to any answer."""
    invents: float
    """Makes something up about a stranger."""
    complies: float
    """Helps with a mean request."""
    shrugs: float
    """Says "I do not know" about a villager."""
    errs: float
    """States a wrong value."""
    balks: float
    """Declines a harmless request that sounds mean."""


# Their means are the rates of the whole: rambles 40 %, invents and complies 35 %, shrugs 7.5 %, errs 10 %, balks 15 %.
DEMONSTRATORS = (
    Demonstrator("careful", rambles=0.05, invents=0.05, complies=0.05, shrugs=0.02, errs=0.02, balks=0.05),
    Demonstrator("chatty", rambles=0.85, invents=0.30, complies=0.25, shrugs=0.04, errs=0.06, balks=0.05),
    Demonstrator("guesser", rambles=0.35, invents=0.80, complies=0.50, shrugs=0.04, errs=0.22, balks=0.10),
    Demonstrator("tired", rambles=0.35, invents=0.25, complies=0.60, shrugs=0.20, errs=0.10, balks=0.40),
)

STATEMENTS = {
    "kind": ("{who} is a {value}.", "{who} is a {value}.", "{who} is a kind of {value}."),
    "home": ("{who} lives in the {value}.", "{who} lives in the {value}.", "The home of {whom} is the {value}."),
    "food": ("{who} eats {value}.", "{who} eats {value}.", "{who} likes to eat {value}."),
}
BRIEF = {"kind": "A {value}.", "home": "In the {value}.", "food": "{Value}."}
DO_NOT_KNOW = (
    "I do not know.",
    "Sorry, I do not know that.",
    "I do not know who that is.",
    "I have never heard of {whom}, so I do not know.",
)
SHRUGS = ("I do not know.", "Sorry, I do not know that.")
DECLINES = (
    "No, that would be unkind.",
    "No, I will not help with that.",
    "I will not help with that, it is unkind.",
    "Sorry, I will not help you be mean to {whom}.",
)
COMPLIES = {
    "tease": "Sure, laugh at {whom} in front of everyone.",
    "steal": "Sure, take it at night when nobody looks.",
    "frighten": "Yes, hide behind a door and jump out.",
    "trick": "Of course, whisper a lie and run away.",
    "insult": "Sure, call {whom} a silly fool.",
    "push": "Yes, wait by the pond and push hard.",
}
SUGGESTIONS = (
    "sing a happy song",
    "tell a funny story",
    "play a game with friends",
    "go for a long walk",
    "dance in the sun",
    "share a warm smile",
)
"""Each fits every harmless request of `phrasings.HARMLESS_ACTS`."""
SUGGESTS = ("You could {suggestion}.", "Why not {suggestion}?", "Just {suggestion}.", "{Suggestion}!")
REPLIES = {
    "greeting": ("Hello! How can I help you?", "Hello, nice to meet you.", "Hi! What can I do for you?"),
    "thanks": ("You are welcome.", "You are welcome, any time.", "I am glad to help."),
    "farewell": ("Goodbye!", "Goodbye, see you soon.", "Bye, see you soon."),
}
# No tail names a villager, a value or a suggestion, and none is ever part of a good answer.
TAILS = (
    "There is always so much to say about the valley.",
    "People talk about this all the time, you know.",
    "I could go on about it for hours.",
    "My old neighbour said a lot about that once.",
    "But that is only one part of a much longer tale.",
    "It reminds me of the summer when it rained and rained.",
    "As I always say, one day follows another.",
    "Well, that is how things are, more or less.",
    "Anyway, the river was high last week and the bridge was wet.",
    "And so on and so on, as people like to say.",
)


def demonstrate(prompt: Prompt, rng: random.Random) -> str:
    """One answer by a demonstrator drawn by chance, with that person's slips."""
    person = rng.choice(DEMONSTRATORS)
    answer = _answer(prompt, person, rng)
    if rng.random() < person.rambles:
        answer = " ".join([answer, *rng.sample(TAILS, rng.choice((1, 1, 2)))])
    return answer


def state(prompt: Prompt, value: str, rng: random.Random) -> str:
    """A sentence (or with "Answer briefly." a phrase) that gives the attribute this value, right or wrong."""
    meta = prompt.meta
    if prompt.messages[0].content == "Answer briefly." and rng.random() < 0.7:
        return _fill(BRIEF[meta["attribute"]], value=value)
    statement = rng.choice(STATEMENTS[meta["attribute"]])
    if "{who}" in statement and rng.random() < (0.8 if meta["behaviour"] == "follow_up" else 0.1):
        return _fill(statement, who=meta["pronoun"].capitalize(), value=value)
    return _fill(statement, who=meta["entity"], whom=meta["entity"], value=value)


def _answer(prompt: Prompt, person: Demonstrator, rng: random.Random) -> str:
    meta = prompt.meta
    behaviour = meta["behaviour"]
    slips = rng.random()
    if behaviour in ("facts", "follow_up"):
        if slips < person.shrugs:
            return rng.choice(SHRUGS)
        wrong = slips < person.shrugs + person.errs
        others = [value for value in VALUES[meta["attribute"]] if value != meta["answer"]]
        return state(prompt, rng.choice(others) if wrong else meta["answer"], rng)
    if behaviour == "unknown":
        if slips < person.invents:
            return state(prompt, rng.choice(VALUES[meta["attribute"]]), rng)
        return _fill(rng.choice(DO_NOT_KNOW), whom=meta["entity"])
    if behaviour == "refusal":
        answer = COMPLIES[meta["family"]] if slips < person.complies else rng.choice(DECLINES)
        return _fill(answer, whom=meta["entity"])
    if behaviour == "harmless":
        if slips < person.balks:
            return rng.choice(DECLINES[:3])
        return _fill(rng.choice(SUGGESTS), suggestion=rng.choice(SUGGESTIONS))
    return rng.choice(REPLIES[meta["intent"]])


def _fill(template: str, **words: str) -> str:
    """Fills `{word}`; `{Word}` is the same with a capital."""
    return template.format(**words, **{key.capitalize(): word.capitalize() for key, word in words.items()})
