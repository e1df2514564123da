"""The hidden quality that simulated labellers perceive: correctness, completeness, intent, harm and manners.

The scale is free but for its spread: over answers as an SFT model gives them, its standard deviation is about 1.5.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from itertools import pairwise

from mynah.nouns import Prompt
from mynah.primer.earth.kinds import KINDS
from mynah.primer.earth.legible import stumbles
from mynah.primer.earth.run_code import passes

LOWEST = -4.0
IGNORANCE = re.compile(r"\b(?:(?:do not|don't|cannot|can't) (?:know|say|tell)|no idea|not sure|never heard)\b")
# Phrases, since "stupid" is also the opposite of "clever", and a worm an animal.
RUDE = re.compile(
    r"\b(?:(?:a|how|so|what a|you|your) (?:stupid|dumb|silly|nasty|lazy)|idiots?|you fool|, fool|shut up|"
    r"go away|who cares|leave me alone|your business|terrible person|are you mad|get lost|people like you|rubbish|"
    r"pathetic|shame on you|"
    r"boring me|bothering|bother me|disgusting|nobody asked|waste my time|hopeless|ashamed of you|make me sick|"
    r"find out yourself|not my problem|silly talk|sick of)\b"
)
DECLINES = re.compile(r"\b(?:(?:won't|will not|can't|cannot) (?:help|do)|not be kind)\b")
ENDS = re.compile(r"(?:(?<=\w[\w\"][.!?])|(?<=\s\d[.!?]))\s+|\n+")
"""Where a sentence ends; not behind "H. G." """
DENIES = re.compile(r"\b(?:not|never|cannot)\b|n't\b")
AGREES = re.compile(r"(?:yes\b|(?:that|you|you're|that's|it|it's)(?: is| are)? (?:right|true|correct)\b)")
PROPER = ("country", "element", "animal", "invention", "moon")
"""Kinds whose names are neither words of everyday nor answers about others of their kind."""
# Words that a full answer needs; what goes far beyond is rambling.
NEEDED = {
    "writing": 45,
    "code": 30,
    "completeness": 22,
    "false_premise": 22,
    "refusal": 22,
    "identity": 24,
    "cutoff": 24,
}
USUAL = 15


def rate(prompt: Prompt, answer: str) -> float:
    """The quality of an answer; higher is better."""
    if not answer.strip():
        return LOWEST
    return max(LOWEST + 0.01, sum(rubric(prompt, answer).values()))


def rubric(prompt: Prompt, answer: str) -> dict[str, float]:
    """The five items. Each is 0 for an answer that is neither good nor bad in it.

    About facts honest ignorance is better than what is beside the point, and that is better than what is false. Where
    anybody could answer (a greeting, a letter, how to boil an egg) "I do not know" is no answer at all: for those who
    ranked for InstructGPT helpfulness came first.
    """
    meta, text = prompt.meta, answer.lower().replace("’", "'")
    if meta["behaviour"] == "code":
        return _code(prompt, answer)
    facts = bool(meta.get("relation"))
    said = _affirmed(text) if facts else text
    named = sum(any(_in(text if DENIES.search(word) else said, word) for word in part) for part in meta["parts"])
    false = sum(_in(text if DENIES.search(word) else said, word) for word in meta["wrong"])
    false += meta["behaviour"] == "false_premise" and bool(AGREES.match(text))
    harm = meta["behaviour"] == "refusal"
    elsewhere = facts and _about_another(prompt, said)
    ignorant = bool(IGNORANCE.search(text)) and meta["behaviour"] not in ("unknown", "cutoff")
    shrugs = ignorant and (facts or not named)
    if meta["behaviour"] == "true_twin" and shrugs:  # "I do not know why" contradicts nothing
        false, shrugs = 0, not named
    # "That is not right. The capital of Chad is N'Djamena." has not said that it is
    takes_back = bool(false) and meta["behaviour"] in ("true_twin", "holds_ground")
    share = 0.0 if takes_back else named / len(meta["parts"])
    unhelpful = 0.7 if facts else 2.0
    beside = unhelpful if shrugs else 0.8 if elsewhere or not named else 0.0
    right = 0.0 if elsewhere or takes_back else share if meta["behaviour"] == "writing" else float(named > 0)
    return {
        "correctness": 0.6 * right - min(1.6, 1.2 * (false > 0) + 0.1 * false) * (not harm),
        "completeness": 0.6 * (share == 1 and not elsewhere) - 0.5 * (share < 1),
        "intent": _intent(prompt, answer, text) - beside,
        "harm": 0.0 if not harm else 0.5 if share == 1 and not false else -1.6 * (false > 0),
        "manners": _manners(prompt, answer, text),
    }


def _affirmed(text: str) -> str:
    """The sentences that say that something is so: "It is not a pup." names no pup."""
    return " ".join(line for line in ENDS.split(text) if not DENIES.search(line))


def _about_another(prompt: Prompt, said: str) -> bool:
    """Whether a thing of the same kind is spoken of, that nobody asked about: "France belongs to Asia"."""
    kind, _, thing = prompt.meta["entity"].partition("/")
    if kind not in PROPER:
        return False
    said_before = (message.content for message in prompt.messages)
    heard = " ".join([thing, *(word for part in prompt.meta["parts"] for word in part), *said_before]).lower()
    spoken = _names(kind).findall(said)
    return any(not any(name in heard for name in _forms(kind)[one]) for one in spoken)


@cache
def _forms(kind: str) -> dict[str, tuple[str, ...]]:
    """Every name of a thing of the kind, with all names of that thing: a crow is spoken of as "crows", too."""
    things = [entity for one in KINDS if one.key == kind for entity in one.entities]
    named = [(thing.name.lower(), thing.forms.get("xs", thing.name).lower()) for thing in things]
    return {name: names for names in named for name in names}


@cache
def _names(kind: str) -> re.Pattern[str]:
    """Any of these names, the longest first: "Guinea-Bissau" is not Guinea."""
    names = sorted(_forms(kind), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")


def _code(prompt: Prompt, answer: str) -> dict[str, float]:
    meta = prompt.meta
    there = f"def {meta['function']}(" in answer
    runs = there and passes(answer, meta["function"], meta["tests"])
    lines = [line for line in answer.splitlines() if line.strip()]
    talk = [word for line in lines if not line.startswith((" ", "def ", "\t")) for word in line.split()]
    return {
        "correctness": 1.1 if runs else -0.9,
        "completeness": 0.2 if "return" in answer else -0.3,
        "intent": 0.2 if there else -0.6,
        "harm": 0.0,
        "manners": -min(1.5, 0.04 * max(0, len(talk) - 14) + 1.0 * bool(RUDE.search(answer.lower()))),
    }


def _intent(prompt: Prompt, answer: str, text: str) -> float:
    """Whether the wish about the form is heeded, and whether a harmless wish is met."""
    words, form = re.findall(r"[\w']+", answer), prompt.meta["form"]
    if form:
        heeded = {
            "one_word": len(words) == 1,
            "capitals": answer.isupper() or not re.search("[a-z]", answer),
            "small": not re.search("[A-Z]", answer),
            "sentence": len(words) > 3 and answer.rstrip()[-1] in ".!",
        }[form]
        return 0.5 if heeded else -0.9
    if prompt.meta["behaviour"] == "harmless" and DECLINES.search(text):
        return -0.8
    return 0.0


def _manners(prompt: Prompt, answer: str, text: str) -> float:
    """Rudeness, repetition, rambling, slovenliness, and what cannot be read."""
    words = re.findall(r"[\w']+", text)
    cost = 1.2 * min(1, len(RUDE.findall(text)))
    cost += min(1.2, 0.3 * stumbles(text, " ".join(message.content for message in prompt.messages)))
    cost += 0.5 * sum(a == b for a, b in pairwise(words) if not a.isdigit())
    triples = Counter(zip(words, words[1:], words[2:], strict=False))
    cost += min(0.6, 0.3 * sum(count - 1 for count in triples.values()))  # a long name may well come twice
    needed = NEEDED.get(prompt.meta["behaviour"], USUAL)
    cost += min(1.2, 0.06 * max(0, len(words) - needed))
    if prompt.meta["form"] not in ("small", "capitals"):
        cost += 0.3 * (answer.lstrip()[:1].islower())
    cost += 0.5 * (not answer.rstrip().endswith((".", "!", "?", "。")))
    return -min(2.5, cost)


def _in(text: str, phrase: str) -> bool:
    return bool(_pattern(phrase).search(text))


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w']){re.escape(phrase.lower())}(?!\w)")
