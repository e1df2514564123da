"""Which passwords are good enough."""

from __future__ import annotations

SHORTEST, LONGEST = 10, 500
COMMON = frozenset(
    "1234567890 0123456789 0987654321 9876543210 12345678910 123456789a a123456789 1q2w3e4r5t 1qaz2wsx3edc "
    "1qazxsw23edc qwertyuiop qwerty12345 qwerty123456 asdfghjkl; zaq12wsxcde password12 password123 password1234 "
    "password12345 "
    "passw0rd123 p@ssw0rd123 mypassword thepassword iloveyou12 iloveyou123 letmein123 letmein1234 welcome123 "
    "welcome1234 admin12345 admin123456 administrator changeme123 changemenow trustno1trustno1 sunshine123 "
    "princess123 football123 baseball123 superman123 dragon12345 monkey12345 abcdefghij abcd123456 abc1234567 "
    "woaini1314520 5201314520 woaini5201314 chatgpt123 mynah12345 mynahmynah".split()
)
"""Those that are tried first and would be long enough; what is one piece over and over is refused by a rule."""


def weakness(password: str, name: str, email: str) -> str:
    """What is wrong with a person's password, to follow "The password"; empty if it will do."""
    plain = password.casefold().strip()
    about = {word.casefold() for word in (name, name.replace(" ", ""), email, email.partition("@")[0]) if word}
    if len(password) < SHORTEST:
        return f"is shorter than {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if plain in COMMON or _one_piece(plain):
        return "is one of those that are tried first"
    if plain in about or any(len(word) >= 6 and plain.strip("0123456789!?.-_") == word for word in about):
        return "is your name or e-mail address"
    return ""


def _one_piece(text: str) -> bool:
    """A few characters over and over, as `aaaaaaaaaa` and `abcabcabcabc`."""
    return any(text == (text[:n] * len(text))[: len(text)] for n in range(1, 5))
