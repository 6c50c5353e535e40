"""Texts by the names that people give: files, folders, ``-`` for standard input, or texts of the catalogue."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from nextchar.errors import TextError
from nextchar.settings import Errors
from nextchar.text.backup_files import why_left_out
from nextchar.text.files import open_text
from nextchar.text.kept_texts import Downloader, blocks_of, corpora_folder, find, keep_text, no_such_text
from nextchar.text.known_texts import BUILT_IN, CATALOG, CatalogEntry
from nextchar.text.text_file import TextFile, is_code_page, words_beyond_ascii

__all__ = ["CATALOG", "CatalogEntry", "Downloader", "Resolved", "find", "listing", "resolve"]

_MAX_NOTES = 5


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
    request = _Request(encoding, errors, stdin, cache, corpora or corpora_folder(), downloader)
    files: list[TextFile] = []
    notes: list[str] = []
    known = _KnownFiles()
    for name in names:
        found, of_name = _resolve_one(name, request)
        found, again = known.without_known(found, in_folder=Path(name).is_dir())
        files += found
        notes += [*of_name, *_limited(again, name), *_notes_on(name, found)]
    return Resolved(tuple(files), tuple(notes))


def listing(cache: Path, corpora: Path | None = None) -> list[dict[str, Any]]:
    """Return for each text of the catalogue what is known of it, and whether it is ``here`` already."""
    folders = [folder for folder in (corpora or corpora_folder(), cache / "texts") if folder is not None]
    return [
        {
            **asdict(entry),
            "here": name == BUILT_IN or any((folder / entry.file).is_file() for folder in folders),
        }
        for name, entry in CATALOG.items()
    ]


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
            kept = keep_text(blocks_of(pipe), request.cache, "pipe")
        return [open_text(kept, request.encoding, name, request.errors)], []
    if kind is not None:
        also = [f"{name}: the file here was read, not the text that the catalogue knows by this name"]
        return [open_text(path, request.encoding, errors=request.errors)], also if name in CATALOG else []
    if name not in CATALOG:
        raise no_such_text(name)
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
        kept = keep_text(blocks_of(request.stdin), request.cache, "standard-input")
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
    more = len(notes) - _MAX_NOTES
    return notes[:_MAX_NOTES] + ([f"skipped: {more:,} more files in {name}"] if more > 0 else [])


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
