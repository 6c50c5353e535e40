"""The API, held to its own description: whatever is sent, the server makes no mistake and answers as it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from nextchar.settings import ServeSettings
from nextchar.web.app import make_app
from nextchar.web.model_registry import ModelRegistry
from nextchar.web.service import Service
from tests.served_page import run_folder
from tests.small_networks import random_model

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
EXAMPLES = 30
"""Requests of each kind to each route."""
ROUTES = [
    "GET /api/models",
    "POST /api/generate",
    "POST /api/distribution",
    "POST /api/score",
    "POST /api/who",
    "POST /api/list",
    "GET /api/history",
    "POST /v1/completions",
    "GET /v1/models",
    "GET /v1/models/{name}",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
]
ASKED_WITH_SOMETHING = [route for route in ROUTES if route.startswith("POST") or route == "GET /api/history"]
"""Routes that can be asked wrongly."""


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The description of the application that serves a small run."""
    run = run_folder(tmp_path_factory.mktemp("models") / "run", random_model())
    limits = ServeSettings(max_characters=300, max_text=500, max_body=50_000, max_time=2, cores=1)
    service = Service.of(limits, ModelRegistry.of([run.path]))
    schema = schemathesis.openapi.from_asgi("/openapi.json", make_app(service))
    yield schema
    service.shut()


@pytest.mark.parametrize(
    ("route", "right"), [(route, True) for route in ROUTES] + [(route, False) for route in ASKED_WITH_SOMETHING]
)
def test_whatever_is_sent_the_answer_is_one_that_was_promised(described: BaseSchema, route: str, right: bool) -> None:
    method, path = route.split()
    mode = GenerationMode.POSITIVE if right else GenerationMode.NEGATIVE

    # Iterating an enumeration gives its members, which the type of this one's metaclass does not say.
    every_check = list[HealthCheck](HealthCheck)  # pyright: ignore[reportArgumentType]

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=every_check)
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def answer(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    answer()


def test_every_route_is_described(described: BaseSchema) -> None:
    found = [result.ok() for result in described.get_all_operations() if isinstance(result, Ok)]
    assert {f"{operation.method.upper()} {operation.path}" for operation in found} == set(ROUTES)
