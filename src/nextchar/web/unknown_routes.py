"""Error responses for unknown paths and wrong methods; they name the right ones."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from nextchar.errors import MAX_SHOWN
from nextchar.web.errors import RefusedError

CHAT = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/chat")
"""Paths that clients use to chat."""

Routes = Mapping[str, frozenset[str]]
"""The methods of each path."""


def unknown_route(method: str, path: str, routes: Routes) -> RefusedError:
    """Return the error for a ``path`` that is not one of ``routes``."""
    shown = path[:MAX_SHOWN]
    if path.rstrip("/") in CHAT:
        hint = 'These models continue a text; they do not chat: send a "prompt" to POST /v1/completions.'
    elif path.rstrip("/") in routes:
        hint = f"Leave out the final slash: {_shown(path.rstrip('/'), routes)}."
    elif near := difflib.get_close_matches(shown, routes, n=1):
        hint = f"Did you mean {_shown(near[0], routes)}?"
    else:
        hint = f"There are {', '.join(_shown(known, routes) for known in sorted(routes))}; /docs describes them."
    return RefusedError(404, f"There is no route {method} {shown}. {hint}", code="unknown_route")


def wrong_method(method: str, path: str, routes: Routes, headers: Mapping[str, str] | None) -> RefusedError:
    """Return the error for a ``method`` that ``path`` does not have in ``routes`` or in the header Allow."""
    allowed = sorted(routes.get(path, frozenset((headers or {}).get("Allow", "GET").split(", "))))
    return RefusedError(
        405,
        f"{path[:MAX_SHOWN]} does not accept {method}: use {' or '.join(allowed)}.",
        code="method_not_allowed",
        headers=headers,
    )


def _shown(path: str, routes: Routes) -> str:
    return f"{'/'.join(sorted(routes[path]))} {path}"
