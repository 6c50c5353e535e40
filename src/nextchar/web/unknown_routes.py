"""Requests for what is not there: the answer names what is."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from nextchar.settings import MAX_SHOWN
from nextchar.web.errors import RefusedError

CHAT = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/chat")
"""Where clients ask who want to chat."""

Routes = Mapping[str, frozenset[str]]
"""Methods that each path is asked with."""


def unknown_route(method: str, path: str, routes: Routes) -> RefusedError:
    """Return the answer to a request for ``path``, which is not one of ``routes``."""
    shown = path[:MAX_SHOWN]
    if path.rstrip("/") in CHAT:
        hint = 'Models here go on with a text, and do not chat: send a "prompt" to POST /v1/completions.'
    elif path.rstrip("/") in routes:
        hint = f"Leave out the slash at its end: {_told(path.rstrip('/'), routes)}."
    elif near := difflib.get_close_matches(shown, routes, n=1):
        hint = f"Did you mean {_told(near[0], routes)}?"
    else:
        hint = f"There are {', '.join(_told(known, routes) for known in sorted(routes))}; /docs describes them."
    return RefusedError(404, f"There is no route {method} {shown}. {hint}", code="unknown_route")


def wrong_method(method: str, path: str, routes: Routes, headers: Mapping[str, str] | None) -> RefusedError:
    """Return the answer to a request for ``path`` with another ``method`` than those of ``routes``, or of the header
    Allow."""
    allowed = sorted(routes.get(path, frozenset((headers or {}).get("Allow", "GET").split(", "))))
    return RefusedError(
        405,
        f"{path[:MAX_SHOWN]} is not asked with {method}: use {' or '.join(allowed)}.",
        code="method_not_allowed",
        headers=headers,
    )


def _told(path: str, routes: Routes) -> str:
    return f"{'/'.join(sorted(routes[path]))} {path}"
