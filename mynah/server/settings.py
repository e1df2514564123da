"""How the service is run: its limits and its prices."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mynah.config import Amount, Count, Settings


class ServeSettings(Settings):
    """The service."""

    rows: Count = 64
    """Answers decoded together; fewer where they get so long that half of the free memory holds no more."""
    queue: Count = 256
    """Answers that may wait beyond those; more are refused with 429."""
    prefix_tokens: Annotated[int, Field(ge=0)] = 16_384
    """Keys and values of so many tokens are kept for each model, so that a chat's next turn reads only what is new in
    it; 0 keeps none."""
    int8: bool = False
    """Read the weights in 8 bits: on a CPU one or a few people at a time are answered faster, many at once as fast."""
    body_bytes: Count = 4_000_000
    """The longest request body."""
    keep_seconds: Amount = 300.0
    """How long a resumable stream can be read again after its end."""
    temporary_hours: Amount = 24.0
    """How long the words of a temporary chat are kept after the last of them."""
    public_url: str = ""
    """Where people find the service, as https://chat.example.org, if a proxy with TLS stands before it. The proxy must
    add the client's address to X-Forwarded-For."""
    price_prompt: Amount = 0.0
    """Cost of 1 000 prompt tokens, in whatever unit; 0 for both prices leaves `cost` out of the usage."""
    price_completion: Amount = 0.0
    """Cost of 1 000 completion tokens."""

    def price(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Of so many tokens."""
        return round((prompt_tokens * self.price_prompt + completion_tokens * self.price_completion) / 1000, 9)
