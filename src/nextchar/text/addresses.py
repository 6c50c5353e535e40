"""Texts at addresses (https://, s3://, gs://, hf:// and all others that fsspec knows), fetched into the cache.

A file is fetched once, as it is, and kept under a name made of its address and everything that its store says about it:
size, time, ETag, hash. So a file that has changed is fetched again. A store that says nothing of that kind is not
believed: the file is fetched each time. If fetching is interrupted, the next try continues where it stopped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

from nextchar.errors import MissingDependencyError, NextcharError, TextError
from nextchar.files.cache_entry import locked
from nextchar.text.backup_files import why_left_out
from nextchar.text.kept_texts import blocks_of, keep_text
from nextchar.text.text_file import BLOCK

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)(?:://|::)", re.IGNORECASE)
_WEB = {"http", "https"}
_PACKAGES = {
    "http": "aiohttp",
    "https": "aiohttp",
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "hf": "huggingface_hub",
    "az": "adlfs",
    "abfs": "adlfs",
}
"""The package that reads each kind of address, where it is not fsspec itself."""
_VERSIONS = re.compile(r"e-?tag|md5|sha|crc|checksum|digest|hash|modified|mtime|created|updated|generation|version|oid")
"""Names of facts that change with the content of a file."""
_PASSING = {"url", "mimetype", "atime", "accesstime", "islink"}
"""Facts that may change while the content does not: the address after redirections may hold a signature."""

T = TypeVar("T")


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched."""

    address: str
    path: Path
    """The copy in the cache."""


def is_address(name: str) -> bool:
    """Return whether ``name`` is an address rather than a path or a name."""
    return _ADDRESS.match(name) is not None


def fetch(address: str, cache: Path) -> list[Fetched]:
    """Return the files at ``address``, fetched unless they are in the cache and unchanged.

    Args:
        address: a file; or, except on the web, a folder or a pattern with ``*``.
        cache: folder that keeps what was fetched.

    Raises:
        TextError: there is no such file, it cannot be fetched, or it changes while it is fetched.
        MissingDependencyError: the package for this kind of address is not installed.
    """
    filesystem, place = _open_filesystem(address)
    places = _tried(address, lambda: _places(filesystem, place, address))
    if not places:
        raise TextError(f"There is no text at {address}: check the address.")
    is_file = places == [place]
    return [
        _fetch_one(filesystem, found, address if is_file else str(filesystem.unstrip_protocol(found)), cache)
        for found in places
    ]


def _scheme(address: str) -> str:
    match = _ADDRESS.match(address)
    return match[1].lower() if match else ""


def _open_filesystem(address: str) -> tuple[Any, str]:
    fsspec: Any = import_module("fsspec")  # it has no types and is slow to import
    scheme = _scheme(address)
    try:
        return cast("tuple[Any, str]", fsspec.url_to_fs(address))
    except ImportError as error:
        package = _PACKAGES.get(scheme)
        advice = f"pip install {package}" if package else str(error)
        raise MissingDependencyError(f"Reading {scheme}:// needs a package that is not installed: {advice}.") from error
    except ValueError as error:
        raise TextError(
            f"{address} cannot be read: {error}. Give an address like https://, s3://, gs:// or hf://, or a file."
        ) from error


def _places(filesystem: Any, place: str, address: str) -> list[str]:
    """Return the files that ``place`` stands for, in order, without hidden files and back-ups."""
    if _scheme(address) in _WEB:
        return [place]
    if "*" in place:
        places: list[str] = filesystem.glob(place)
    elif filesystem.isdir(place):
        places = filesystem.find(place)
    else:
        return [place]
    names = ((found, found.rstrip("/").rpartition("/")[2]) for found in places)
    return sorted(found for found, name in names if not name.startswith(".") and not why_left_out(name))


def _fetch_one(filesystem: Any, place: str, address: str, cache: Path) -> Fetched:
    facts = _tried(address, lambda: _facts(filesystem, place))
    name = re.sub(r"[^\w.-]", "_", place.partition("?")[0].rstrip("/").rpartition("/")[2])[-80:] or "text"
    if not any(_VERSIONS.search(fact.lower()) for fact in facts):
        return Fetched(address, _tried(address, lambda: _fetch_each_time(filesystem, place, name, cache)))
    identity = hashlib.sha256(repr((address, sorted(facts.items()))).encode()).hexdigest()[:16]
    path = cache / "texts" / f"{identity}-{name}"
    with locked(cache / "locks", identity):
        if not path.is_file():
            _tried(address, lambda: _fetch_to(filesystem, place, path))
            if _tried(address, lambda: _facts(filesystem, place)) != facts:
                path.unlink()
                raise TextError(f"{address} changed while it was fetched: try again once nothing writes to it.")
    return Fetched(address, path)


def _facts(filesystem: Any, place: str) -> dict[str, str]:
    """Return what the store says about a file, without what may change by itself."""
    filesystem.invalidate_cache()
    info: Mapping[str, object] = filesystem.info(place)
    if info.get("type") == "directory":
        raise FileNotFoundError(f"{place} is a folder")
    return {name: str(value) for name, value in info.items() if name not in _PASSING and value is not None}


def _fetch_to(filesystem: Any, place: str, path: Path) -> None:
    """Write the file to ``path``, beginning where an earlier try stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    with filesystem.open(place, "rb") as remote, unfinished.open("ab") as file:
        if file.tell():
            _continue(remote, file.tell(), file.truncate)
        for block in _blocks(remote):
            file.write(block)
    unfinished.replace(path)


def _continue(remote: Any, size: int, truncate: Callable[[int], object]) -> None:
    """Continue reading after ``size`` bytes, or, if the store cannot do that, begin again."""
    try:
        remote.seek(size)
    except (ValueError, OSError):
        truncate(0)


def _blocks(remote: Any) -> Iterator[bytes]:
    while block := remote.read(4 * BLOCK):
        yield block


def _fetch_each_time(filesystem: Any, place: str, name: str, cache: Path) -> Path:
    with filesystem.open(place, "rb") as remote:
        return keep_text(blocks_of(remote), cache, name)


def _tried(address: str, act: Callable[[], T]) -> T:
    """Return what ``act`` returns.

    Raises:
        TextError: it fails.
    """
    try:
        return act()
    except NextcharError:
        raise
    except Exception as error:  # each store has errors of its own
        cause = error.__cause__ or error  # to fsspec, a host that does not answer is a file that is not there
        if isinstance(cause, FileNotFoundError) or getattr(cause, "status", None) in {404, 410}:
            raise TextError(f"There is no text at {address}: check the address.") from error
        reason = " ".join(str(cause).split())[:300] or type(cause).__name__
        raise TextError(
            f"{address} cannot be fetched: {reason}. Check the address, the network and the rights to read it."
        ) from error
