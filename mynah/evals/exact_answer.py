"""Whether an answer ends in the one right value: GSM8K's number after ####, or a short text.

`score(completion, answer)` is pure and fast: it serves an eval, and as PPO's reward with `ppo.reward=exact`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

MARK = "####"
_NUMBER = re.compile(r"(?<![\w.])[-+−]?\$?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:(?<=\d)\.\d+|(?<=\d)|\.\d+)(?:[eE][-+−]?\d+)?")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = re.compile(  # but what makes another value of digits: -2, 1/2, 12:34, 2.5
    rf"(?!(?<=\d)[-/:.]\d|(?<!\w)-[$£€]?\.?\d|(?<![\w.])\.\d)[{re.escape(string.punctuation)}]"
)


def score(completion: str, answer: str | Sequence[str]) -> float:
    """1 if the completion ends in the answer (or in one of several), else 0."""
    keys = [answer] if isinstance(answer, str) else list(answer)
    return float(any(_equal(completion, key) for key in keys))


def final_number(text: str) -> Decimal | None:
    """The first number after the last `####` (Cobbe et al. 2021); the last number of a text without that mark."""
    _, marked, after = text.rpartition(MARK)
    numbers = _NUMBER.findall(after if marked else text)
    return as_number(numbers[0] if marked else numbers[-1]) if numbers else None


def final_text(text: str) -> str:
    """What stands after the last `####`, or the first line; lower case, without punctuation or articles (as SQuAD).

    A sign before digits stays, and so do `-`, `/`, `:` and `.` between them: 12 is not 1/2.
    """
    line = _given(text).partition("\n")[0].lower().replace("−", "-")
    return " ".join(_ARTICLES.sub(" ", _PUNCTUATION.sub("", line)).split())


def as_number(text: str) -> Decimal | None:
    """`$1,234.50` → 1234.5; None for anything but a number."""
    plain = text.strip().replace(",", "").replace("$", "").replace("−", "-").rstrip(".%")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _given(text: str) -> str:
    """What stands after the last mark; all of a text without it."""
    return text.rpartition(MARK)[2].strip()


def _equal(completion: str, key: str) -> bool:
    wanted = _given(key)  # GSM8K's own answers: the working, then the mark
    if wanted and _given(completion) == wanted:
        return True
    number = as_number(wanted)
    if number is not None:
        return final_number(completion) == number
    expected = final_text(wanted)
    return bool(expected) and final_text(completion) == expected
