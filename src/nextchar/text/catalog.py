"""Texts by the names that people give: files, folders, ``-`` for standard input, or texts of the catalogue.

A text of the catalogue is looked for in the folder that ``NEXTCHAR_CORPORA`` names, then in the cache, then
fetched from its address; wherever it comes from, its SHA-256 is checked.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
import os
import stat
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from nextchar.errors import TextError
from nextchar.settings import Errors
from nextchar.text.backup_files import why_left_out
from nextchar.text.files import open_text
from nextchar.text.known_texts import BUILT_IN, CATALOG, CatalogEntry
from nextchar.text.text_file import BLOCK, TextFile, is_code_page, words_beyond_ascii

__all__ = ["CATALOG", "CatalogEntry", "Downloader", "Resolved", "find", "listing", "resolve"]

Downloader = Callable[[str, str, object], object]
"""Writes what is at an address (first) to a file (second), like the downloaders of pooch (the third)."""

_MOST_NOTES = 5


@dataclass(frozen=True)
class Resolved:
    """What names stand for."""

    files: tuple[TextFile, ...]
    """The texts, in the order of the names; those of a folder in the order of their paths."""
    notes: tuple[str, ...]
    """What a reader should be told: encodings that were detected, bytes that were replaced, files that were skipped."""


@dataclass(frozen=True)
class _Request:
    """How texts are read, and where they are looked for."""

    encoding: str | None
    errors: Errors
    stdin: BinaryIO | None
    cache: Path
    corpora: Path | None
    downloader: Downloader | None


def resolve(
    names: Sequence[str],
    *,
    encoding: str | None = None,
    errors: Errors = "strict",
    stdin: BinaryIO | None = None,
    cache: Path,
    corpora: Path | None = None,
    downloader: Downloader | None = None,
) -> Resolved:
    """Return the texts that ``names`` stand for.

    Args:
        names: each a file or folder (which wins), ``-`` for standard input, or a name of the catalogue.
        encoding: of files and standard input; detected when not given.
        errors: what bytes in them are that do not decode; an error when not given.
        stdin: where ``-`` is read from.
        cache: folder where standard input and texts of the catalogue are kept.
        corpora: folder with texts of the catalogue; ``NEXTCHAR_CORPORA`` names it when not given.
        downloader: fetches texts of the catalogue; pooch over HTTP when not given.

    Raises:
        TextError: a name stands for nothing, or its text cannot be read; a folder has no text in it.
    """
    request = _Request(encoding, errors, stdin, cache, corpora or _corpora_folder(), downloader)
    files: list[TextFile] = []
    notes: list[str] = []
    known = _KnownFiles()
    for name in names:
        found, of_name = _resolve_one(name, request)
        found, again = known.without_known(found, in_folder=Path(name).is_dir())
        files += found
        notes += [*of_name, *_limited(again, name), *_notes_on(name, found)]
    return Resolved(tuple(files), tuple(notes))


def find(name: str, *, cache: Path, corpora: Path | None = None, downloader: Downloader | None = None) -> Path:
    """Return the file of the text that the catalogue knows as ``name``, fetched if it must be.

    Args:
        name: a key of `CATALOG`.
        cache: folder where it is kept once fetched.
        corpora: folder to look in first; ``NEXTCHAR_CORPORA`` names it when not given.
        downloader: fetches it; pooch over HTTP when not given.

    Raises:
        TextError: there is no such name, the file in ``corpora`` is not what the catalogue knows, or the text
            cannot be fetched.
    """
    entry = CATALOG.get(name)
    if entry is None:
        raise _no_such_text(name)
    if name == BUILT_IN:
        return _python_docs(cache)
    folder = corpora or _corpora_folder()
    if folder is not None and (folder / entry.file).is_file():
        _check_hash(folder / entry.file, entry)
        return folder / entry.file
    return _in_cache(entry, cache, downloader)


def listing(cache: Path, corpora: Path | None = None) -> list[dict[str, Any]]:
    """Return for each text of the catalogue what is known of it, and whether it is ``here`` already."""
    folders = [folder for folder in (corpora or _corpora_folder(), cache / "texts") if folder is not None]
    return [
        {
            **asdict(entry),
            "here": name == BUILT_IN or any((folder / entry.file).is_file() for folder in folders),
        }
        for name, entry in CATALOG.items()
    ]


def _corpora_folder() -> Path | None:
    folder = os.environ.get("NEXTCHAR_CORPORA")
    return Path(folder) if folder else None


@dataclass(frozen=True)
class _KnownFile:
    name: str
    in_folder: bool
    """Whether it was found in a folder, or else named by itself."""


class _KnownFiles:
    """Files that were found already: one found again in a folder, by whatever link, is read once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], _KnownFile] = {}

    def without_known(self, files: Sequence[TextFile], *, in_folder: bool) -> tuple[list[TextFile], list[str]]:
        """Return those of ``files`` that are new, and notes on the others. Who names one file twice gets it twice."""
        new: list[TextFile] = []
        notes: list[str] = []
        for file in files:
            status = file.path.stat()
            place = status.st_dev, status.st_ino
            if place in self._seen and (in_folder or self._seen[place].in_folder):
                first = self._seen[place].name
                same = "is" if first == file.name else f"is the same file as {first}, which is"
                notes.append(f"skipped: {file.name} {same} read already")
            else:
                self._seen[place] = _KnownFile(file.name, in_folder)
                new.append(file)
        return new, notes


