"""Texts in the cache: downloaded texts of the catalogue, and what came through a pipe.

A text that comes with the package or with Python is unpacked. Any other text of the catalogue is taken from the folder
that ``NEXTCHAR_CORPORA`` names, or from the cache, or downloaded from its address. In any case, its SHA-256 is checked.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
import lzma
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

from nextchar.errors import TextError, shortened
from nextchar.text.known_texts import BUILT_IN, CATALOG, CatalogEntry
from nextchar.text.text_file import BLOCK

Downloader = Callable[[str, str, object], object]
"""Downloads an address (first argument) to a file (second), as the downloaders of pooch (third) do."""


def find(name: str, *, cache: Path, corpora: Path | None = None, downloader: Downloader | None = None) -> Path:
    """Return the file of the text ``name`` of the catalogue, downloaded if necessary.

    Args:
        name: a key of `CATALOG`.
        cache: folder that keeps downloaded texts.
        corpora: folder to look in first; the one that ``NEXTCHAR_CORPORA`` names if None.
        downloader: downloads the text; pooch over HTTP if None.

    Raises:
        TextError: the name is unknown, the file in ``corpora`` has another hash than the catalogue, or the text cannot
            be downloaded.
    """
    entry = CATALOG.get(name)
    if entry is None:
        raise no_such_text(name)
    if name == BUILT_IN:
        return _kept(_python_docs(), cache, name)
    if entry.shipped:
        packed = files("nextchar.text").joinpath("data", f"{entry.file}.xz").read_bytes()
        return _kept(lzma.decompress(packed), cache, name)
    folder = corpora or corpora_folder()
    if folder is not None and (folder / entry.file).is_file():
        _check_hash(folder / entry.file, entry)
        return folder / entry.file
    return _in_cache(entry, cache, downloader)


def corpora_folder() -> Path | None:
    """Return the folder of texts that ``NEXTCHAR_CORPORA`` names, or None if it is not set."""
    folder = os.environ.get("NEXTCHAR_CORPORA")
    return Path(folder) if folder else None


def no_such_text(name: str) -> TextError:
    """Return the error for an unknown name, with similar names."""
    folder = Path(name).parent
    beside = [str(folder / file) for file in os.listdir(folder)] if folder.is_dir() else []  # noqa: PTH208
    near = difflib.get_close_matches(name, [*CATALOG, *beside], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return TextError(
        f"There is no file, folder or known text {shortened(name)}.{hint} `nextchar corpora` lists the texts known by "
        "name."
    )


def _in_cache(entry: CatalogEntry, cache: Path, downloader: Downloader | None) -> Path:
    path = cache / "texts" / entry.file
    if path.is_file() and _sha256(path) == entry.sha256:
        return path
    if entry.url is None:
        raise TextError(
            f"The text {entry.name} is not on this computer and has no download: put {entry.file} ({entry.title}) "
            "into the folder that NEXTCHAR_CORPORA names."
        )
    return _fetch(entry, entry.url, path, downloader)


def _fetch(entry: CatalogEntry, url: str, path: Path, downloader: Downloader | None) -> Path:
    pooch: Any = import_module("pooch")  # it has no types and is slow to import
    pooch.get_logger().setLevel(logging.WARNING)  # it would report the download on standard error
    try:
        pooch.retrieve(url, entry.sha256, path.name, path.parent, downloader=downloader)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong hash is a ValueError
        reason = " ".join(str(error).split())[:300]
        raise TextError(
            f"The text {entry.name} could not be downloaded from {url}: {reason}. Check the network and the "
            f"disk, or put {entry.file} into the folder that NEXTCHAR_CORPORA names."
        ) from error
    return path


def _check_hash(path: Path, entry: CatalogEntry) -> None:
    found = _sha256(path)
    if found != entry.sha256:
        raise TextError(
            f"{path} is not the text {entry.name} of the catalogue: its SHA-256 begins with {found[:12]}, not "
            f"{str(entry.sha256)[:12]}. Give its path to use it as it is, or remove it."
        )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TextError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error


def _python_docs() -> bytes:
    """Return the reference topics that ship with Python, sorted by name."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name].strip("\n") for name in sorted(topics)).encode() + b"\n"


def _kept(content: bytes, cache: Path, name: str) -> Path:
    """Return a file with ``content`` in the cache, written unless it is there."""
    kept = _path_in(cache, name, hashlib.sha256(content).hexdigest())
    if kept.is_file() and kept.read_bytes() == content:
        return kept
    return keep_text([content], cache, name)


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of ``stream``, at most `BLOCK` at a time."""
    while block := stream.read(BLOCK):
        yield block


def _path_in(cache: Path, name: str, digest: str) -> Path:
    return cache / "texts" / f"{name}-{digest[:16]}.txt"


def keep_text(blocks: Iterable[bytes], cache: Path, name: str) -> Path:
    """Write ``blocks`` to a file in the cache whose name contains their hash, so that a resumed run finds it again.

    Raises:
        TextError: the file cannot be written.
    """
    folder = cache / "texts"
    digest = hashlib.sha256()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as temporary:
            with Path(temporary, name).open("wb") as file:
                for block in blocks:
                    digest.update(block)
                    file.write(block)
            return Path(temporary, name).replace(_path_in(cache, name, digest.hexdigest()))
    except OSError as error:
        raise TextError(
            f"The text cannot be kept in {folder}: {error.strerror or error}. Free the disk, or name another "
            "folder in NEXTCHAR_CACHE."
        ) from error
