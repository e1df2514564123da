"""What an admin sets for the whole service while it runs; each name has a default until it is set."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from mynah.store.settings import service_settings

Limit = Annotated[int, Field(ge=1, le=10**9)]
Days = Annotated[int, Field(ge=1, le=366)]


class ServiceSettings(BaseModel):
    """Limits are for every API key, and for each by itself; the lower one of the key's own and these counts."""

    model_config = ConfigDict(extra="forbid")

    requests_per_minute: Limit | None = None
    tokens_per_minute: Limit | None = None
    monthly_budget: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """In the unit of serve.price_prompt and serve.price_completion, for a month of UTC."""
    session_days: Days = 30
    """After how long people sign in again."""
    invite_days: Days = 7
    """How long an invite opens that names no other time."""

    @property
    def session(self) -> timedelta:
        return timedelta(days=self.session_days)


def read_settings(tx: Connection) -> ServiceSettings:
    """As they are now. What another version of mynah has set and this one does not know is left alone."""
    known = {name: value for name, value in service_settings(tx).items() if name in ServiceSettings.model_fields}
    return ServiceSettings.model_validate(known)
