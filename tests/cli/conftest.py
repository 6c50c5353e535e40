"""A small run, for the tests of several commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import SMALL, Outcome, nextchar
from tests.small_networks import random_model


@pytest.fixture(scope="module")
def text(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of a real text."""
    path = tmp_path_factory.mktemp("text") / "plays.txt"
    path.write_text((corpora / "tinyshakespeare.txt").read_text()[:30_000])
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run of these tests is."""
    return tmp_path_factory.mktemp("runs") / "plays"


@pytest.fixture(scope="module")
def trained(text: Path, run: Path) -> Outcome:
    """The run, done."""
    outcome = nextchar("train", text, "--out", run, "--steps", 60, "--evaluations", 3, *SMALL, "--json")
    assert outcome.status == 0, outcome.stderr
    return outcome


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights mean nothing."""
    path = tmp_path_factory.mktemp("model") / "any.safetensors"
    random_model().save(path)
    return path
