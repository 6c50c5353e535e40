"""Texts at addresses, without a network: fsspec's own memory, stores made here, and a web server on this machine."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from nextchar.errors import MissingDependencyError, TextError
from nextchar.text import addresses as addresses_module
from nextchar.text.addresses import Fetched, fetch, is_address

CONTENT = b"so it goes\n" * 1000


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    """fsspec's memory://, empty before and after."""
    filesystem: MemoryFileSystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


class Store(AbstractFileSystem):
    """A store of one file, which says of it what it is told to, and may break off."""

    protocol = "store"
    cachable = False
    content = CONTENT
    facts: ClassVar[dict[str, object]] = {"ETag": "1"}
    breaks_at: int | None = None
    opened = 0

    def info(self, path: str, **kwargs: object) -> dict[str, object]:
        return {"name": path, "size": len(self.content), "type": "file", **self.facts}

    def _open(self, path: str, *arguments: object, **kwargs: object) -> Any:
        Store.opened += 1
        return _Breaking(self.content, self.breaks_at)


class _Breaking(io.BytesIO):
    def __init__(self, content: bytes, breaks_at: int | None) -> None:
        super().__init__(content)
        self._breaks_at = breaks_at

    def read(self, size: int | None = -1) -> bytes:
        if self._breaks_at is not None and self.tell() >= self._breaks_at:
            raise ConnectionError("the line is dead")
        return super().read(size if self._breaks_at is None else min(size or 0, self._breaks_at - self.tell()))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> type[Store]:
    fsspec.register_implementation("store", Store, clobber=True)
    for name in ("content", "facts", "breaks_at", "opened"):  # put back after the test
        monkeypatch.setattr(Store, name, getattr(Store, name))
    return Store


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("https://example.org/a.txt", True),
        ("S3://bucket/a", True),
        ("simplecache::s3://bucket/a", True),
        ("a.txt", False),
        ("C://a.txt", False),
        ("a/b:/c", False),
        ("-", False),
    ],
)
def test_what_is_an_address(name: str, expected: bool) -> None:
    assert is_address(name) == expected


def test_a_file_is_fetched_once_and_again_when_it_has_changed(store: type[Store], tmp_path: Path) -> None:
    (first,) = fetch("store://a.txt", tmp_path)
    assert first.path.read_bytes() == CONTENT
    assert first.path.name.endswith("-a.txt")
    assert fetch("store://a.txt", tmp_path) == [first]
    assert store.opened == 1
    store.content = CONTENT[::-1]
    store.facts = {"ETag": "2"}
    (second,) = fetch("store://a.txt", tmp_path)
    assert second.path.read_bytes() == CONTENT[::-1]
    assert first.path.exists()


def test_a_store_that_says_nothing_of_changes_is_not_believed(store: type[Store], tmp_path: Path) -> None:
    store.facts = {}
    (first,) = fetch("store://a.txt", tmp_path)
    store.content = CONTENT[::-1]  # of the same size
    (second,) = fetch("store://a.txt", tmp_path)
    assert (first.path.read_bytes(), second.path.read_bytes()) == (CONTENT, CONTENT[::-1])


def test_what_broke_off_is_continued(store: type[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.breaks_at = 5000
    with pytest.raises(TextError, match=r"store://a.txt cannot be fetched: the line is dead. Check the address"):
        fetch("store://a.txt", tmp_path)
    (unfinished,) = (tmp_path / "texts").iterdir()
    assert unfinished.read_bytes() == CONTENT[:5000]
    store.breaks_at = None
    reads: list[int] = []
    read = _Breaking.read
    monkeypatch.setattr(_Breaking, "read", lambda file, size: [reads.append(file.tell()), read(file, size)][1])
    (fetched,) = fetch("store://a.txt", tmp_path)
    assert fetched.path.read_bytes() == CONTENT
    assert reads[0] == 5000
    assert [path.name for path in (tmp_path / "texts").iterdir()] == [fetched.path.name]


def test_a_store_that_cannot_continue_begins_again(
    store: type[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.breaks_at = 5000
    with pytest.raises(TextError):
        fetch("store://a.txt", tmp_path)
    store.breaks_at = None

    def refuse(*_: object) -> int:
        raise ValueError("Cannot seek streaming HTTP file")

    monkeypatch.setattr(_Breaking, "seek", refuse)
    (fetched,) = fetch("store://a.txt", tmp_path)
    assert fetched.path.read_bytes() == CONTENT


def test_a_file_that_changes_while_it_is_fetched_is_refused(
    store: type[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = addresses_module._blocks

    def changing(remote: object) -> Iterator[bytes]:
        store.facts = {"ETag": "2"}
        return blocks(remote)

    monkeypatch.setattr(addresses_module, "_blocks", changing)
    with pytest.raises(TextError, match=r"store://a.txt changed while it was fetched"):
        fetch("store://a.txt", tmp_path)
    assert list((tmp_path / "texts").iterdir()) == []


def test_folders_and_patterns(memory: MemoryFileSystem, tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "deep/c.csv", ".hidden", "a.txt.bak"):
        memory.pipe(f"/books/{name}", name.encode())

    def contents(address: str) -> list[tuple[str, str]]:
        return [(found.address, found.path.read_text()) for found in fetch(address, tmp_path)]

    assert contents("memory://books") == [
        ("memory:///books/a.txt", "a.txt"),
        ("memory:///books/b.txt", "b.txt"),
        ("memory:///books/deep/c.csv", "deep/c.csv"),
    ]
    assert [content for _, content in contents("memory://books/*.txt")] == ["a.txt", "b.txt"]
    with pytest.raises(TextError, match=r"There is no text at memory://books/\*.pdf"):
        fetch("memory://books/*.pdf", tmp_path)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *_: object) -> None: ...


@pytest.fixture
def website(tmp_path: Path) -> Iterator[str]:
    """The address of a server on this machine, of the folder www."""
    (tmp_path / "www").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "www")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_web(website: str, tmp_path: Path) -> None:
    (tmp_path / "www" / "a.txt").write_bytes(CONTENT)
    (fetched,) = fetch(f"{website}/a.txt?x=1*", tmp_path)
    assert fetched == Fetched(f"{website}/a.txt?x=1*", fetched.path)
    assert fetched.path.read_bytes() == CONTENT
    assert fetched.path.name.endswith("-a.txt")
    with pytest.raises(TextError, match=f"There is no text at {website}/b.txt"):
        fetch(f"{website}/b.txt", tmp_path)


def test_a_host_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(
        TextError, match=r"http://127.0.0.1:9/a.txt cannot be fetched: .*Check the address, the network"
    ):
        fetch("http://127.0.0.1:9/a.txt", tmp_path)


@pytest.mark.parametrize(
    ("address", "package"),
    [("s3://bucket/a.txt", "s3fs"), ("gs://bucket/a.txt", "gcsfs"), ("hf://datasets/a/b/c.txt", "huggingface_hub")],
)
def test_a_missing_package_is_named(
    address: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=f"needs a package that is not installed: pip install {package}"):
        fetch(address, tmp_path)


def test_an_unknown_kind_of_address(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"nowhere://a cannot be read: .*Give an address like https://"):
        fetch("nowhere://a", tmp_path)
