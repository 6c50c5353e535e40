"""Answers that say no: what was given, what is allowed, and what to do next, in the shape that clients of OpenAI know.

{"error": {"message": "...", "type": "invalid_request_error", "param": "length", "code": "too_long"}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from nextchar.errors import NextcharError, TextError, UnknownCharacterError, UsageError
from nextchar.settings import Settings, explain_details
from nextchar.web.answers import json_answer

INVALID, OVERLOADED, BROKEN = "invalid_request_error", "overloaded_error", "server_error"
CLIENT_GONE = 499
"""Status noted for a request whose client did not wait for the answer (as nginx has it); nobody receives it."""


class RefusedError(Exception):
    """A request is answered with an error."""

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
    """The client closed its connection before it had an answer."""


def refuse(refusal: RefusedError) -> Response:
    """Return the answer that ``refusal`` stands for."""
    return json_answer(refusal.body, refusal.status, refusal.headers)


def too_much(param: str, given: int, most: int, unit: str, option: str) -> RefusedError:
    """Return the answer to a request that asks for more than the server does, with the limit."""
    return RefusedError(
        400,
        f"{param} is {given:,} {unit}, and the limit of this server is {most:,} ({option}): ask for less.",
        param=param,
        code="too_long",
    )


def busy(message: str) -> RefusedError:
    """Return the answer of a server that has no room at the moment."""
    return RefusedError(503, message, kind=OVERLOADED, code="overloaded", headers={"Retry-After": "2"})


def as_refusal(error: Exception) -> RefusedError:
    """Return the answer to a request that ended with ``error``."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, UsageError | TextError | UnknownCharacterError):
        return RefusedError(400, str(error))
    if isinstance(error, NextcharError):
        return RefusedError(503, str(error), kind=BROKEN)
    return RefusedError(500, "The server made a mistake; its standard error tells which.", kind=BROKEN)


def add_handlers(app: FastAPI, bodies: Mapping[str, type[Settings]]) -> None:
    """Let every error of ``app`` be answered in one shape; ``bodies`` are the settings that the body of a request is
    read as, by path."""

    async def answer_error(_request: Request, error: Exception) -> Response:
        return refuse(as_refusal(error))

    async def answer_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refuse(_invalid(bodies.get(request.url.path, Settings), error.errors()))

    async def answer_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return refuse(RefusedError(error.status_code, str(error.detail), headers=error.headers))

    async def note_gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=CLIENT_GONE)

    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(ClientGoneError, note_gone)
    for kind in (RefusedError, NextcharError):
        app.add_exception_handler(kind, answer_error)


def _invalid(kind: type[Settings], details: Sequence[Mapping[str, Any]]) -> RefusedError:
    """Return the answer to a body or query that is not as it should be."""
    if any(detail["type"] in {"json_invalid", "missing", "model_attributes_type"} for detail in details):
        return RefusedError(400, " ".join(_of_the_whole(details)))
    found = [{**detail, "loc": detail["loc"][1:]} for detail in details]
    return RefusedError(400, explain_details(kind, found), param=_name(found[0]["loc"]))


def _of_the_whole(details: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for detail in details:
        if detail["type"] == "json_invalid":
            yield f"The body of the request is no JSON: {detail.get('ctx', {}).get('error', detail['msg'])}."
        elif detail["type"] == "missing" and len(detail["loc"]) > 1:
            yield f"{_name(detail['loc'][1:])} is missing."
        else:
            yield 'The body of the request must be a JSON object, sent with "Content-Type: application/json".'


def _name(place: Sequence[Any]) -> str | None:
    return ".".join(str(part) for part in place) or None
