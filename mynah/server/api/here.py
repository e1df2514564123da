"""What the routes share: who asks, ids that may be nobody's, and one answer for what is not there or not theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import AfterValidator

from mynah.server.errors import APIError
from mynah.server.identity import Caller, caller

Who = Annotated[Caller, Depends(caller)]
ID = re.compile(r"[0-9a-f]{32}")
Limit = Annotated[int, Query(ge=1, le=200)]


def missing() -> APIError:
    """The same for what is somebody else's, what was deleted, and what never was."""
    return APIError(404, "There is nothing here under this id.", code="not_found")


def _known(id: str) -> str:
    if not ID.fullmatch(id):
        raise missing()
    return id


Id = Annotated[str, Depends(_known)]
"""The `id` of a path; one that cannot be one is as missing as any."""


def _written(id: str) -> str:
    if not ID.fullmatch(id):
        raise ValueError("an id has 32 hexadecimal digits")
    return id


BodyId = Annotated[str, AfterValidator(_written)]


@contextmanager
def found() -> Iterator[None]:
    """Turns the store's LookupError into 404."""
    try:
        yield
    except LookupError as error:
        if type(error) is LookupError:  # a KeyError is a fault of ours
            raise missing() from None
        raise


def page(items: list[dict[str, Any]], next: str | None = None) -> dict[str, Any]:
    """A list as clients get it."""
    return {"items": items, "next": next}
