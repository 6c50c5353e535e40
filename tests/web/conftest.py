"""Fixtures of most tests of the server; a file may have a client of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.served import client_of, model_file, serving


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    """A model file."""
    return model_file(tmp_path)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server with one model."""
    with serving(model_file(tmp_path_factory.mktemp("models"))) as server, client_of(server) as client:
        yield client
