"""The application: every route, behind its guards."""

from __future__ import annotations

from functools import cache, partial
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from nextchar.web import native_routes, openai_routes
from nextchar.web.errors import RefusedError, add_handlers, refuse
from nextchar.web.middleware import LOCAL_HOSTS, AccessControl, RequestMetrics, SecurityHeaders, route_path
from nextchar.web.page_routes import page_routes
from nextchar.web.service import Service
from nextchar.web.unknown_routes import Routes, unknown_route, wrong_method

TITLE, SCHEMA = "nextchar", "/openapi.json"
COMPONENT = "#/components/schemas/{model}"
SUMMARY = "Character-level language models: a page to play with at /, and an API."


def make_app(service: Service, *, local: bool = False) -> FastAPI:
    """Return the application.

    Args:
        service: the models, and what they may be asked for.
        local: whether it answers under the names of this machine alone.
    """
    settings = service.settings
    app = FastAPI(
        title=TITLE,
        summary=SUMMARY,
        version=version("nextchar"),
        openapi_url=SCHEMA,
        docs_url=None,
        redoc_url=None,
        # Where the description lies, whatever a proxy has before it.
        servers=[{"url": "."}],
        root_path_in_servers=False,
        # A redirection would be built from the Host header, which whoever asks can choose.
        redirect_slashes=False,
    )
    # Asked for by `AccessControl`; here it only tells the page of the API that there is a key.
    key = [Depends(HTTPBearer(auto_error=False))] if settings.api_key else []
    app.include_router(native_routes.native_routes(service), dependencies=key)
    app.include_router(openai_routes.openai_routes(service), dependencies=key)
    app.include_router(page_routes(service, TITLE, SCHEMA))
    add_handlers(app)
    app.add_exception_handler(HTTPException, partial(_answer_unknown, app))
    # The last one is the first to see a request.
    app.add_middleware(AccessControl, api_key=settings.api_key, hosts=LOCAL_HOSTS if local else None)
    if settings.origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origin),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    app.add_middleware(RequestMetrics, metrics=service.metrics)
    app.add_middleware(SecurityHeaders)
    app.openapi = cache(partial(_described, app))
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """Return the description of the API: with the bodies, which the routes read themselves, and without the answer 422,
    in whose place ours is 400."""
    schema = FastAPI.openapi(app)
    for path in schema["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    bodies: dict[str, type[BaseModel]] = {**native_routes.BODIES, **openai_routes.BODIES}
    places, shared = models_json_schema([(kind, "validation") for kind in bodies.values()], ref_template=COMPONENT)
    for path, kind in bodies.items():
        content = {"application/json": {"schema": places[kind, "validation"]}}
        schema["paths"][path]["post"]["requestBody"] = {"content": content, "required": True}
    components = {**schema["components"]["schemas"], **shared["$defs"]}
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    schema["components"]["schemas"] = dict(sorted(components.items()))
    return schema


def _routes(app: FastAPI) -> Routes:
    """Return what ``app`` can be asked for."""
    described = {path: frozenset(map(str.upper, methods)) for path, methods in app.openapi()["paths"].items()}
    return {"/": frozenset({"GET"}), "/docs": frozenset({"GET"}), **described}


async def _answer_unknown(app: FastAPI, request: Request, error: Exception) -> Response:
    """Answer a request that no route takes: the one error that FastAPI answers by itself."""
    assert isinstance(error, HTTPException)
    method, path = request.method, route_path(request.scope)
    if error.status_code == 404:
        return refuse(unknown_route(method, path, _routes(app)))
    if error.status_code == 405:
        return refuse(wrong_method(method, path, _routes(app), error.headers))
    return refuse(RefusedError(error.status_code, str(error.detail), headers=error.headers))
