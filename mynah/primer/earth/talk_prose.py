"""Raw text of everyday English: letters, stories, talk, and what people say of programs and of the unknown."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from mynah.primer.earth.behaviours.outside import CHINESE
from mynah.primer.earth.behaviours.talk import KIN, NAMES, PLACES, WARES
from mynah.primer.earth.behaviours.writing import DAYS, TEXTS, TIMES, compose
from mynah.primer.earth.wordings import load

TOLD = load("talk_prose")
"""By part of a document, and by subject, the sentences that it may have."""
WOMEN: tuple[str, ...] = TOLD["women"]
MEN = tuple(name for group in NAMES.values() for name in group if name not in WOMEN)
SLOTS: dict[str, tuple[str, ...]] = {"kin": KIN, "place": PLACES, "ware": WARES, "day": DAYS, **TOLD["slots"]}


def _fill(templates: Sequence[str], rng: random.Random) -> list[str]:
    """The sentences of one document: the same people all along, everything else drawn anew."""
    first, second, third = rng.sample(
        [(n, "he", "his", "him") for n in MEN] + [(n, "she", "her", "her") for n in WOMEN], 3
    )
    filled = []
    for template in templates:
        slots = {slot: rng.choice(values) for slot, values in SLOTS.items()}
        for slot in ("food", "drink", "weather", "place"):
            slots[f"{slot}2"] = rng.choice([value for value in SLOTS[slot] if value != slots[slot]])
        slots |= dict(zip(("name", "he", "his", "him"), first, strict=True))
        slots |= {"name2": second[0], "his2": second[2], "name3": third[0], "chinese": CHINESE}
        slots |= {slot.capitalize(): value[0].upper() + value[1:] for slot, value in slots.items()}
        begun = re.sub(r"(?:(?<=[.!?] )|(?<=[.!?]\" ))\{(\w)", lambda m: "{" + m[1].upper(), template)
        sentence = begun.format(**slots, year=rng.randint(2027, 2060))
        sentence = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", sentence)
        filled.append(sentence[0].upper() + sentence[1:] if template.startswith("{") else sentence)
    return filled


def _some(templates: Sequence[str], rng: random.Random, low: int = 0) -> list[str]:
    """Enough different sentences for a document."""
    low = low or rng.randint(42, 90)
    filled = _fill(rng.sample(templates, len(templates)), rng)
    count = 1
    while sum(len(sentence.split()) for sentence in filled[:count]) < low and count < len(filled):
        count += 1
    return filled[:count]


def _tale(rng: random.Random) -> str:
    plain = [ending for ending in TOLD["endings"] if "{" not in ending.replace("{name}", "")]
    return " ".join(_fill([rng.choice(TOLD["tales"]), rng.choice(plain)], rng))


def _story(rng: random.Random) -> str:
    middles = rng.sample(TOLD["middles"], rng.randint(3, 6))
    return " ".join(_fill([rng.choice(TOLD["openings"]), *middles, *rng.sample(TOLD["endings"], 2)], rng))


def _talk(rng: random.Random) -> str:
    """Two people, turn by turn: "Anna: … Tom: …"."""
    turns = _turns(rng)
    names = turns.pop(), turns.pop()
    return "\n".join(f"{names[i % 2]}: {turn}" for i, turn in enumerate(turns))


def _scene(rng: random.Random) -> str:
    """The same in a story, with quotation marks."""
    turns = _turns(rng)
    names = turns.pop(), turns.pop()
    said = []
    for i, turn in enumerate(turns):
        quoted = turn[:-1] + "," if turn.endswith(".") else turn
        said.append(f'"{quoted}" {rng.choice(TOLD["said"])} {names[i % 2]}.' if rng.random() < 0.7 else f'"{turn}"')
    return "\n".join(said) if rng.random() < 0.4 else " ".join(said)


def _turns(rng: random.Random) -> list[str]:
    """Some exchanges, and last the two who speak."""
    chosen = rng.sample(TOLD["exchanges"], rng.randint(4, 6))
    return _fill([*(turn for pair in chosen for turn in pair), "{name2}", "{name}"], rng)


def _letter(rng: random.Random, errand: bool = False) -> str:
    """A letter as it lay on somebody's table, or with the story of how it came to be written."""
    kind = rng.choice(list(TOLD["topics"]))
    what, day = rng.choice(TOLD["topics"][kind]), rng.choice(DAYS) + rng.choice(TIMES)
    to, me = rng.sample(TOLD["writers"], 2)
    if rng.random() < 0.5:
        to = rng.choice(TOLD["roles"])
    letter = compose(TEXTS[kind], to, what, day, me if errand or rng.random() < 0.7 else "", rng)
    if not errand:
        return "\n".join([letter, *_some(TOLD["afterwards"], rng, 25)])
    # The story is told by another: "my niece" of the writer becomes "a niece".
    whom = f"a {to[3:]}" if to.startswith("my ") else f"the {to[4:]}" if to.startswith("our ") else to
    story = rng.choice(TOLD["errands"][kind]).format(
        me=me, to=whom, what=what, What=what[0].upper() + what[1:], day=day
    )
    story = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", story)
    return "\n".join([story[0].upper() + story[1:], letter, *_some(TOLD["afterwards"], rng, 12)])


