"""The catalogue: names, addresses, and the files that its entries describe."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

import pytest

from nextchar.text.catalog import listing
from nextchar.text.kept_texts import find
from nextchar.text.known_texts import BUILT_IN, CATALOG, CatalogEntry
from tests.downloaders import refuse

pytestmark = pytest.mark.usefixtures("no_corpora")


@pytest.mark.parametrize("entry", [e for e in CATALOG.values() if e.sha256 and not e.shipped], ids=lambda e: e.name)
def test_every_entry_is_what_the_folder_of_real_texts_holds(entry: CatalogEntry, corpora: Path, tmp_path: Path) -> None:
    path = find(entry.name, cache=tmp_path, corpora=corpora, downloader=refuse)
    assert path == corpora / entry.file
    assert path.stat().st_size == entry.bytes


@pytest.mark.parametrize("entry", [e for e in CATALOG.values() if e.shipped], ids=lambda e: e.name)
def test_what_is_shipped_is_what_its_entry_says(entry: CatalogEntry, tmp_path: Path) -> None:
    path = find(entry.name, cache=tmp_path, downloader=refuse)
    content = path.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (entry.bytes, entry.sha256)
    assert unicodedata.is_normalized("NFC", content.decode())
    assert find(entry.name, cache=tmp_path) == path
    assert next(listed for listed in listing(tmp_path) if listed["name"] == entry.name)["here"] is True


def test_the_catalogue_is_keyed_by_name_and_its_addresses_are_encrypted() -> None:
    assert all(name == entry.name for name, entry in CATALOG.items())
    assert {"nietzsche", "tinyshakespeare", "war-and-peace", "names", "korean-stories"} <= set(CATALOG)
    assert all(entry.url.startswith("https://") and entry.url.isascii() for entry in CATALOG.values() if entry.url)


def test_only_the_built_in_text_has_no_size_and_hash() -> None:
    assert [name for name, entry in CATALOG.items() if entry.bytes is None or entry.sha256 is None] == [BUILT_IN]
    assert CATALOG[BUILT_IN].url is None


def test_files_and_hashes_are_distinct() -> None:
    assert len({entry.file for entry in CATALOG.values()}) == len(CATALOG)
    assert len({entry.sha256 for entry in CATALOG.values()}) == len(CATALOG)
    assert all(len(entry.sha256) == 64 for entry in CATALOG.values() if entry.sha256)
