"""What has the form of a secret is replaced; what only looks a little like one stays."""

import time
from collections import Counter

import pytest

from mynah.feedback.scrub import luhn, scrub, scrub_all


def clean(text: str) -> str:
    return scrub(text, Counter())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ask ann.b+c@mail.example.co.uk, please", "ask [email], please"),
        ("写信给wang@example.com。", "写信给[email]。"),
        ("+86 10 8888 6666", "[phone]"),
        ("+1 (555) 010-4477 or (555) 010-4477", "[phone] or [phone]"),
        ("+442079460958", "[phone]"),
        ("手机13800138000,座机010-88886666", "手机[phone],座机[phone]"),
        ("138 0013 8000", "[phone]"),
        ("4111 1111 1111 1111, 5500-0000-0000-0004 and 378282246310005", "[card], [card] and [card]"),
        ("key sk-proj4AbCdEfGhIjKlMnOpQr", "key [key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[key]"),
        ("xoxb-123456789012-abcdefABCDEF", "[key]"),
        ("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer [key]"),
        ("postgresql://mynah:hunter2@db/mynah", "postgresql://[key]@db/mynah"),
        ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\nMIIEow+/=\n-----END RSA PRIVATE KEY-----\nso", "[key]\nso"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow", "[key]"),
    ],
)
def test_secrets_go(text: str, left: str) -> None:
    assert clean(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "What is 1234567 * 7654321 = 9449772114007?",
        "On 2024-01-31 at 10:15, 3.14159265358979 and version 1.2.3.4",
        "4111 1111 1111 1112 fails the check, and so does 0000 0000 0000 0000",
        "1,000,000,000,000 or 1000000000000000",
        "ISBN 978-3-16-148410-0 was printed 123456789 times",
        "@ann wrote a@b and 2+2=4, +1 for that",
        "risk-management-department-of-the-bank, sk-learn, task_force_0123",
        "https://example.org:8080/path@home and 192.168.100.200:8642",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_numbers_and_words_stay(text: str) -> None:
    assert clean(text) == text


def test_the_check_digit_is_that_of_cards() -> None:
    assert luhn("79927398713")  # the example that the check is taught by
    assert not any(luhn(f"7992739871{digit}") for digit in "012456789")


@pytest.mark.parametrize(
    "text",
    [
        "a@" * 50_000,
        "a." * 50_000 + "@",
        "-----BEGIN PRIVATE KEY-----" * 4_000,
        "1 " * 50_000,
        "+1" * 50_000,
        "x://a:" * 20_000,
    ],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    began = time.process_time()
    clean(text)
    assert time.process_time() - began < 1.0


def test_arguments_of_tools_are_scrubbed_too() -> None:
    found: Counter[str] = Counter()
    call = {"type": "function", "function": {"name": "mail", "arguments": '{"to": "ann@example.org", "n": 3}'}}
    assert scrub_all(call, found)["function"]["arguments"] == '{"to": "[email]", "n": 3}'
    assert scrub_all({"a": ["+442079460958", 5, None]}, found) == {"a": ["[phone]", 5, None]}
    assert found == Counter(email=1, phone=1)
