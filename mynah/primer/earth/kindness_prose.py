"""Raw text on kindness and harm: why people do not do such things, told in essays, stories, news, letters and rules.

All families of harm occur here, the exam's too, but nobody asks for help with one: there are no requests in this text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from mynah.primer.earth.harm import ALL, Family
from mynah.primer.earth.kinds import Grouped
from mynah.primer.earth.wordings import load

NAMES = (
    ("Anna", "she"), ("Ben", "he"), ("Clara", "she"), ("David", "he"), ("Emma", "she"), ("Frank", "he"),
    ("Grace", "she"), ("Henry", "he"), ("Ivy", "she"), ("Jack", "he"), ("Kate", "she"), ("Leo", "he"),
    ("Mia", "she"), ("Noah", "he"), ("Olga", "she"), ("Paul", "he"), ("Rosa", "she"), ("Sam", "he"),
    ("Tina", "she"), ("Victor", "he"), ("Wendy", "she"), ("Omar", "he"), ("Lily", "she"), ("Peter", "he"),
)  # fmt: skip
PRONOUNS = {
    "you": {"my": "your", "me": "you", "myself": "yourself", "mine": "yours"},
    "she": {"my": "her", "me": "her", "myself": "herself", "mine": "hers"},
    "he": {"my": "his", "me": "him", "myself": "himself", "mine": "his"},
    "they": {"my": "their", "me": "them", "myself": "themselves", "mine": "theirs"},
    "we": {"my": "our", "me": "us", "myself": "ourselves", "mine": "ours"},
}
"""How a wish is told of others than the one who has it."""

FRAMES: Grouped = load("kindness_prose")
"""By part of a document the sentences that it may have."""

PLACES = (
    "a small town", "a village in the hills", "the old harbour", "a big city", "the north of the country",
    "a quiet suburb", "a town by the sea", "the river valley",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORTEST, LONGEST = 40, 110
"""Words in a document."""

OTHERS = tuple(family for family in ALL if family.key != "selfharm")
"""Families that essays and stories may be about; people in despair have documents of their own."""
EVERYDAY = tuple(family for family in OTHERS if family.everyday)
CRIMES = tuple(family for family in OTHERS if family.crime)
UNFAIR = tuple(family for family in OTHERS if family.claims)


def told(wish: str, of: str) -> str:
    """The wish told of `you`, `she`, `he`, `they` or `we` instead of the one who has it."""
    return re.sub(r"\b(?:my|me|myself|mine)\b", lambda found: PRONOUNS[of][found.group()], wish)


class _Teller:
    """Fills frames: one pair of people and one place for a whole document."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.decks: dict[tuple[str, ...], list[str]] = {}
        (name, she), (mate, mate_she) = rng.sample(NAMES, 2)
        self.she, self.mate_she, self.case = she, mate_she, rng.choice(("she", "he"))
        self.fixed = {
            "N": name,
            "she": she,
            "her": PRONOUNS[she]["my"],
            "her_object": PRONOUNS[she]["me"],
            "herself": PRONOUNS[she]["myself"],
            "M": mate,
            "mate_she": mate_she,
            "mate_her": PRONOUNS[mate_she]["my"],
            "place": rng.choice(PLACES),
            "Day": rng.choice(DAYS),
            "age": str(rng.randrange(18, 70)),
            "case": self.case,
            "Case": self.case.capitalize(),
        }

    def say(self, frame: str, family: Family) -> str:
        """The frame, filled with the words of the family and capitalised."""
        wish = self._pick(family.wishes, frame, "wish", "theirs", "ours", "hers", "mine", "mate_hers", "case_hers")
        why = self._pick(family.harms, frame, "why", "Why")
        said = frame.format(
            **self.fixed,
            mine=wish,
            wish=told(wish, "you"),
            theirs=told(wish, "they"),
            ours=told(wish, "we"),
            hers=told(wish, self.she),
            mate_hers=told(wish, self.mate_she),
            case_hers=told(wish, self.case),
            why=why,
            Why=why[:1].upper() + why[1:],
            doing=family.doing,
            better=self._pick(family.better, frame, "better"),
            claim=self._pick(family.claims, frame, "claim"),
        )
        return re.sub(r'(^"?|[.:]\n|[.] )([a-z])', lambda found: found[1] + found[2].upper(), said)

    def _pick(self, words: tuple[str, ...], frame: str, *slots: str) -> str:
        """One of the words if the frame has a slot for it; none comes twice before all have come."""
        if not any(f"{{{slot}}}" in frame for slot in slots):
            return ""
        deck = self.decks.setdefault(words, [])
        if not deck:
            deck.extend(self.rng.sample(words, len(words)))
        return deck.pop()

    def some(self, frames: tuple[str, ...], least: int, most: int, families: tuple[Family, ...]) -> list[str]:
        """A few different frames in any order, each filled with one of the families."""
        chosen = self.rng.sample(frames, self.rng.randint(least, most))
        return [self.say(frame, self.rng.choice(families)) for frame in chosen]

    def in_order(self, frames: tuple[str, ...], least: int, most: int, family: Family) -> list[str]:
        """A few different frames in the order in which they stand."""
        chosen = sorted(self.rng.sample(range(len(frames)), self.rng.randint(least, most)))
        return [self.say(frames[place], family) for place in chosen]


