"""Error responses: what was given, what is allowed, and what to do next, in the shape that OpenAI's clients know.

{"error": {"message": "...", "type": "invalid_request_error", "param": "length", "code": "too_long"}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from nextchar.errors import MAX_SHOWN, NextcharError, TextError, UnknownCharacterError, UsageError
from nextchar.settings import Settings, explain_details
from nextchar.web.responses import json_response

INVALID, OVERLOADED, BROKEN = "invalid_request_error", "overloaded_error", "server_error"
CLIENT_GONE = 499
"""Status counted for a request whose client disconnected, as in nginx; it is never sent."""

MAX_REPORTED = 5
"""Maximum number of mistakes that an error response names."""


class RefusedError(Exception):
    """A request that gets an error response."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


class ClientGoneError(Exception):
    """The client disconnected before it got a response."""


def refuse(refusal: RefusedError) -> Response:
    """Return the error response for ``refusal``."""
    return json_response(refusal.body, refusal.status, refusal.headers)


def too_much(param: str, given: int, maximum: int, unit: str, option: str) -> RefusedError:
    """Return the error for a request that exceeds a limit of the server."""
    return RefusedError(
        400,
        f"{param} is {given:,} {unit}, and the limit of this server is {maximum:,} ({option}): ask for less.",
        param=param,
        code="too_long",
    )


def busy(message: str) -> RefusedError:
    """Return the error of a server that is too busy at the moment."""
    return RefusedError(503, message, kind=OVERLOADED, code="overloaded", headers={"Retry-After": "2"})


def as_refusal(error: Exception) -> RefusedError:
    """Return the error response for an exception."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, UsageError | TextError | UnknownCharacterError):
        return RefusedError(400, str(error))
    if isinstance(error, NextcharError):
        return RefusedError(503, str(error), kind=BROKEN)
    return RefusedError(500, "The server had an error; its standard error shows it.", kind=BROKEN)


def explained(kind: type[Settings], details: Sequence[Mapping[str, Any]]) -> RefusedError:
    """Return the error for options that ``kind`` does not allow, with the first few of pydantic's ``details``."""
    if any(detail["type"] == "missing" for detail in details):
        missing = [_name(detail["loc"]) for detail in details if detail["type"] == "missing"]
        return RefusedError(400, " ".join(f"{name} is missing." for name in missing[:MAX_REPORTED]), param=missing[0])
    more = f" And {len(details) - MAX_REPORTED:,} more." if len(details) > MAX_REPORTED else ""
    return RefusedError(400, explain_details(kind, details[:MAX_REPORTED]) + more, param=_name(details[0]["loc"]))


def add_handlers(app: FastAPI) -> None:
    """Give all error responses of ``app`` the same shape."""

    async def answer_error(_request: Request, error: Exception) -> Response:
        return refuse(as_refusal(error))

    async def answer_validation(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refuse(explained(Settings, [{**detail, "loc": detail["loc"][1:]} for detail in error.errors()]))

    async def note_gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=CLIENT_GONE)

    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(ClientGoneError, note_gone)
    for kind in (RefusedError, NextcharError):
        app.add_exception_handler(kind, answer_error)


def _name(place: Sequence[Any]) -> str | None:
    """Return the name of an option, cut where it is long."""
    return ".".join(str(part) for part in place)[:MAX_SHOWN] or None
