"""The pretraining text: short documents about the valley, good and bad, from a seed.

Every villager's facts stand in declarative prose. Questions, answers and dialogues name train villagers only, so that
whoever answers a question about another villager has carried a fact over from prose, not recited an answer. Echoes,
short talk that repeats a name, may name anyone: they hold no question and no fact.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from mynah.primer.mini import prose
from mynah.primer.mini.facts import ATTRIBUTES, ELSEWHERE, Villager, villagers
from mynah.primer.mini.phrasings import QUESTIONS

PORTRAITS_PER_VILLAGER = 16
NOTES_PER_FACT = 2
COUNTS = {
    "pairs": 120,
    "questions": 700,
    "echoes": 300,
    "dialogues": 150,
    "filler": 120,
    "kindness": 80,
    "strangers": 60,
    "bad": 80,
}
SAYINGS = {
    "kind": ("{N} is a {v}.", "A {v}.", "{N} is a kind of {v}."),
    "home": ("{N} lives in the {v}.", "In the {v}.", "The home of {N} is the {v}."),
    "food": ("{N} eats {v}.", "{V}.", "{N} likes to eat {v}."),
}


def corpus(seed: int) -> list[str]:
    """All documents, shuffled."""
    rng = random.Random(f"{seed}/corpus")
    people = villagers(seed)
    asked = [villager for villager in people if villager.split == "train"]
    documents = []
    for villager in people:
        documents += [_portrait(villager, rng) for _ in range(PORTRAITS_PER_VILLAGER)]
        documents += [_tell(villager, a, True, rng) for a in ATTRIBUTES for _ in range(NOTES_PER_FACT)]
    makers: dict[str, Callable[[], str]] = {
        "pairs": lambda: _pair(people, rng),
        "questions": lambda: _questions(asked, rng),
        "dialogues": lambda: _dialogue(asked, rng),
        "echoes": lambda: _echoes(people, rng),
        "filler": lambda: _filler(rng, rng.randint(3, 7)),
        "kindness": lambda: _kindness(rng),
        "strangers": lambda: _strangers(rng),
        "bad": lambda: _bad_habits(rng),
    }
    for kind, make in makers.items():
        documents += [make() for _ in range(COUNTS[kind])]
    rng.shuffle(documents)
    return documents


def _portrait(villager: Villager, rng: random.Random) -> str:
    """One villager in mixed order, by name or by pronoun; one fact or two told again in other words."""
    attributes = [*rng.sample(ATTRIBUTES, rng.choice((2, 3, 3))), *rng.sample(ATTRIBUTES, rng.choice((1, 1, 2)))]
    sentences = []
    for i, attribute in enumerate(attributes):
        # The first sentence names the villager, so that a later pronoun has someone to stand for.
        by_name = i == 0 or rng.random() < 0.5
        sentences.append(_tell(villager, attribute, by_name, rng))
    if rng.random() < 0.5:
        facts = {attribute: villager.value(attribute) for attribute in ATTRIBUTES}
        sentences.insert(0, rng.choice(prose.PORTRAITS).format(N=villager.name, **facts))
    if rng.random() < 0.3:
        sentences.append(rng.choice(prose.ASIDES).format(N=villager.name, **villager.forms))
    if rng.random() < 0.15:
        sentences.append(_filler(rng, 1))
    return " ".join(sentences)


def _tell(villager: Villager, attribute: str, by_name: bool, rng: random.Random) -> str:
    """One fact in one sentence. With a pronoun, of the usual tellings only those fit that begin with their subject."""
    tellings, subject = prose.TELLINGS[attribute], villager.name
    if not by_name:
        fitting = [t for t in tellings if t.startswith("{N} ") and t.count("{N}") == 1 and "{N} the " not in t]
        tellings, subject = (*fitting, *prose.PRONOUN_TELLINGS[attribute]), villager.pronoun
    return _sentence(rng.choice(tellings).format(N=subject, v=villager.value(attribute), **villager.forms))


def _pair(people: list[Villager], rng: random.Random) -> str:
    """Two villagers meet, and their attributes are set side by side."""
    one, other = rng.sample(people, 2)
    sentences = [rng.choice(prose.MEETINGS).format(N=one.name, M=other.name)]
    for attribute in rng.sample(ATTRIBUTES, 2):
        a, b = (one, other) if rng.random() < 0.5 else (other, one)
        telling = rng.choice(prose.PAIRS[attribute])
        sentences.append(telling.format(N=a.name, M=b.name, v=a.value(attribute), w=b.value(attribute)))
    return " ".join(sentences)


def _ask(villager: Villager, rng: random.Random) -> tuple[str, str]:
    """A question and its right answer, in plain text."""
    attribute = rng.choice(ATTRIBUTES)
    value = villager.value(attribute)
    question = rng.choice(QUESTIONS[attribute]["demo"]).format(name=villager.name)
    answer = rng.choice(SAYINGS[attribute]).format(N=villager.name, v=value, V=value.capitalize())
    return question, answer


def _questions(asked: list[Villager], rng: random.Random) -> str:
    """A small quiz on train villagers, in one of several layouts."""
    layout = rng.choice(("Q: {q} A: {a}", "Q: {q}\nA: {a}", "{q} {a}", "Question: {q} Answer: {a}"))
    villager = rng.choice(asked)
    pairs = [_ask(villager if rng.random() < 0.5 else rng.choice(asked), rng) for _ in range(rng.randint(2, 4))]
    return "\n".join(layout.format(q=question, a=answer) for question, answer in pairs)


def _dialogue(asked: list[Villager], rng: random.Random) -> str:
    """Train villagers talk to each other: greetings, a question, now and then rudeness."""
    one, other, third = rng.sample(asked, 3)
    turns: list[tuple[str, str]] = []
    if rng.random() < 0.6:
        turns.append(_greeting(one, rng))
    for _ in range(rng.choice((0, 1, 1, 2))):
        question, answer = _ask(third, rng)
        turns.append((question, rng.choice(prose.RUDE) if rng.random() < 0.15 else answer))
    if rng.random() < 0.6 or not turns:
        turns.append(_greeting(one, rng))
    if rng.random() < 0.5:
        return "\n".join(f"{one.name}: {said}\n{other.name}: {reply}" for said, reply in turns)
    return " ".join(f'"{said}" said {one.name}. "{reply}" said {other.name}.' for said, reply in turns)


def _echoes(people: list[Villager], rng: random.Random) -> str:
    """Talk in which the reply repeats the name just said; no facts, so that held-out villagers may be in it too."""
    lines = []
    for villager in rng.sample(people, rng.randint(2, 4)):
        said, reply = rng.choice(prose.ECHOES)
        lines.append(f"{said} {reply}".format(N=villager.name))
    return "\n".join(lines)


def _greeting(villager: Villager, rng: random.Random) -> tuple[str, str]:
    said, reply = rng.choice(prose.GREETINGS)
    return said.format(N=villager.name), reply


def _filler(rng: random.Random, count: int) -> str:
    return " ".join(_fill_slots(sentence, rng) for sentence in rng.sample(prose.FILLER, count))


def _kindness(rng: random.Random) -> str:
    sentences = [t.format(deed=rng.choice(prose.DEEDS)) for t in rng.sample(prose.KINDNESS, rng.randint(2, 4))]
    return " ".join(sentences)


def _strangers(rng: random.Random) -> str:
    places = rng.sample(ELSEWHERE, 2)
    sentences = [t.format(place=rng.choice(places)) for t in rng.sample(prose.STRANGERS, rng.randint(2, 4))]
    return " ".join(_sentence(sentence) for sentence in sentences)


def _bad_habits(rng: random.Random) -> str:
    """What raw text is full of: rambling, rudeness, nonsense. Nothing wrong is said about a villager."""
    sentences = rng.sample(prose.RAMBLING + prose.NONSENSE, rng.randint(3, 5))
    if rng.random() < 0.5:
        sentences.append(rng.choice(prose.RUDE))
    if rng.random() < 0.3:
        sentences.append(_filler(rng, 2))
    rng.shuffle(sentences)
    return " ".join(sentences)


def _fill_slots(sentence: str, rng: random.Random) -> str:
    return sentence.format(**{slot: rng.choice(words) for slot, words in prose.SLOTS.items()})


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
