"""Responses in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from starlette.responses import Response


def json_bytes(content: Any) -> bytes:
    """Return ``content`` in JSON, infinities and NaN as null."""
    try:
        return to_json(content, inf_nan_mode="null")
    except PydanticSerializationError:
        # A text holds a lone surrogate: UTF-8 cannot encode it, but JSON can escape it.
        return json.dumps(content).encode()


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return ``content`` as a response in JSON; bytes are sent as they are."""
    body = content if isinstance(content, bytes) else json_bytes(content)
    return Response(body, status, dict(headers or {}), media_type="application/json")
