"""The application under a path of its own: behind a proxy, or in another application."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from nextchar.settings import ServeSettings
from nextchar.web.app import make_app
from nextchar.web.model_registry import ModelRegistry
from nextchar.web.service import Service
from tests.served import client_of, model_file, refusal, serving

UNDER = "http://testserver/models/"
KEY = {"Authorization": "Bearer k"}


def mounted(app: ASGIApp) -> ASGIApp:
    """Return an application that has ``app`` under a path."""
    return Starlette(routes=[Mount("/models", app=app)])


def behind_a_proxy(app: ASGIApp) -> ASGIApp:
    """Return what stands in for a proxy that takes the path away."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"].startswith("/models/")
        await app({**scope, "path": scope["path"].removeprefix("/models")}, receive, send)

    return proxy


@pytest.fixture(params=[mounted, behind_a_proxy])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestClient]:
    """A client of the application, which asks for a key."""
    put: Callable[[ASGIApp], ASGIApp] = request.param
    service = Service.of(ServeSettings(api_key="k", cores=1), ModelRegistry.of([model_file(tmp_path)]))
    yield TestClient(put(make_app(service)))
    service.shut()


def test_the_page_finds_everything_beside_it(client: TestClient) -> None:
    page = client.get(UNDER).text
    asked = set(re.findall(r"[`'\"](/?(?:api|v1)/[a-z]+)", page))
    assert "api/models" in asked
    assert not [address for address in asked if address.startswith("/")]
    assert client.get(urljoin(UNDER, "api/models"), headers=KEY).json()["models"][0]["id"] == "fox"


def test_the_page_of_the_api_finds_everything_beside_it(client: TestClient) -> None:
    page = client.get(urljoin(UNDER, "docs"))
    addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"|url: '([^']+)'", page.text)
    assert len(addresses) == 4
    for address in map("".join, addresses):
        answer = client.get(urljoin(str(page.url), address))
        assert answer.status_code == 200, address
        assert answer.content
    description = urljoin(str(page.url), "openapi.json")
    root = urljoin(description, client.get(description).json()["servers"][0]["url"]).rstrip("/")
    answer = client.post(f"{root}/api/generate", json={"length": 5}, headers=KEY)
    assert len(answer.json()["text"]) == 5


def test_the_key_is_asked_for_under_a_path_too(client: TestClient) -> None:
    for path in ("api/models", "v1/models", "metrics"):
        assert "is missing" in refusal(client.get(urljoin(UNDER, path)), 401)
    assert "Did you mean GET /api/models?" in refusal(client.get(urljoin(UNDER, "api/model"), headers=KEY), 404)


def test_no_address_is_built_from_the_host_that_was_asked_for(fox: Path) -> None:
    with serving(fox, public=True) as server, client_of(server) as client:
        for path in ("healthz/", "api/models/", "docs/", "v1/models/", "metrics/"):
            response = client.get(path, headers={"Host": "evil.example"})
            assert response.status_code == 404, path
            assert "evil.example" not in response.text
            assert "location" not in response.headers


def test_other_origins_are_let_in_by_name_alone(fox: Path) -> None:
    ours, theirs = "https://example.org", "https://evil.example"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}

    def allowed(client: httpx.Client, origin: str) -> tuple[str | None, str | None]:
        before = client.options("api/generate", headers={"Origin": origin, **asked})
        itself = client.post(
            "api/generate", json={"length": 1}, headers={"Origin": origin, "Authorization": "Bearer k"}
        )
        assert itself.status_code == 200
        name = "access-control-allow-origin"
        return before.headers.get(name), itself.headers.get(name)

    with serving(fox, api_key="k", origin=[ours]) as server, client_of(server) as client:
        assert allowed(client, ours) == (ours, ours)
        assert allowed(client, theirs) == (None, None)
        # What is refused can be read by the page that asked, too.
        assert client.get("api/models", headers={"Origin": ours}).headers["access-control-allow-origin"] == ours
    with serving(fox, api_key="k") as server, client_of(server) as client:
        assert allowed(client, ours) == (None, None)
    with serving(fox, api_key="k", origin=["*"]) as server, client_of(server) as client:
        assert allowed(client, theirs) == ("*", "*")