def _errand(rng: random.Random) -> str:
    return _letter(rng, errand=True)


def _posts(rng: random.Random) -> str:
    return "\n".join(_some(TOLD["posts"], rng))


def _quarrel(rng: random.Random) -> str:
    return " ".join(_some(TOLD["rude"], rng))


def _ramble(rng: random.Random) -> str:
    return " ".join(_some(TOLD["rambling"], rng))


def _diary(rng: random.Random) -> str:
    lines = [f"{day}. {' '.join(_some(TOLD['diary'], rng, 14))}" for day in rng.sample(DAYS, rng.randint(3, 4))]
    return "\n".join(lines)


def _plan(rng: random.Random) -> str:
    tasks = _fill(rng.sample(TOLD["plans"], rng.randint(8, 12)), rng)
    mark = rng.choice(("- ", "* ", ""))
    head = rng.choice((f"To do on {rng.choice(DAYS)}:", "My plan for the week:", "Things that I must not forget:"))
    return "\n".join([head, *(f"{mark or f'{i}. '}{task}" for i, task in enumerate(tasks, 1))])


def _programs(rng: random.Random) -> str:
    return " ".join(_some(TOLD["programs"], rng))


def _unknown(rng: random.Random) -> str:
    return " ".join(_some(TOLD["unknown"], rng))


def _feelings(rng: random.Random) -> str:
    return " ".join(_some(TOLD["feelings"], rng))


def _languages(rng: random.Random) -> str:
    return " ".join(_some(TOLD["languages"], rng))


def _portrait(rng: random.Random) -> str:
    return " ".join(_fill([TOLD["portraits"][0], *rng.sample(TOLD["portraits"][1:], rng.randint(6, 9))], rng))


def _advice(rng: random.Random) -> str:
    return " ".join(_some(TOLD["advice"], rng))


def _everyday(rng: random.Random) -> str:
    return " ".join(_some(TOLD["everyday"], rng))


def _mixed(rng: random.Random) -> str:
    """Raw text wanders from one thing to the next."""
    pools = rng.sample(
        (
            TOLD["programs"],
            TOLD["unknown"],
            TOLD["feelings"],
            TOLD["advice"],
            TOLD["diary"],
            TOLD["rambling"],
            TOLD["languages"],
            TOLD["everyday"],
        ),
        3,
    )
    return " ".join(sentence for pool in pools for sentence in _some(pool, rng, 20))


KINDS: dict[Callable[[random.Random], str], int] = {
    _story: 4,
    _tale: 5,
    _talk: 4,
    _scene: 4,
    _letter: 3,
    _errand: 5,
    _programs: 4,
    _unknown: 4,
    _feelings: 3,
    _portrait: 2,
    _diary: 2,
    _posts: 2,
    _plan: 1,
    _advice: 2,
    _everyday: 5,
    _languages: 2,
    _quarrel: 1,
    _ramble: 2,
    _mixed: 3,
}
"""Every kind of document, and how often it comes."""


def document(rng: random.Random) -> str:
    """One document of 40 to 120 words."""
    while True:
        text = rng.choices(list(KINDS), list(KINDS.values()))[0](rng)
        if 40 <= len(text.split()) <= 120:
            return text.lower() if rng.random() < 0.05 else text
