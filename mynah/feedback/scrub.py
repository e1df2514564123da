"""Secrets in what people say, replaced before it trains: a model must not learn them by heart.

`[email]`, `[phone]`, `[card]` and `[key]` stand in their places. It finds what has the form of a secret: a password in
plain words, a name or an address it does not know.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

# ASCII, so that a Chinese character right before or after a number is no part of it.
KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]|-(?!----)){0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
    r"|\b(?:sk|pk|rk)[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, Stripe, ours
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # Amazon
    r"|\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|\bhf_[A-Za-z0-9]{20,}|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # a JSON web token
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/-]{16,}=*"
    r"|(?<=://)[^\s/:@]{1,100}:[^\s/@]{1,200}(?=@)",  # user:password in an address
    re.ASCII,
)
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])", re.ASCII)
CARD = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?!\d|[.,]\d)", re.ASCII)
PHONE = re.compile(
    r"(?<![\w+])\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}(?![\w])"  # +86 10 8888 6666
    r"|(?<![\w.+-])1[3-9]\d(?:[ -]?\d{4}){2}(?![\w])"  # 138 0013 8000, a mobile phone in China
    r"|(?<![\w.+-])0\d{2,3}[ -]\d{7,8}(?![\w])"  # 010-88886666
    r"|(?<![\w.+-])(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\w])",  # (555) 010-4477
    re.ASCII,
)
DIGITS = range(8, 16)
"""Digits of a telephone number in international form (E.164)."""


def scrub(text: str, found: Counter[str]) -> str:
    """`text` with placeholders in the place of secrets; how many of each kind is added to `found`."""

    def card(match: re.Match[str]) -> str:
        return placeholder("card") if luhn(match[0]) else match[0]

    def phone(match: re.Match[str]) -> str:
        return placeholder("phone") if sum(map(str.isdigit, match[0])) in DIGITS else match[0]

    def placeholder(kind: str) -> str:
        found[kind] += 1
        return f"[{kind}]"

    text = KEY.sub(lambda _: placeholder("key"), text)
    text = EMAIL.sub(lambda _: placeholder("email"), text)
    return PHONE.sub(phone, CARD.sub(card, text))


def scrub_all(value: Any, found: Counter[str]) -> Any:
    """A JSON value with every string in it scrubbed; the names of fields stay."""
    match value:
        case str():
            return scrub(value, found)
        case Mapping():
            return {name: scrub_all(part, found) for name, part in value.items()}
        case list() | tuple():
            return [scrub_all(part, found) for part in value]
        case _:
            return value


def luhn(number: str) -> bool:
    """Whether the digits pass the check that all payment cards do (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in number if digit.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return any(digits) and (sum(digits[::2]) + sum(doubled)) % 10 == 0
