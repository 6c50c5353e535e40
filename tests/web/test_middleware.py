"""Who may come in, security headers, and unexpected errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from nextchar.settings import ServeSettings
from nextchar.web.app import make_app
from nextchar.web.model_registry import ModelRegistry
from nextchar.web.page_routes import open_routes
from nextchar.web.responses import json_response
from nextchar.web.service import Service
from tests.served import RUNNING, client_of, events, model_file, refusal, serving, wait_for
from tests.web.test_openai_routes import OPTIONS, written


@pytest.mark.parametrize(
    "host",
    ["localhost:8000:80", "localhost:", "localhost:x", "[::1].evil.example", "[::1", "localhost.", "a@localhost"],
)
def test_hosts_are_matched_whole(fox: Path, host: str) -> None:
    with serving(fox) as server, client_of(server) as client:
        assert client.get("api/models", headers={"Host": host}).status_code == 400


def test_only_the_machine_itself_is_answered_unless_it_is_said(fox: Path) -> None:
    hosts = ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io:80"]
    with serving(fox) as server, client_of(server) as client:
        for host in hosts:
            assert "localhost" in refusal(client.get("api/models", headers={"Host": host}), 400)
        for host in (f"localhost:{server.port}", "LOCALHOST", "127.0.0.1", f"[::1]:{server.port}"):
            assert client.get("api/models", headers={"Host": host}).status_code == 200
    for options in ({"public": True}, {"api_key": "k"}):
        with serving(fox, **options) as server, client_of(server, headers={"Authorization": "Bearer k"}) as client:
            assert client.get("api/models", headers={"Host": hosts[0]}).status_code == 200


@pytest.mark.parametrize("path", ["", "docs", "api/models", "api/nothing", "v1/models", "healthz"])
def test_every_answer_has_the_headers_of_security(fox: Path, path: str) -> None:
    with serving(fox) as server, client_of(server) as client:
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] in {"no-store", "no-cache"}
        assert "server" not in headers


def test_a_mistake_of_ours_is_an_answer_too(fox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr("nextchar.web.native_routes.distribution", fail)
    monkeypatch.setattr("nextchar.model.continuation.draw_blocks", fail)
    with serving(fox) as server, client_of(server) as client:
        for path in ("api/distribution", "api/generate"):
            response = client.post(path, json={})
            assert "secret" not in refusal(response, 500)
        with client.stream("POST", "api/generate", json={"stream": True}) as response:
            *_, end = events(response)
        assert end["error"]["type"] == "server_error"
        assert "secret" not in end["error"]["message"]
        wait_for(client, RUNNING, 0)


def test_a_key_is_asked_for_and_taken(tmp_path: Path) -> None:
    with serving(model_file(tmp_path), api_key="secret") as server, client_of(server) as anybody:
        address = server.address + "v1"
        with openai.OpenAI(base_url=address, api_key="secret", max_retries=0) as client:
            assert client.completions.create(model="fox", prompt="hello", **OPTIONS).choices[0].text == written("hello")
        with (
            openai.OpenAI(base_url=address, api_key="wrong", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError, match="is wrong") as caught,
        ):
            client.models.list()
        assert caught.value.code == "invalid_api_key"
        for given in (b"Bearer secre", b"Bearer secret2", b"Bearer \xe9", b"Basic secret", b"secret", b"bearer"):
            refusal(anybody.get("v1/models", headers={b"Authorization": given}), 401)
        assert anybody.get("v1/models", headers={"Authorization": "bearer  secret"}).status_code == 200
        for path in ("api/models", "v1/models", "metrics", "api/nothing"):
            response = anybody.get(path)
            assert "is missing" in refusal(response, 401)
            assert response.headers["www-authenticate"] == "Bearer"
        for path in ("", "healthz", "readyz", "docs", "openapi.json", "favicon.ico"):
            assert anybody.get(path).status_code == 200


KEY = {"Authorization": "Bearer k"}


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[FastAPI]:
    """The application of a server that asks for a key."""
    service = Service.of(ServeSettings(api_key="k", cores=1), ModelRegistry.of([model_file(tmp_path)]))
    yield make_app(service)
    service.shut()


async def answer(request: Request) -> Response:
    """Answer anything."""
    return json_response({"path": request.url.path})


def test_whatever_is_added_to_the_application_asks_for_the_key(keyed: FastAPI) -> None:
    router = APIRouter()

    async def read(body: dict[str, int]) -> dict[str, int]:
        return body

    router.get("/new")(answer)
    router.post("/new/body")(read)
    keyed.include_router(router)
    keyed.include_router(router, prefix="/docs")
    keyed.add_route("/plain", answer)
    other = FastAPI()
    other.include_router(router)
    keyed.mount("/mounted", other)
    client = TestClient(keyed)
    for path in ("/new", "/docs/new/body", "/plain", "/mounted/new"):
        method = "POST" if path.endswith("body") else "GET"
        assert "is missing" in refusal(client.request(method, path, json={"a": 1}), 401)
        wrong = {"Authorization": "Bearer wrong"}
        assert "is wrong" in refusal(client.request(method, path, json={"a": 1}, headers=wrong), 401)
        assert client.request(method, path, json={"a": 1}, headers=KEY).status_code == 200
    # It asks before it looks at a body.
    assert "is missing" in refusal(client.post("/new/body", content="no JSON"), 401)


def test_without_the_key_nobody_learns_which_paths_there_are(keyed: FastAPI) -> None:
    client = TestClient(keyed)
    known = client.get("/api/models")
    requests = [("GET", "/unknown"), ("GET", "/api/generate"), ("DELETE", "/v1/models"), ("POST", "/healthz")]
    requests += [("GET", "/api/models/"), ("GET", "/docs/a/b"), ("OPTIONS", "/api/models")]
    for method, path in requests:
        response = client.request(method, path)
        assert (response.status_code, response.content) == (401, known.content), (method, path)
    assert [client.request(*request, headers=KEY).status_code for request in requests[:4]] == [404, 405, 405, 405]


def test_the_open_routes_are_these(keyed: FastAPI) -> None:
    router = open_routes(Service.of(ServeSettings(cores=1), ModelRegistry([])), "title", "/openapi.json")
    paths = {route.path for route in router.routes if isinstance(route, Route)}
    assert len(paths) == len(router.routes)
    assert paths == {"/", "/docs", "/docs/{name}", "/openapi.json", "/favicon.ico", "/healthz", "/readyz"}
    client = TestClient(keyed)
    assert client.head("/").status_code == client.get("/docs/swagger-ui.css").status_code == 200
    assert "/docs" in refusal(client.get("/docs/unknown"), 404)


def test_the_description_says_which_routes_ask_for_the_key(keyed: FastAPI) -> None:
    paths: dict[str, dict[str, Any]] = TestClient(keyed).get("/openapi.json").json()["paths"]
    keyless = {path for path, operations in paths.items() for route in operations.values() if "security" not in route}
    assert keyless == {"/healthz", "/readyz"}
    assert len(paths) > 5