def _resolve_one(name: str, request: _Request) -> tuple[list[TextFile], list[str]]:
    if name == "-":
        return [_standard_input(request)], []
    path = Path(name)
    kind = _kind(path)
    if kind == stat.S_IFDIR:
        return _folder(path, request)
    if kind == stat.S_IFIFO:
        with path.open("rb") as pipe:
            kept = _keep(_blocks(pipe), request.cache, "pipe")
        return [open_text(kept, request.encoding, name, request.errors)], []
    if kind is not None:
        also = [f"{name}: the file here was read, not the text that the catalogue knows by this name"]
        return [open_text(path, request.encoding, errors=request.errors)], also if name in CATALOG else []
    if name not in CATALOG:
        raise _no_such_text(name)
    found = find(name, cache=request.cache, corpora=request.corpora, downloader=request.downloader)
    return [open_text(found, name=name)], []


def _kind(path: Path) -> int | None:
    """Return what is at ``path`` as a file type of `stat`; None if nothing is."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except PermissionError:
        return stat.S_IFREG  # something may be: opening it will say why it cannot be read
    except (OSError, ValueError):
        return None  # not there, or no possible path at all


def _standard_input(request: _Request) -> TextFile:
    if request.stdin is None:
        raise TextError("There is no standard input to read here: give the path of a file instead of -.")
    try:
        kept = _keep(_blocks(request.stdin), request.cache, "standard-input")
    except ValueError as error:
        raise TextError(f"Standard input cannot be read ({error}): give the path of a file.") from error
    return open_text(kept, request.encoding, "standard input", request.errors)


def _folder(path: Path, request: _Request) -> tuple[list[TextFile], list[str]]:
    """Return the texts in ``path`` and all folders below it, and why other files were skipped."""
    files: list[TextFile] = []
    skipped: list[str] = []
    for file in _visible_files(path, skipped):
        try:
            files.append(open_text(file, request.encoding, errors=request.errors))
        except TextError as error:
            skipped.append(f"skipped: {error}")
    notes = _limited(skipped, str(path))
    if not files:
        reasons = f" ({'; '.join(notes)})" if notes else ""
        raise TextError(f"The folder {path} has no text in it{reasons}: give a folder with text files.")
    return files, notes


def _limited(notes: list[str], name: str) -> list[str]:
    more = len(notes) - _MOST_NOTES
    return notes[:_MOST_NOTES] + ([f"skipped: {more:,} more files in {name}"] if more > 0 else [])


def _visible_files(folder: Path, skipped: list[str]) -> list[Path]:
    """Return the files in and below ``folder`` in the order of their paths, without hidden ones and back-ups."""

    def skip(error: OSError) -> None:
        skipped.append(f"skipped: {error.filename} cannot be read: {error.strerror}")

    files: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=skip):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            why = why_left_out(name)
            if why is not None:
                skipped.append(f"skipped: {Path(place, name)} is {why}")
            elif not name.startswith("."):
                files.append(Path(place, name))
    return sorted(files, key=lambda file: file.parts)


def _notes_on(name: str, files: Sequence[TextFile]) -> list[str]:
    """Say what was not plain UTF-8 in ``files``: encodings, bytes that do not decode, and zeros."""
    notes = _encoding_notes(name, files)
    for file in files:
        if file.replaced:
            as_what = "U+FFFD" if file.errors == "replace" else "characters of cp1252"
            notes.append(f"{file.name}: bytes that do not decode are read as {as_what} ({file.replaced:,})")
        if file.padding:
            notes.append(f"{file.name}: zero bytes at its end are left out ({file.padding:,})")
        if file.zeros:
            notes.append(f"{file.name}: zero characters inside it are read like any others ({file.zeros:,})")
    return notes


def _encoding_notes(name: str, files: Iterable[TextFile]) -> list[str]:
    """Say which encodings were not plain UTF-8: of a single file by its name, of many by their number."""
    groups: dict[tuple[str, str], list[TextFile]] = defaultdict(list)
    for file in files:
        if file.determined in {"detected", "byte order mark"} and file.encoding != "utf-8":
            groups[file.encoding, file.determined].append(file)
    return [
        f"{group[0].name if len(group) == 1 else f'{len(group):,} files in {name}'}: read as {encoding} ({determined})"
        + _words(group[0])
        for (encoding, determined), group in groups.items()
    ]


def _words(file: TextFile) -> str:
    """Return words that show at once whether a code page of single bytes was detected right."""
    words = words_beyond_ascii(file) if file.determined == "detected" and is_code_page(file.encoding) else []
    return f", with {', '.join(words)}" if words else ""


def _no_such_text(name: str) -> TextError:
    folder = Path(name).parent
    beside = [str(folder / file) for file in os.listdir(folder)] if folder.is_dir() else []  # noqa: PTH208
    near = difflib.get_close_matches(name, [*CATALOG, *beside], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    shown = name if len(name) <= 100 else f"{name[:100]}…"
    return TextError(
        f"There is no file, folder or known text {shown!r}.{hint} `nextchar corpora` lists the texts known by name."
    )


def _in_cache(entry: CatalogEntry, cache: Path, downloader: Downloader | None) -> Path:
    path = cache / "texts" / entry.file
    if path.is_file() and _sha256(path) == entry.sha256:
        return path
    if entry.url is None:
        raise TextError(
            f"The text {entry.name} is not here and nobody serves it: put {entry.file} ({entry.title}) "
            "into the folder that NEXTCHAR_CORPORA names."
        )
    return _fetch(entry, entry.url, path, downloader)


def _fetch(entry: CatalogEntry, url: str, path: Path, downloader: Downloader | None) -> Path:
    pooch: Any = import_module("pooch")  # it has no types, and is slow to import
    pooch.get_logger().setLevel(logging.WARNING)  # it would tell of the download on standard error
    try:
        pooch.retrieve(url, entry.sha256, path.name, path.parent, downloader=downloader)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong hash is a ValueError
        reason = " ".join(str(error).split())[:300]
        raise TextError(
            f"The text {entry.name} could not be fetched from {url}: {reason}. Check the network and the "
            f"disk, or put {entry.file} into the folder that NEXTCHAR_CORPORA names."
        ) from error
    return path


def _check_hash(path: Path, entry: CatalogEntry) -> None:
    found = _sha256(path)
    if found != entry.sha256:
        raise TextError(
            f"{path} is not the text that the catalogue knows as {entry.name}: its SHA-256 begins "
            f"{found[:12]}, not {str(entry.sha256)[:12]}. Give its path to use it as it is, or remove it."
        )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TextError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error


def _python_docs(cache: Path) -> Path:
    """Return a file with the reference topics that ship with Python, in the order of their names."""
    from pydoc_data.topics import topics

    content = "\n\n".join(topics[name].strip("\n") for name in sorted(topics)).encode() + b"\n"
    kept = _place(cache, BUILT_IN, hashlib.sha256(content).hexdigest())
    if kept.is_file() and kept.read_bytes() == content:
        return kept
    return _keep([content], cache, BUILT_IN)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _place(cache: Path, what: str, digest: str) -> Path:
    return cache / "texts" / f"{what}-{digest[:16]}.txt"


def _keep(blocks: Iterable[bytes], cache: Path, what: str) -> Path:
    """Write ``blocks`` to a file in the cache named by its content, so that a resumed run finds it again."""
    folder = cache / "texts"
    digest = hashlib.sha256()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{what}-", dir=folder) as temporary:
            with Path(temporary, what).open("wb") as file:
                for block in blocks:
                    digest.update(block)
                    file.write(block)
            return Path(temporary, what).replace(_place(cache, what, digest.hexdigest()))
    except OSError as error:
        raise TextError(
            f"The text cannot be kept in {folder}: {error.strerror or error}. Free the disk, or name another "
            "folder in NEXTCHAR_CACHE."
        ) from error
