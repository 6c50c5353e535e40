"""A real server on a free port, in a thread of this process, and what its clients need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol

import httpx

from nextchar.model.language_model import LanguageModel
from nextchar.settings import ServeSettings
from nextchar.web.model_registry import ModelRegistry
from nextchar.web.server import Server
from tests.command import PATIENCE
from tests.small_networks import random_model

RUNNING, WAITING = 'nextchar_running{work="writing"}', 'nextchar_waiting{work="writing"}'
ENDLESS = 100_000_000
"""Characters that nobody waits for."""


def model_file(folder: Path, name: str = "fox", model: LanguageModel | None = None) -> Path:
    """Save a small model, whose weights mean nothing unless it is given."""
    path = folder / f"{name}.safetensors"
    (model or random_model()).save(path)
    return path


@contextmanager
def serving(*models: Path, **options: Any) -> Iterator[Server]:
    """Serve ``models`` on a free port, with ``options`` of `ServeSettings`."""
    server = Server(ModelRegistry.of(models), ServeSettings(**{"port": 0, "cores": 2, **options}))
    server.start()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def client_of(server: Server, **options: Any) -> Iterator[httpx.Client]:
    """Return a client of ``server``."""
    with httpx.Client(base_url=server.address, timeout=PATIENCE, **options) as client:
        yield client


def events(response: httpx.Response) -> Iterator[Any]:
    """Yield the data of each event of a stream; what is no JSON as it is."""
    for line in response.iter_lines():
        if line:
            assert line.startswith("data: ")
            data = line.removeprefix("data: ")
            yield data if data == "[DONE]" else json.loads(data)


def post_ascii(client: httpx.Client, path: str, body: dict[str, object]) -> httpx.Response:
    """Send ``body`` in ASCII, which lone surrogates can be written in."""
    return client.post(f"api/{path}", content=json.dumps(body), headers={"Content-Type": "application/json"})


class Answer(Protocol):
    """What clients agree on: httpx, and whatever starlette's client for tests is made of."""

    @property
    def status_code(self) -> int: ...

    @property
    def text(self) -> str: ...

    def json(self) -> Any: ...


def refusal(response: Answer, status: int) -> str:
    """Return the message of an answer that says no, in the shape of OpenAI."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error["message"]


def measured(client: httpx.Client, name: str) -> float:
    """Return the sum of what the server has counted under ``name``, its labels included, over the labels not given."""
    pattern = re.compile(rf"^{re.escape(name.rstrip('}'))}[^ ]* (\S+)$", re.M)
    return sum(float(value) for value in pattern.findall(client.get("metrics").text))


def wait_for(client: httpx.Client, name: str, value: float) -> None:
    """Wait until so much is counted under ``name``."""
    ends = monotonic() + PATIENCE
    while measured(client, name) != value:
        assert monotonic() < ends, client.get("metrics").text
        sleep(0.005)
