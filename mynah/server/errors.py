"""OpenAI's error object, for everything that can go wrong between a client and an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mynah.errors import UserError
from mynah.tokens.tokenizer import whole_text

CODES = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "unsupported": "unsupported_parameter",
    "unsupported_value": "unsupported_value",
}
"""pydantic's name of a mistake (those in the second half are ours) → OpenAI's."""


class APIError(Exception):
    """What a client did wrong, or what went wrong here; shown as `{"error": {message, type, param, code}}`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
        self.body = {
            "error": {
                "message": whole_text(message),
                "type": kind,
                "param": whole_text(param) if param else None,
                "code": code,
            }
        }

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, self.headers)


class EngineError(APIError):
    """The engine failed, not the client."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(status, message, kind="server_error", code="engine_error")


def install(app: FastAPI, lost: Callable[[Request], Response | None] = lambda request: None) -> None:
    """Every error that leaves `app` has OpenAI's form; `lost` may answer an address that nobody knows instead."""

    @app.exception_handler(APIError)
    async def api(request: Request, error: APIError) -> JSONResponse:
        return error.response()

    @app.exception_handler(UserError)
    async def user(request: Request, error: UserError) -> JSONResponse:
        return APIError(400, str(error)).response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return from_validation(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        path, headers = request.url.path, error.headers
        if error.status_code == 404:
            return (
                lost(request)
                or APIError(404, f"Unknown request URL: {request.method} {path}.", code="unknown_url").response()
            )
        return APIError(error.status_code, f"{error.detail}: {request.method} {path}.", headers=headers).response()

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        return EngineError("The server had an error while processing your request; its log says more.").response()


def from_validation(errors: Sequence[Mapping[str, Any]]) -> APIError:
    """The first mistake that pydantic found in a request."""
    first = errors[0]
    kind, path = first["type"], first["loc"][1:]  # less `body` or `query`
    if kind == "json_invalid":
        return APIError(400, f"We could not parse the JSON body of your request: {first['ctx']['error']}.")
    param = ".".join(map(str, path)) or None
    if kind == "missing":
        message = f"Missing required parameter: '{param}'." if param else "The request has no JSON body."
    elif kind == "extra_forbidden":
        message = f"Unknown parameter: '{param}'."
    else:
        message = f"Invalid value for '{param or 'body'}': {first['msg']}."
    code = CODES.get(kind, "invalid_type" if kind.endswith(("_type", "_parsing")) else "invalid_value")
    return APIError(400, message, param=param, code=code)
