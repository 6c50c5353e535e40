"""`nextchar serve`, and the page of a run while it trains."""

from __future__ import annotations

import signal
import urllib.request
from pathlib import Path

import pytest

from nextchar.cli.serve import serve, served_live
from nextchar.errors import ModelFileError, UsageError

pytest.importorskip("fastapi", reason="the page is served by fastapi: nextchar[web]")


def test_a_model_has_to_be_named() -> None:
    with pytest.raises(UsageError, match="Name a model to serve"):
        serve()


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="nowhere"):
        serve(tmp_path / "nowhere")


def test_a_run_has_its_page_before_it_has_a_model_and_only_inside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with served_live(tmp_path / "run", 0, loud=True):
        address = capsys.readouterr().err.split()[-1]
        with urllib.request.urlopen(address) as answer:
            assert answer.read().lower().startswith(b"<!doctype html>")
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address)
    assert f"nextchar serve {tmp_path / 'run'}" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_quiet_run_says_nothing_of_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served_live(tmp_path / "run", 0, loud=False):
        pass
    assert capsys.readouterr().err == ""
