"""The application: every route, behind its guards."""

from __future__ import annotations

from functools import cache, partial
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from starlette.middleware.cors import CORSMiddleware

from nextchar.web import openai_routes, own_routes
from nextchar.web.guards import LOCAL_HOSTS, AnswerHeaders, BodyLimit, Counting, Door
from nextchar.web.page_routes import page_routes
from nextchar.web.refusals import add_handlers
from nextchar.web.service import Service

TITLE, SCHEMA = "nextchar", "/openapi.json"
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
    )
    # Asked for by `Door`; here it only tells the page of the API that there is a key.
    key = [Depends(HTTPBearer(auto_error=False))] if settings.api_key else []
    app.include_router(own_routes.own_routes(service), dependencies=key)
    app.include_router(openai_routes.openai_routes(service), dependencies=key)
    app.include_router(page_routes(service, TITLE, SCHEMA))
    add_handlers(app, {**own_routes.BODIES, **openai_routes.BODIES})
    # The last one is the first to see a request.
    app.add_middleware(BodyLimit, most=settings.max_body)
    app.add_middleware(Door, api_key=settings.api_key, hosts=LOCAL_HOSTS if local else None)
    if settings.origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origin),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    app.add_middleware(Counting, measures=service.measures)
    app.add_middleware(AnswerHeaders)
    app.openapi = cache(partial(_described, app))
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """Return the description of the API, without the answer 422, in whose place ours is 400."""
    schema = FastAPI.openapi(app)
    for path in schema["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
    return schema
