"""Loops are kept on disk where that can be, and compiled anew where not."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nextchar
from nextchar.networks import compilation
from tests.command import made_up_text
from tests.command import nextchar as command
from tests.small_networks import random_model

SOURCE = """
from nextchar.networks.compilation import compiled

@compiled(nogil=True)
def double(x):
    return 2 * x
"""
Load = Callable[[], Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Returns the loop of a module in ``tmp_path``/package anew, as another process would."""
    for name in ("NUMBA_CACHE_DIR", "NEXTCHAR_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/dev/null")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "loops.py").write_text(SOURCE)
    compilation._tell_unkept.cache_clear()

    def load() -> Any:
        spec = importlib.util.spec_from_file_location("loops", tmp_path / "package" / "loops.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.double

    return load


def hits(loop: Any) -> int:
    return sum(loop.stats.cache_hits.values())


def make_read_only(tmp_path: Path) -> None:
    """Let nobody write beside the source, root neither."""
    shutil.rmtree(tmp_path / "package" / "__pycache__", ignore_errors=True)
    (tmp_path / "package" / "__pycache__").write_text("no folder")


def kept(tmp_path: Path, suffix: str) -> Path:
    (path,) = (tmp_path / "package" / "__pycache__").glob(f"*{suffix}")
    return path


def test_a_loop_is_compiled_once_and_then_loaded(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    assert (load()(3), hits(load())) == (6, 0)
    again = load()
    assert (again(4), hits(again)) == (8, 1)
    assert not caplog.messages


def test_where_nothing_can_be_written_it_is_said_once(
    load: Load, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_read_only(tmp_path)
    loop = load()
    assert (loop(3), loop(1.5)) == (6, 3.0)
    assert load()(3) == 6
    (note,) = caplog.messages
    assert "cannot be kept" in note
    assert "NEXTCHAR_CACHE" in note


def test_the_cache_of_the_program_is_taken_where_there_is_no_home(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_read_only(tmp_path)
    monkeypatch.setenv("NEXTCHAR_CACHE", str(tmp_path / "cache"))
    assert load()(3) == 6
    again = load()
    assert (again(3), hits(again)) == (6, 1)
    assert list((tmp_path / "cache" / "loops").rglob("*.nbc"))
    assert not caplog.messages


def test_what_the_installation_compiled_is_taken_wherever_loops_are_kept(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    load()(3)  # beside the source
    cache = tmp_path / "cache"
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(cache))
    loop = load()
    assert (loop(3), hits(loop)) == (6, 1)
    assert list(cache.rglob("*.nb?")) == []
    assert loop(1.5) == 3.0  # which nothing was compiled for
    assert len(list(cache.rglob("*.nbc"))) == 1
    for path in (tmp_path / "package" / "__pycache__").glob("*.nbi"):
        path.write_bytes(b"damaged")
    other = load()
    assert (other(3), hits(other)) == (6, 0)
    assert not caplog.messages


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "text", "unreadable"])
def test_what_is_damaged_is_compiled_anew_and_mended(load: Load, tmp_path: Path, suffix: str, damage: str) -> None:
    load()(3)
    path = kept(tmp_path, suffix)
    content = path.read_bytes()
    if damage == "unreadable":
        path.unlink()
        path.mkdir()
    else:
        half = len(content) // 2
        path.write_bytes({"empty": b"", "cut": content[:half], "zeros": bytes(len(content)), "text": b"hello"}[damage])
    loop = load()
    assert (loop(3), hits(loop)) == (6, 0)
    if damage != "unreadable":
        again = load()
        assert (again(3), hits(again)) == (6, 1)


def test_a_full_disk_is_told_and_nothing_is_lost(
    load: Load, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert load()(3) == 6
    assert "No space left" in caplog.text


def test_a_form_that_another_process_kept_under_the_same_name_is_not_taken(load: Load, tmp_path: Path) -> None:
    """Both found the name free: the index of the one leads to what the other compiled."""
    loop = load()
    loop(3)
    (whole,) = (path.read_bytes() for path in (tmp_path / "package" / "__pycache__").glob("*.1.nbc"))
    loop(1.5)
    kept(tmp_path, ".2.nbc").write_bytes(whole)
    other = load()
    assert (other(1.5), hits(other)) == (3.0, 0)


@pytest.mark.slow
def test_the_command_scores_where_nothing_can_be_kept(tmp_path: Path) -> None:
    installed = tmp_path / "site"
    shutil.copytree(
        Path(nextchar.__file__).parent, installed / "nextchar", ignore=shutil.ignore_patterns("__pycache__")
    )
    (installed / "nextchar" / "networks" / "__pycache__").write_text("no folder")
    random_model().save(tmp_path / "m.safetensors")
    (tmp_path / "book.txt").write_text(made_up_text(40_000))
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "NEXTCHAR_CACHE"), "/dev/null")
    outcome = command(
        *("evaluate", tmp_path / "m.safetensors", tmp_path / "book.txt"),
        env={"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": "", **nowhere},
    )
    assert outcome.status == 0, outcome.stderr
    assert "bits per character" in outcome.stdout
    assert outcome.stderr.count("cannot be kept") == 1
    assert "Traceback" not in outcome.stderr
