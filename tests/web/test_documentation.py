"""The examples of docs/serve.md, run against a real server."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nextchar.cli.app import app
from nextchar.settings import ServeSettings
from nextchar.web.server import Server
from tests.served import client_of, events, serving
from tests.served_page import run_folder
from tests.small_networks import ALPHABET, random_model

PAGE = (Path(__file__).parents[2] / "docs/serve.md").read_text(encoding="utf-8")
ADDRESS = "http://localhost:8000/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that the page speaks of."""
    model = random_model(ALPHABET + "O")
    with serving(run_folder(tmp_path_factory.mktemp("runs") / "mybook", model).path) as server:
        yield server


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.M | re.S)


CURLS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("curl ")]


@pytest.mark.parametrize("line", CURLS)
def test_the_examples_with_curl_are_answered(line: str, server: Server) -> None:
    _, *words = (word for word in shlex.split(line) if word != "-N")
    url, options = words[0], dict(zip(words[1::2], words[2::2], strict=True))
    assert url.startswith(ADDRESS)
    assert set(options) <= {"-H", "-d"}
    with client_of(server) as client:
        if "-d" not in options:
            response = client.get(url.removeprefix(ADDRESS))
        else:
            headers = dict([options["-H"].split(": ")])
            response = client.post(url.removeprefix(ADDRESS), content=options["-d"], headers=headers)
        assert response.status_code == 200, response.text
        check_whole(response)


def check_whole(response: httpx.Response) -> None:
    """Check that an answer is one that the page promises."""
    if response.headers["content-type"].startswith("text/event-stream"):
        *_, end = events(response)
        assert end["done"]
    else:
        answer = response.json()
        assert answer
        assert answer.get("replacements", []) == [], "the examples speak of what the model knows"


def test_there_are_examples() -> None:
    assert len(CURLS) == 10
    assert len(blocks("python")) == 1


def test_the_example_in_python_runs(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(compile(blocks("python")[0].replace(ADDRESS, server.address), "serve.md", "exec"), names)
    names["client"].close()  # type: ignore[attr-defined]
    assert len(capsys.readouterr().out) == 401


def test_the_error_shown_is_the_one_that_is_answered(server: Server) -> None:
    with client_of(server) as client:
        answer = client.post("api/generate", json={"length": 3_000_000}).text
    shown = re.sub(r"\s*\n\s*", " ", blocks("json")[0]).strip()
    assert httpx.Response(200, text=shown).json() == httpx.Response(200, text=answer).json()


def test_limits_and_their_defaults_are_those_of_the_settings() -> None:
    rows = dict(re.findall(r"^\| `--(max-[a-z]+)` \| ([\d,]+)s? \|", PAGE, re.M))
    defaults = {name.replace("_", "-"): f.default for name, f in ServeSettings.model_fields.items() if "max_" in name}
    assert {name: int(value.replace(",", "")) for name, value in rows.items()} == defaults
    assert "serve" in list(app)
