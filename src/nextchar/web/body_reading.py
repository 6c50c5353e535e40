"""Reads the body of a request: JSON of limited size, depth and length that holds only known options.

Whatever a client sends, reading it takes little time and memory, and the error is short. A large body is parsed in a
thread, so that no other request waits for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from concurrent.futures import Executor
from email.message import Message
from typing import Any, TypeVar, cast

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from nextchar.settings import Settings
from nextchar.web.errors import ClientGoneError, RefusedError, explained

MAX_VALUES = 1000
"""Values in the JSON of a request: all items of lists and all keys of objects."""
MAX_DEPTH = 8
"""How deep lists and objects may be nested."""
MAX_INLINE_BYTES = 16_384
"""Bytes of a body that is parsed on the event loop: it takes about a millisecond."""

Container = list[Any] | dict[str, Any]
S = TypeVar("S", bound=Settings)


async def read_body(request: Request, kind: type[S], max_bytes: int, pool: Executor) -> S:
    """Return the body of ``request`` as settings of ``kind``.

    Args:
        request: its body has not been read yet.
        kind: which settings.
        max_bytes: maximum size of the body.
        pool: threads that parse large bodies.

    Raises:
        RefusedError: the body is too large, not a JSON object, or has options that are not allowed.
        ClientGoneError: the client disconnected before the body was complete.
    """
    content = await _read(request, max_bytes)
    _check_type(request.headers.get("content-type", ""))
    if len(content) <= MAX_INLINE_BYTES:
        return parse_body(kind, content)
    return await asyncio.get_running_loop().run_in_executor(pool, parse_body, kind, content)


def parse_body(kind: type[S], content: bytes) -> S:
    """Return the JSON ``content`` as settings of ``kind``.

    Raises:
        RefusedError: it is not a JSON object, or has options that are not allowed.
    """
    given = _parse(content)
    if not isinstance(given, dict):
        raise _no_object()
    _check_size(cast("dict[str, Any]", given))
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise explained(kind, error.errors(include_url=False, include_context=False)) from None


async def _read(request: Request, max_bytes: int) -> bytes:
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise _too_large(max_bytes)
    content = bytearray()
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > max_bytes:
                raise _too_large(max_bytes)
    except ClientDisconnect:
        raise ClientGoneError from None
    return bytes(content)


def _too_large(max_bytes: int) -> RefusedError:
    return RefusedError(
        413, f"The body is larger than {max_bytes:,} bytes, the limit of this server (--max-body).", code="too_long"
    )


def _check_type(given: str) -> None:
    """Check that a Content-Type header says JSON in UTF-8, the only encoding that JSON is sent in (RFC 8259)."""
    header = Message()
    header["content-type"] = given
    if header.get_content_maintype() != "application" or not header.get_content_subtype().endswith("json"):
        raise _no_object()
    charset = header.get_content_charset("utf-8")
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        raise RefusedError(400, f"The body of the request is in {charset[:100]!r}: send JSON in UTF-8.")


def _parse(content: bytes) -> object:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"The body of the request is not UTF-8 at byte {error.start + 1:,}.") from None
    except json.JSONDecodeError as error:
        raise RefusedError(400, f"The body of the request is not JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # a number of thousands of digits
        raise RefusedError(400, "The body of the request has a number with too many digits.") from None


def _no_object() -> RefusedError:
    return RefusedError(
        400, 'The body of the request must be a JSON object, sent with "Content-Type: application/json".'
    )


def _too_deep() -> RefusedError:
    return RefusedError(400, f"The body of the request nests lists or objects more than {MAX_DEPTH} deep.")


def _check_size(given: Container) -> None:
    """Check that ``given`` is not nested too deeply and does not have too many values."""
    level, values = [given], 0
    for _ in range(MAX_DEPTH):
        values += sum(map(len, level))
        if values > MAX_VALUES:
            raise RefusedError(
                400, f"The body of the request has more than {MAX_VALUES:,} values, counting the keys of objects."
            )
        inner = (item for held in level for item in _items(held))
        level = [cast("Container", item) for item in inner if isinstance(item, list | dict)]
        if not level:
            return
    raise _too_deep()


def _items(held: Container) -> Iterable[Any]:
    return held.values() if isinstance(held, dict) else held
