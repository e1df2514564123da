"""What the services have in common: somebody says something in a thread, and is answered there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Incoming:
    """A message as the other service vouches for it. Names are the service's; together with channel and team unique."""

    channel: str
    team: str
    """The corp or workspace: its people are not those of another one."""
    person: str
    thread: str
    """Where it was said, and so where the answer goes."""
    id: str
    """The service's own id of the message: a repeated delivery has the same."""
    text: str
    at: float
    """Seconds since 1970, to the service's clock."""

    @property
    def message_id(self) -> str:
        """The id of the message in our store: a UUIDv7 of its time and a hash, so a repeat is the same message."""
        known = "\0".join((self.channel, self.team, self.thread, self.id)).encode()
        random = int.from_bytes(hashlib.sha256(known).digest()[:10])
        high = (int(self.at * 1000) & (1 << 48) - 1) << 16 | 0x7000 | random >> 68
        return f"{high << 64 | 0b10 << 62 | random & (1 << 62) - 1:032x}"


class Refused(Exception):
    """A request that does not come from the service, or not now. The reason is for our log, not for the sender."""


class Undelivered(Exception):
    """The service did not take an answer. The sentence holds no secret."""


class Channel(Protocol):
    """One service. How it calls us differs, so each has its own route; answers all go out by `send`."""

    name: str
    language: str
    """Of what the service itself says, as `en` or `zh`; the assistant answers in whatever it was asked."""

    async def send(self, to: Incoming, text: str) -> None:
        """Say `text` where `to` was said; raises Undelivered."""


def pieces(text: str, limit: int, unit: str = "bytes") -> list[str]:
    """`text` in pieces that the service takes: cut at a blank line, a line or a space where there is one.

    Args:
        unit: What `limit` counts: bytes of UTF-8, or characters.
    """

    def fits(part: str) -> bool:
        return (len(part.encode()) if unit == "bytes" else len(part)) <= limit

    found, rest = [], text.strip()
    while rest and not fits(rest):
        end = limit if unit != "bytes" else len(rest.encode()[:limit].decode(errors="ignore"))
        for border in ("\n\n", "\n", " "):
            at = rest.rfind(border, end // 2, end)
            if at > 0:
                end = at
                break
        found.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*found, rest] if rest else found
