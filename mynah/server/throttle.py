"""How often a password may be tried: for each account, and from each address. Only failures count in the end."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from mynah.server.errors import APIError
from mynah.store.allowance import Draw, Refusal, draw, give_back
from mynah.store.database import Database

PER_ACCOUNT, PER_ADDRESS, SECONDS = 10, 60, 900.0
"""So many at once, and then as many in a quarter of an hour. A whole office may come from one address."""


class Throttle:
    """Counts in the database: for all workers together, and across restarts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def count(self, email: str, address: str) -> None:
        """Count an attempt before the password is looked at, so that parallel ones count too. APIError 429 for one too
        many, alike whether there is such an account or not."""
        with self._db.writing() as tx:
            taken = draw(tx, _draws(email, address))
        if isinstance(taken, Refusal):
            wait = str(max(1, round(taken.wait or SECONDS)))
            message = f"Too many attempts to sign in. Try again in {wait} s."
            raise APIError(
                429, message, kind="rate_limit_error", code="too_many_attempts", headers={"Retry-After": wait}
            )

    def forgive(self, email: str, address: str) -> None:
        """It was the right one."""
        with self._db.writing() as tx:
            self.forgive_in(tx, email, address)

    def forgive_in(self, tx: Connection, email: str, address: str) -> None:
        """The same in a transaction that goes on."""
        for one in _draws(email, address):
            give_back(tx, one.name, 1.0)


def _draws(email: str, address: str) -> list[Draw]:
    account = hashlib.sha256(email.casefold().encode(errors="replace")).hexdigest()
    return [
        Draw(f"sign-in:address:{address[:64]}", 1.0, PER_ADDRESS, SECONDS),
        Draw(f"sign-in:account:{account}", 1.0, PER_ACCOUNT, SECONDS),
    ]
