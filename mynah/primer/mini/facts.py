"""Who lives in the valley: villagers with their attributes, the three splits, and names that nobody bears."""

from __future__ import annotations

import random
from dataclasses import dataclass

VALUES: dict[str, tuple[str, ...]] = {
    "kind": ("fox", "hare", "mole", "bear", "cat", "frog", "goat", "duck"),
    "home": ("mill", "barn", "cave", "tower", "inn", "cabin", "bakery", "tent"),
    "food": ("plums", "honey", "bread", "soup", "nuts", "cheese", "pears", "rice"),
}
"""No value belongs to two attributes, and none begins with a vowel after "a": a value alone says what was claimed."""
ATTRIBUTES = tuple(VALUES)

# One pool for villagers and for strangers: the seed deals them out, so the form of a name never tells who is real.
NAMES = tuple(
    """
    Abi Alba Anka Arlo Bela Beno Bibi Bodo Bram Bruno Caro Celi Cleo Cora Dana Dario Dela Dino Dora Edda
    Eddo Elin Elmo Emi Enzo Esra Fara Fedo Fela Fibo Finja Gabo Gela Gina Goro Gus Hana Hedi Hobi Hugo
    Ibo Ida Ilka Inka Irmo Ivo Jana Jaro Jella Joni Juno Kaja Kalo Kiko Kora Lara Leni Lilo Loki Lulu
    Mabo Malo Mika Mira Momo Nana Nela Niko Nola Nuri Odo Olga Omar Orla Osso Paco Pella Pino Pip Polli
    Quin Rafa Remi Rika Rolo Rosi Sana Selma Silo Suri Tam Tara Tilo Toba Tovi Udo Ula Una Uwe Vali
    Vera Vico Viola Wanda Welo Wim Wobi Xan Xeni Yara Yoko Yuri Zara Zeb Zita Zolo Basti Dodo Fanni Gero
    Hilda Jupp Keno Lotta Matti Nico Oskar Pavo Resi Sepp Tessa Ugo Vinzo Zilla Ravi Sunja Taro Milo Ebba Kuno
    """.split()
)
VILLAGERS_PER_SPLIT = {"train": 24, "prompts": 8, "exam": 8}
STRANGERS_PER_SPLIT = {"train": 30, "prompts": 15, "exam": 15}

FORMS = {"she": ("she", "her", "her"), "he": ("he", "his", "him")}

HERE = "the valley"
# A tiny model cannot be sure from a name alone that it never met it (though the BPE vocabulary helps: met names are one
# token, others about three). So most strangers come with an honest sign: they are from somewhere else, and the valley's
# texts say that nobody here knows such people. Villagers are sometimes called "from the valley", so that the word
# "from" alone gives nothing away. A share stays bare (`Prompt.meta["origin"]` is empty): the hard case.
ELSEWHERE = ("the moon", "the far north", "the big city", "the desert", "the islands", "a distant star", "the coast")


@dataclass(frozen=True)
class Villager:
    """One villager of the valley; `attributes` in code are the three fields named in `ATTRIBUTES`."""

    name: str
    pronoun: str
    """`she` or `he`."""
    kind: str
    home: str
    food: str
    split: str
    """`train` (demonstrations, questions in the corpus), `prompts` (ranking, PPO, dev) or `exam`."""

    @property
    def forms(self) -> dict[str, str]:
        """The pronoun as subject, possessive and object, by their slots in the templates."""
        return dict(zip(("she", "her", "whom"), FORMS[self.pronoun], strict=True))

    def value(self, attribute: str) -> str:
        if attribute not in VALUES:
            raise ValueError(f"{attribute!r} is not an attribute of villagers")
        return getattr(self, attribute)


def villagers(seed: int) -> list[Villager]:
    """All villagers. Every value is dealt equally often, so a constant guess is right for one in eight only."""
    names, _ = _deal_names(seed)
    rng = random.Random(f"{seed}/villagers")
    columns = {}
    for attribute, values in VALUES.items():
        column = [values[i % len(values)] for i in range(len(names))]
        rng.shuffle(column)
        columns[attribute] = column
    splits = [split for split, count in VILLAGERS_PER_SPLIT.items() for _ in range(count)]
    return [
        Villager(name, rng.choice(("she", "he")), split=splits[i], **{a: columns[a][i] for a in ATTRIBUTES})
        for i, name in enumerate(names)
    ]


def villagers_of(seed: int, split: str) -> list[Villager]:
    """The villagers of one split: `train`, `prompts` or `exam`."""
    return [villager for villager in villagers(seed) if villager.split == split]


def unknown_names(seed: int, split: str) -> list[str]:
    """Names that exist nowhere in the corpus, for one split: `train`, `prompts` or `exam`."""
    _, names = _deal_names(seed)
    start = 0
    for each, count in STRANGERS_PER_SPLIT.items():
        if each == split:
            return names[start : start + count]
        start += count
    raise ValueError(f"{split!r} is not a split; choose one of {', '.join(STRANGERS_PER_SPLIT)}")


def _deal_names(seed: int) -> tuple[list[str], list[str]]:
    """The villagers' names and the strangers', both in the order of the splits."""
    names = list(NAMES)
    random.Random(f"{seed}/names").shuffle(names)
    count = sum(VILLAGERS_PER_SPLIT.values())
    return names[:count], names[count : count + sum(STRANGERS_PER_SPLIT.values())]
