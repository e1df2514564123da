"""Passwords: which are good enough, and their Argon2 hashes, made beside the event loop and few at a time."""

from __future__ import annotations

import asyncio
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mynah.server.errors import APIError

AT_ONCE = 2
"""Each takes 64 MiB and a core for some hundredths of a second; a crowd at the door must not take the engine's."""
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


class Passwords:
    """Hashes and checks. The parameters are argon2-cffi's, which are RFC 9106's for little memory."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobody = _of_nobody(self._hasher)

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password. Without a hash, the same work for nothing: nobody learns who has an account."""
        async with self._turn:
            return await asyncio.to_thread(self._verify, hashed, password)

    def outdated(self, hashed: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(hashed or self._nobody, password) and bool(hashed)
        except (VerificationError, InvalidHashError):
            return False


def _of_nobody(hasher: PasswordHasher) -> str:
    """The hash of no password, with this hasher's parameters: checking against it takes as long as any."""
    salt, end = (b64encode(bytes(n)).decode().rstrip("=") for n in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${end}"


def check_password(password: str, name: str, email: str) -> None:
    """APIError for one that is soon guessed."""
    plain = password.casefold().strip()
    about = {word.casefold() for word in (name, name.replace(" ", ""), email, email.partition("@")[0]) if word}
    problem = ""
    if len(password) < SHORTEST:
        problem = f"is shorter than {SHORTEST} characters"
    elif len(password) > LONGEST:
        problem = f"is longer than {LONGEST} characters"
    elif plain in COMMON or _one_piece(plain):
        problem = "is one of those that are tried first"
    elif plain in about or any(len(word) >= 6 and plain.strip("0123456789!?.-_") == word for word in about):
        problem = "is your name or e-mail address"
    if problem:
        raise APIError(400, f"The password {problem}; please choose another.", param="password", code="weak_password")


def _one_piece(text: str) -> bool:
    """A few characters over and over, as `aaaaaaaaaa` and `abcabcabcabc`."""
    return any(text == (text[:n] * len(text))[: len(text)] for n in range(1, 5))
