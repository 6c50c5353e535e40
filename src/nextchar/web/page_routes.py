"""The routes besides the API: the page, the documentation of the API, health, readiness and metrics."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from nextchar.errors import MAX_SHOWN
from nextchar.page import build_page
from nextchar.settings import sampling_limits
from nextchar.web.errors import RefusedError
from nextchar.web.metrics import CONTENT_TYPE
from nextchar.web.middleware import page_policy
from nextchar.web.responses import json_response
from nextchar.web.service import Service

FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f4e5f"/>'
    '<path d="M8 24V13m0 4q0-4 4-4t4 4v7" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/>'
    '<path d="M21 24h4" stroke="#ffb454" stroke-width="3" stroke-linecap="round"/></svg>'
)
SPARE = 5.0
"""Seconds that the page waits for a response beyond the server's own limit."""
ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
"""Files of Swagger UI from the package fastapi-offline: nothing is loaded from another host."""


def open_routes(service: Service, title: str, schema: str) -> APIRouter:
    """Return the routes that need no key; the description of the API is at the path ``schema``."""
    router = APIRouter()

    async def page() -> Response:
        return _page(build_served_page(service.settings.max_characters, service.settings.max_time + SPARE))

    async def documentation() -> Response:
        """Show the API with Swagger UI. Addresses are relative because a proxy may add a prefix."""
        shown = get_swagger_ui_html(
            openapi_url=schema.lstrip("/"),
            title=title,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="favicon.ico",
        )
        return _page(bytes(shown.body).decode())

    async def description(request: Request) -> Response:
        return json_response(request.app.openapi())

    async def asset(name: str) -> Response:
        if name not in ASSETS:
            raise RefusedError(404, f"There is no file {name[:MAX_SHOWN]!r} here; the API is described at /docs.")
        content = (files("fastapi_offline") / "static" / name).read_bytes()
        return Response(content, media_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})

    async def favicon() -> Response:
        return Response(FAVICON, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})

    async def health() -> Response:
        """Return whether the server works."""
        stopping = service.writing.closing_at is not None
        status = {"status": "stopping" if stopping else "ok", "models": len(service.registry)}
        return json_response(status, 503 if stopping else 200)

    async def ready() -> Response:
        """Say whether to send requests here: no longer from the moment that the server is asked to stop."""
        stopping = service.stopping.is_set()
        return json_response({"status": "stopping" if stopping else "ready"}, 503 if stopping else 200)

    pages = {"/": page, "/docs": documentation, "/docs/{name}": asset, schema: description, "/favicon.ico": favicon}
    for path, endpoint in pages.items():
        router.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)(endpoint)
    for path, endpoint in {"/healthz": health, "/readyz": ready}.items():
        router.get(path, tags=["operation"], responses={503: {"description": "The server is stopping."}})(endpoint)
    return router


def metrics_routes(service: Service) -> APIRouter:
    """Return the route of the metrics."""
    router = APIRouter(tags=["operation"])

    async def metrics() -> Response:
        """Return the metrics in the text format of Prometheus."""
        return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    router.get("/metrics", response_class=PlainTextResponse)(metrics)
    return router


@cache
def build_served_page(max_length: int, patience: float) -> str:
    """Return the page of a server; it is the same for every request.

    Args:
        max_length: maximum characters that the server writes for one request.
        patience: seconds after which the page gives up a request without a response.
    """
    setup = {"life": "served", "limits": sampling_limits(), "max_length": max_length, "patience": patience}
    return build_page(setup)


def _page(content: str) -> Response:
    headers = {"Content-Security-Policy": page_policy(content), "Cache-Control": "no-cache"}
    return HTMLResponse(content, headers=headers)
