"""Passwords' Argon2 hashes, made beside the event loop and few at a time."""

from __future__ import annotations

import asyncio
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mynah.server.errors import APIError
from mynah.server.weak_passwords import weakness

AT_ONCE = 2
"""Each takes 64 MiB and a core for some hundredths of a second; a crowd at the door must not take the engine's."""


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
    if problem := weakness(password, name, email):
        raise APIError(400, f"The password {problem}; please choose another.", param="password", code="weak_password")
