"""Texts in the cache: built in, downloaded, or kept from a stream."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nextchar.errors import TextError
from nextchar.text import kept_texts
from nextchar.text.catalog import listing
from nextchar.text.kept_texts import corpora_folder, find, keep_text, no_such_text
from nextchar.text.known_texts import BUILT_IN, CatalogEntry
from tests.downloaders import FakeDownloader, refuse

pytestmark = pytest.mark.usefixtures("no_corpora")


def test_the_built_in_text_needs_nothing_and_is_always_the_same(tmp_path: Path) -> None:
    first = find(BUILT_IN, cache=tmp_path, downloader=refuse)
    text = first.read_text("utf-8")
    assert find(BUILT_IN, cache=tmp_path / "other").read_bytes() == first.read_bytes()
    assert 300_000 < len(text) < 1_000_000
    assert text.startswith('The "assert" statement\n')
    assert text.endswith("\n")
    assert [file.name for file in first.parent.iterdir()] == [first.name]
    if sys.version_info[:3] == (3, 11, 7):
        assert len(text) == 465_048


def test_a_text_is_fetched_once_and_then_in_the_cache(served: CatalogEntry, tmp_path: Path) -> None:
    downloader = FakeDownloader(b"served text\n")
    first, path = (find("served", cache=tmp_path, downloader=downloader) for _ in range(2))
    assert first.read_bytes() == path.read_bytes() == downloader.data
    assert downloader.asked == ["fake://x"]
    assert next(e for e in listing(tmp_path) if e["name"] == "served")["here"] is True
    path.write_bytes(b"damaged")
    assert find("served", cache=tmp_path, downloader=downloader).read_bytes() == downloader.data
    assert len(downloader.asked) == 2


def test_what_was_fetched_must_have_the_hash(served: CatalogEntry, tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"served could not be downloaded from fake://x: .*hash.*NEXTCHAR_CORPORA"):
        find("served", cache=tmp_path, downloader=FakeDownloader(b"something else"))
    assert not (tmp_path / "texts" / "served.txt").exists()


def test_no_network(served: CatalogEntry, tmp_path: Path) -> None:
    with pytest.raises(TextError, match="could not be downloaded from fake://x: no network"):
        find("served", cache=tmp_path, downloader=refuse)


def test_a_wrong_file_in_the_corpora_folder(served: CatalogEntry, tmp_path: Path) -> None:
    (tmp_path / "served.txt").write_bytes(b"something else")
    with pytest.raises(TextError, match=r"served\.txt is not the text .* SHA-256 begins with [0-9a-f]{12}, not"):
        find("served", cache=tmp_path / "cache", corpora=tmp_path, downloader=refuse)


def test_a_text_that_nobody_serves(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"has no download: put korean_stories\.txt .* NEXTCHAR_CORPORA"):
        find("korean-stories", cache=tmp_path)


def test_the_built_in_text_is_read_from_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find(BUILT_IN, cache=tmp_path)
    monkeypatch.setattr(kept_texts, "keep_text", refuse)
    assert find(BUILT_IN, cache=tmp_path) == first


def test_a_kept_text_is_named_by_its_content(tmp_path: Path) -> None:
    path = keep_text([b"one ", b"two"], tmp_path, "pipe")
    assert path.read_bytes() == b"one two"
    assert path == tmp_path / "texts" / f"pipe-{hashlib.sha256(b'one two').hexdigest()[:16]}.txt"
    assert keep_text([b"one two"], tmp_path, "pipe") == path
    assert list((tmp_path / "texts").iterdir()) == [path]


def test_a_text_that_ends_in_an_error_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the pipe broke")

    with pytest.raises(TextError, match=r"cannot be kept in .*texts: the pipe broke.*NEXTCHAR_CACHE"):
        keep_text(blocks(), tmp_path, "pipe")
    assert list((tmp_path / "texts").iterdir()) == []


def test_an_empty_variable_names_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert corpora_folder() is None
    monkeypatch.setenv("NEXTCHAR_CORPORA", "")
    assert corpora_folder() is None
    monkeypatch.setenv("NEXTCHAR_CORPORA", "texts")
    assert corpora_folder() == Path("texts")


def test_a_name_far_from_all_others_has_no_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # files beside it would be named too
    assert "Did you mean" not in str(no_such_text("0123456789"))
    assert "Did you mean names?" in str(no_such_text("namse"))