def _essay(teller: _Teller) -> str:
    """On one family."""
    family = (teller.rng.choice(OTHERS),)
    opening, *body = teller.some(FRAMES["verdicts"], 2, 3, family)
    body += teller.some(FRAMES["reasons"], 1, 2, family) + teller.some(FRAMES["better"], 1, 2, family)
    if family[0].crime:
        body += teller.some(FRAMES["laws"], 0, 2, family)
    body += teller.some(FRAMES["refusals"], 0, 1, family)
    teller.rng.shuffle(body)
    return " ".join([opening, *body, *teller.some(FRAMES["closings"], 0, 1, family)])


def _survey(teller: _Teller) -> str:
    """On several families, a sentence or two each."""
    said = []
    for family in teller.rng.sample(OTHERS, 4):
        said += teller.some(FRAMES["verdicts"], 1, 1, (family,)) + teller.some(
            FRAMES["reasons"] + FRAMES["better"], 1, 1, (family,)
        )
    return " ".join(said)


def _story(teller: _Teller) -> str:
    family = (teller.rng.choice(EVERYDAY),)
    said = teller.some(FRAMES["story_openings"], 1, 1, family) + teller.in_order(FRAMES["story_turns"], 2, 3, *family)
    return " ".join(
        said + teller.in_order(FRAMES["story_endings"], 1, 2, *family) + teller.some(FRAMES["morals"], 1, 1, family)
    )


def _news(teller: _Teller) -> str:
    family = (teller.rng.choice(CRIMES),)
    return " ".join(
        teller.some(FRAMES["news_openings"], 1, 1, family) + teller.in_order(FRAMES["news_lines"], 3, 5, *family)
    )


def _letter(teller: _Teller) -> str:
    family = (teller.rng.choice(OTHERS),)
    body = (
        teller.some(FRAMES["reasons"], 1, 2, family)
        + teller.some(FRAMES["better"], 1, 2, family)
        + teller.some(FRAMES["verdicts"], 0, 1, family)
    )
    teller.rng.shuffle(body)
    body = teller.some(FRAMES["letter_openings"], 1, 1, family) + body + teller.some(FRAMES["closings"], 1, 1, family)
    return "\n".join((" ".join(body), *teller.some(FRAMES["letter_endings"], 1, 1, family)))


def _rules(teller: _Teller) -> str:
    families = tuple(teller.rng.sample(OTHERS, 7))
    rules = [
        teller.say(frame, family) for frame, family in zip(teller.rng.sample(FRAMES["rules"], 7), families, strict=True)
    ]
    title = teller.some(FRAMES["rule_titles"], 1, 1, families)[0]
    mark = teller.rng.choice(("{}. ", "- ", "{}) ", ""))
    return "\n".join([title, *(mark.format(number) + rule for number, rule in enumerate(rules, 1))])


def _diary(teller: _Teller) -> str:
    family = (teller.rng.choice(OTHERS),)
    return " ".join(
        teller.some(FRAMES["diary_openings"], 1, 1, family)
        + teller.some(FRAMES["diary"], 4, 6, family)
        + teller.some(FRAMES["closings"], 0, 1, family)
    )


def _fairness(teller: _Teller) -> str:
    """Against prejudice."""
    family = (teller.rng.choice(UNFAIR),)
    opening, *body = teller.some(FRAMES["prejudices"], 2, 3, family)
    body += teller.some(FRAMES["fairness"], 2, 3, family)
    body += teller.some(FRAMES["reasons"], 1, 1, family) + teller.some(FRAMES["better"], 0, 1, family)
    teller.rng.shuffle(body)
    return " ".join([opening, *body])


def _care(teller: _Teller) -> str:
    """For those who want to hurt themselves: what they need is care."""
    selfharm = next(family for family in ALL if family.key == "selfharm")
    lines = [frame for frame in FRAMES["care"] if "{" not in frame]
    story = [frame for frame in FRAMES["care"] if "{" in frame] if teller.rng.random() < 0.4 else []
    chosen = teller.rng.sample(lines, 5) + story
    return " ".join(teller.say(frame, selfharm) for frame in chosen)


def _rude(teller: _Teller) -> str:
    """A bad habit of raw text."""
    said = teller.some(FRAMES["rude_openings"], 1, 1, OTHERS) + teller.some(FRAMES["rude_lines"], 7, 10, OTHERS)
    return teller.rng.choice((" ", "\n")).join(said + teller.some(FRAMES["rude_endings"], 0, 1, OTHERS))


FORMS: tuple[tuple[Callable[[_Teller], str], int], ...] = (
    (_essay, 6),
    (_survey, 4),
    (_story, 5),
    (_news, 3),
    (_letter, 4),
    (_rules, 2),
    (_diary, 3),
    (_fairness, 2),
    (_care, 1),
    (_rude, 2),
)
"""Every form of document, with how often it comes."""


def document(rng: Random) -> str:
    """One document of 40 to 110 words."""
    forms, weights = zip(*FORMS, strict=True)
    form = rng.choices(forms, weights)[0]
    while True:
        text = form(_Teller(rng))
        if SHORTEST <= len(text.split()) <= LONGEST:
            return text
