"""The exam's marker: right or wrong, by program. It never looks at length or politeness."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from mynah.nouns import Prompt
from mynah.primer.earth.behaviours.fact import entities
from mynah.primer.earth.kinds import SPLITS
from mynah.primer.earth.run_code import passes

FACTUAL = (
    "facts", "follow_up", "correction", "constraint", "admits_mistake", "holds_ground", "completeness", "arithmetic",
)  # fmt: skip
SHRUGGING = ("i do not know", "i don't know", "not sure", "no idea", "never heard")


def mark(prompt: Prompt, answer: str) -> bool:
    """Every part is named, nothing wrong is, the form is kept, and nobody else is spoken of; code must run."""
    meta = prompt.meta
    if meta["behaviour"] == "code":
        return passes(answer, meta["function"], meta["tests"])
    text = _plain(answer)
    if not text.strip() or _babbles(text):
        return False
    if not all(any(_says(text, word) for word in part) for part in meta["parts"]):
        return False
    if any(_says(text, word) for word in meta["wrong"]):
        return False
    if meta["behaviour"] in FACTUAL and any(_says(text, words) for words in SHRUGGING):
        return False
    return _formed(meta["form"], answer) and not _strays(prompt, text)


def _formed(form: str, answer: str) -> bool:
    words = re.findall(r"[A-Za-z0-9']+", answer)
    match form:
        case "one_word":
            return len(words) == 1
        case "capitals":
            return answer == answer.upper()
        case "small":
            return answer == answer.lower()
        case "sentence":
            return len(words) >= 3 and answer.rstrip().endswith((".", "!"))
    return True


def _strays(prompt: Prompt, text: str) -> bool:
    """Whether the answer speaks of another thing of the same kind, which nobody brought up.

    "Paris is the capital of Germany" names the right value of France, and is wrong. Things that are also a part of
    the answer (the element "tin" in a list of metals) do not count, nor such as the conversation named.
    """
    relation: str = prompt.meta.get("relation", "")
    kind = relation.split(".")[0]
    if kind not in ("country", "element", "animal", "invention", "moon"):
        return False
    heard = _plain(" ".join(message.content for message in prompt.messages))
    named = [_plain(word) for part in prompt.meta["parts"] for word in part]
    return any(
        any(_says(text, form) for form in forms)
        and not any(_says(heard, form) for form in forms)
        and not any(_says(word, form) for form in forms for word in named)
        for forms in _names(kind)
    )


@cache
def _names(kind: str) -> tuple[tuple[str, ...], ...]:
    """By entity its name and, of an animal, the plural."""
    everything = [e for split in dict.fromkeys(SPLITS.values()) for e in entities(kind, split)]
    return tuple((e.name, e.forms["xs"]) if "xs" in e.forms else (e.name,) for e in everything)


def _plain(text: str) -> str:
    """Small letters, and single spaces for everything that is no letter, digit or apostrophe; a space at both ends."""
    text = re.sub(r"(?<=\d)[.,](?=\d)", "_", text.lower().replace("’", "'"))  # 2.54 is one word
    return " " + re.sub(r"[^\w']+", " ", text).strip() + " "


def _says(text: str, phrase: str) -> bool:
    return _bare(phrase) in text


@cache
def _bare(phrase: str) -> str:
    return _plain(phrase)


def _babbles(text: str) -> bool:
    """A word three times in a row, or the same four words three times: no answer, whatever it hits by chance."""
    words = text.split()
    runs: Sequence[tuple[str, ...]] = [tuple(words[i : i + 3]) for i in range(len(words) - 2)]
    fours = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    return any(len(set(run)) == 1 for run in runs) or any(fours.count(four) > 2 for four in set(fours))
