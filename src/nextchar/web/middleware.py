"""What every request and response passes through: metrics, security headers, and who may come in (host and key)."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nextchar.web.errors import CLIENT_GONE, RefusedError, as_refusal, refuse
from nextchar.web.metrics import Metrics

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
SECURITY = {
    "Content-Security-Policy": NOTHING,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response that does not set its own."""
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

logger = logging.getLogger("nextchar.web")

_HOST = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<address>[0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.S)


def page_policy(page: str) -> str:
    """Return the content security policy of ``page``: only its own scripts, and no other host."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _SCRIPT.findall(page))
    scripts = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


class SecurityHeaders:
    """Adds headers that deny browsers everything our pages do not need."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**SECURITY, "Cache-Control": "no-store"}.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class RequestMetrics:
    """Counts requests and times them; a request that fails unexpectedly gets an error response."""

    def __init__(self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app, self._metrics, self._clock = app, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._clock(), CLIENT_GONE

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        except Exception as error:
            logger.error("a request failed", exc_info=error)
            if status != CLIENT_GONE:  # the response has started
                raise
            await refuse(as_refusal(error))(scope, receive, send_and_see)
        finally:
            # Known paths only: requests for random paths must not fill the memory.
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(route, status).inc()
            self._metrics.seconds.labels(route).observe(self._clock() - began)


class AccessControl:
    """Refuses requests for a foreign host name, and requests without the key except to the open routes.

    It decides before the request is routed and its body read. A dependency of the routers would come too late: FastAPI
    reads a declared body first, and runs no dependencies for mounted applications, unknown paths and wrong methods. So
    everything added to the application requires the key, and without it nobody learns which paths exist.
    """

    def __init__(
        self, app: ASGIApp, api_key: str | None, hosts: frozenset[str] | None, open_routes: Sequence[BaseRoute]
    ) -> None:
        """Protect ``app``.

        Args:
            app: the application.
            api_key: key that requests must send; None requires none.
            hosts: names that the server answers to; None is any. This keeps out a page of another origin whose name
                points to this machine (DNS rebinding).
            open_routes: routes that need no key.
        """
        self._app, self._hosts, self._open_routes = app, hosts, open_routes
        self._key = None if api_key is None else api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        await (self._app if refusal is None else refuse(refusal))(scope, receive, send)

    def _refusal(self, scope: Scope) -> RefusedError | None:
        headers = Headers(scope=scope)
        if self._hosts is not None and _host(headers.get("host", "")) not in self._hosts:
            return RefusedError(
                400,
                "This server answers only to the names localhost and 127.0.0.1; to use another name, start it with "
                "--api-key or --public.",
                code="invalid_host",
            )
        if self._key is None or any(route.matches(scope)[0] is Match.FULL for route in self._open_routes):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Starlette decodes header bytes as Latin-1.
        if scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode("latin-1", "replace"), self._key):
            return None
        what = "is wrong" if given else "is missing"
        return RefusedError(
            401,
            f'The API key {what}: send it as "Authorization: Bearer KEY".',
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )


def route_path(scope: Scope) -> str:
    """Return the path of a request, without the prefix of a proxy or of an application that this one is mounted in."""
    path, root = scope["path"], scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if path.startswith(f"{root}/") else path


def _host(header: str) -> str | None:
    """Return the name in a Host header, without its port; None if the header holds anything else."""
    found = _HOST.fullmatch(header)
    return None if found is None else (found["name"] or found["address"]).lower()
