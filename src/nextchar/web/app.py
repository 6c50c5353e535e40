"""The application: all routes behind the middleware."""

from __future__ import annotations

from functools import cache, partial
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from nextchar.web import native_routes, openai_routes
from nextchar.web.errors import RefusedError, add_handlers, refuse
from nextchar.web.middleware import LOCAL_HOSTS, AccessControl, RequestMetrics, SecurityHeaders, route_path
from nextchar.web.page_routes import metrics_routes, open_routes
from nextchar.web.service import Service
from nextchar.web.unknown_routes import Routes, unknown_route, wrong_method

TITLE, SCHEMA = "nextchar", "/openapi.json"
COMPONENT = "#/components/schemas/{model}"
SECURITY_SCHEMES = {"HTTPBearer": {"type": "http", "scheme": "bearer"}}
SUMMARY = "Character-level language models: a page to play with at /, and an API."


def make_app(service: Service, *, local: bool = False) -> FastAPI:
    """Return the application.

    Args:
        service: the models, and the limits of requests.
        local: whether it answers only to names of this machine.
    """
    settings = service.settings
    app = FastAPI(
        title=TITLE,
        summary=SUMMARY,
        version=version("nextchar"),
        openapi_url=None,  # `open_routes` serves it
        docs_url=None,
        redoc_url=None,
        # Relative to the description, whatever prefix a proxy adds.
        servers=[{"url": "."}],
        root_path_in_servers=False,
        # A redirect would be built from the Host header, which the client chooses.
        redirect_slashes=False,
    )
    open_to_all = open_routes(service, TITLE, SCHEMA)
    app.include_router(native_routes.native_routes(service))
    app.include_router(openai_routes.openai_routes(service))
    app.include_router(metrics_routes(service))
    app.include_router(open_to_all)
    add_handlers(app)
    app.add_exception_handler(HTTPException, partial(_answer_unknown, app))
    # The middleware added last sees a request first.
    app.add_middleware(
        AccessControl, api_key=settings.api_key, hosts=LOCAL_HOSTS if local else None, open_routes=open_to_all.routes
    )
    if settings.origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origin),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    app.add_middleware(RequestMetrics, metrics=service.metrics)
    app.add_middleware(SecurityHeaders)
    app.openapi = cache(partial(_described, app, open_to_all if settings.api_key else None))
    return app


def _described(app: FastAPI, open_to_all: APIRouter | None) -> dict[str, Any]:
    """Return the description of the API.

    It includes request bodies, which the routes read themselves, and leaves out response 422: ours is 400. With a key,
    all routes except ``open_to_all`` are described as requiring it.
    """
    schema = FastAPI.openapi(app)
    open_paths = {getattr(route, "path", "") for route in open_to_all.routes} if open_to_all else set(schema["paths"])
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            if path not in open_paths:
                operation["security"] = [{name: list[str]() for name in SECURITY_SCHEMES}]
    if open_to_all:
        schema["components"]["securitySchemes"] = SECURITY_SCHEMES
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
    """Return the methods of each path of ``app``."""
    described = {path: frozenset(map(str.upper, methods)) for path, methods in app.openapi()["paths"].items()}
    return {"/": frozenset({"GET"}), "/docs": frozenset({"GET"}), **described}


async def _answer_unknown(app: FastAPI, request: Request, error: Exception) -> Response:
    """Return our error response where no route matches a request."""
    assert isinstance(error, HTTPException)
    method, path = request.method, route_path(request.scope)
    if error.status_code == 404:
        return refuse(unknown_route(method, path, _routes(app)))
    if error.status_code == 405:
        return refuse(wrong_method(method, path, _routes(app), error.headers))
    return refuse(RefusedError(error.status_code, str(error.detail), headers=error.headers))
