"""Fixtures that many tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.browser import chromium, open_desk  # noqa: F401 (fixtures, like those below)
from tests.page_engine import engine, engines, exported  # noqa: F401
from tests.served_page import life, pages  # noqa: F401

# A busy machine makes any example slow: no test fails for its time.
settings.register_profile("nextchar", deadline=None)
settings.load_profile("nextchar")


@pytest.fixture(scope="session", autouse=True)
def cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of these tests, which the user's own is spared for."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTCHAR_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def no_bases() -> Iterator[None]:
    """No base model that happens to be installed is chosen by the runs of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nextchar.runs.start.installed_bases", dict)
        yield


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real texts; a test that needs one is skipped where it is missing, unless required."""
    folder = os.environ.get("NEXTCHAR_CORPORA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = "real texts are needed: set NEXTCHAR_CORPORA to the folder that has them"
    if os.environ.get("NEXTCHAR_REQUIRE_CORPORA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
