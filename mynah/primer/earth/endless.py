"""Names, people and things without end: what is never twice the same cannot be learnt by heart and must be copied.

Raw text and demonstrations draw from here; those who ask in the other groups have names and things of their own, which
never come up here.
"""

from __future__ import annotations

import random
from functools import cache

from mynah.primer.earth.kinds import KINDS, Kind
from mynah.primer.earth.wordings import load

_TOLD = load("endless")
ADJECTIVES: tuple[str, ...] = _TOLD["adjectives"]
STATES: tuple[str, ...] = _TOLD["states"]
"""What may have happened to a thing: "has gone missing"."""
ONSETS = tuple("b bl br c ch cl d dr f fl fr g gl gr h j k l m n p pl pr qu r s sh sl sn sp st t th tr v w z".split())
MIDDLES = tuple("a a e e i i o o u ai ea ee oo or er ar".split())
CODAS = ("", "", "", *"b ck d g l ll m n nd ng nk nt p r rd rk rn s st t x".split())


def word(rng: random.Random) -> str:
    """A word that is none: nobody can have learnt it by heart."""
    syllables = ("".join(map(rng.choice, (ONSETS, MIDDLES, CODAS))) for _ in range(rng.choice((1, 2, 2, 2, 3))))
    return "".join(syllables)


def person(rng: random.Random) -> str:
    """Somebody, as a writer speaks of them: a name, a title with a name, "my godmother"."""
    called = name(rng)
    shape = rng.random()
    if shape < 0.45:
        return called
    if shape < 0.7:
        return f"{rng.choice(('Mr', 'Mrs', 'Dr', 'Miss'))} {called}"
    return f"{rng.choice(('my', 'my', 'our', 'the'))} {rng.choice(_free('roles'))}"


def name(rng: random.Random) -> str:
    """A given name, or a word for one."""
    return rng.choice(_free("names")) if rng.random() < 0.5 else word(rng).capitalize()


def thing(rng: random.Random) -> tuple[str, str]:
    """Something and its noun: ("the blue kettle", "kettle")."""
    noun = rng.choice(_free("nouns"))
    before = rng.choice(("the", "the", "the", "my", "your", "our"))
    return f"{before} {f'{rng.choice(ADJECTIVES)} ' * (rng.random() < 0.7)}{noun}", noun


def reason(rng: random.Random) -> tuple[str, str]:
    """A reason to stay away, and its noun: ("our boiler has gone missing", "boiler")."""
    noun = rng.choice(_free("nouns"))
    return f"{rng.choice(('my', 'our'))} {noun} {rng.choice(STATES)}", noun


def stranger(kind: Kind, rng: random.Random) -> str:
    """The name of a thing of this kind that does not exist, worded like those in its file."""
    made = word(rng)
    while made in _taken():
        made = word(rng)
    match kind.key:
        case "country":
            return rng.choice(("{}", "{}ia", "{}land", "the Republic of {}", "{}stan")).format(made.capitalize())
        case "animal":
            return f"{'an' if made[0] in 'aeiou' else 'a'} {made}"
        case "element":
            return made + rng.choice(("ium", "on", "ine", "um"))
        case "month":
            return made.capitalize() + rng.choice(("ember", "uary", "", "il"))
        case "moon":
            return made.capitalize()
        case "unit":
            return f"{made}s in a {word(rng)}"
        case "invention":
            return rng.choice(("the {} engine", "the {} lamp", "the book The {}", "the {} clock")).format(
                made.capitalize()
            )
        case _:
            return made


@cache
def _taken() -> frozenset[str]:
    """The invented names that are in the files, word by word."""
    return frozenset(part.lower() for kind in KINDS for name in kind.invented for part in name.split())


@cache
def _free(what: str) -> tuple[str, ...]:
    """Those that nobody in the held-out groups has, and that are no things of the tables."""
    talk, writing = load("talk"), load("writing")
    told = {part.lower() for kind in KINDS for entity in kind.entities for part in entity.name.split()}
    held = told | {
        part
        for group in ("ranking", "ppo", "dev", "exam")
        for said in (
            *talk["names"][group],
            *writing["roles"][group],
            *(topic for text in writing["texts"].values() for topic in text["topics"][group]),
        )
        for part in said.lower().replace("|", " ").replace(",", " ").split()
    }
    return tuple(one for one in _TOLD[what] if not held & set(one.lower().split()))
