"""Fixtures that tests of the catalogue share."""

from __future__ import annotations

import hashlib

import pytest

from nextchar.text.known_texts import CATALOG, CatalogEntry


@pytest.fixture
def no_corpora(monkeypatch: pytest.MonkeyPatch, corpora_folder: str | None) -> None:
    monkeypatch.delenv("NEXTCHAR_CORPORA", raising=False)


@pytest.fixture
def corpora_folder(request: pytest.FixtureRequest) -> str | None:
    """Ask for the real texts before the variable that names them is taken away."""
    return str(request.getfixturevalue("corpora")) if "corpora" in request.fixturenames else None


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> CatalogEntry:
    """A text of the catalogue that the fake downloader below serves."""
    data = b"served text\n"
    entry = CatalogEntry(
        "served",
        "Title",
        "English",
        "none",
        "served.txt",
        len(data),
        hashlib.sha256(data).hexdigest(),
        "fake://x",
    )
    monkeypatch.setitem(CATALOG, "served", entry)
    return entry
