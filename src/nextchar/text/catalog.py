"""Turn names into texts: files, folders, addresses, ``-`` for standard input, or texts of the catalogue."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from nextchar.errors import TextError
from nextchar.text.addresses import fetch, is_address
from nextchar.text.backup_files import why_left_out
from nextchar.text.decoding import BYTES
from nextchar.text.files import open_text
from nextchar.text.kept_texts import Downloader, blocks_of, corpora_folder, find, keep_text, no_such_text
from nextchar.text.known_texts import BUILT_IN, CATALOG, CatalogEntry
from nextchar.text.reading_options import ReadingOptions
from nextchar.text.record_file import RecordFile, open_records
from nextchar.text.records import format_of
from nextchar.text.text_file import TextFile, is_code_page, readable, words_beyond_ascii

__all__ = ["CATALOG", "CatalogEntry", "Downloader", "Resolved", "find", "listing", "resolve"]

_MAX_NOTES = 5


@dataclass(frozen=True)
class Resolved:
    """The texts that names stand for."""

    files: tuple[TextFile, ...]
    """In the order of the names; the files of a folder in the order of their paths."""
    notes: tuple[str, ...]
    """What the user should know: detected encodings, replaced bytes, skipped files."""


@dataclass(frozen=True)
class _Request:
    """How to read texts, and where to look for them."""

    options: ReadingOptions
    stdin: BinaryIO | None
    cache: Path
    corpora: Path | None
    downloader: Downloader | None
    offline: bool

    def open(self, path: Path, name: str | None = None) -> TextFile:
        """Open the file at ``path``, called ``name`` in messages, or the column asked for in it."""
        name, options = name or readable(path), self.options
        if options.column is not None:
            return open_records(path, options, name)
        if format_of(name) == "parquet":
            raise TextError(f"{name} is a Parquet file: name the column with the text in --column.")
        return open_text(path, options.encoding, name, options.errors, options.normalize)


def resolve(
    names: Sequence[str],
    options: ReadingOptions = ReadingOptions(),  # noqa: B008 (immutable)
    *,
    stdin: BinaryIO | None = None,
    cache: Path,
    corpora: Path | None = None,
    downloader: Downloader | None = None,
    offline: bool = False,
) -> Resolved:
    """Return the texts that ``names`` stand for.

    Args:
        names: each a file or folder (tried first), an address, ``-`` for standard input, or a name of the catalogue.
        options: how files and standard input are read; of a text of the catalogue, only whether as bytes, and the
            normalization form.
        stdin: stream to read for ``-``.
        cache: folder that keeps standard input and downloaded texts.
        corpora: folder with texts of the catalogue; the one that ``NEXTCHAR_CORPORA`` names if None.
        downloader: downloads texts of the catalogue; pooch over HTTP if None.
        offline: whether to refuse what would have to be fetched.

    Raises:
        TextError: a name is unknown, a text cannot be read or fetched, or a folder has no text in it.
        MissingDependencyError: a package that reads a text is not installed.
    """
    request = _Request(options, stdin, cache, corpora or corpora_folder(), downloader, offline)
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
    """Return the facts of each text of the catalogue, and whether it is already ``here``."""
    folders = [folder for folder in (corpora or corpora_folder(), cache / "texts") if folder is not None]
    return [
        {
            **asdict(entry),
            "here": name == BUILT_IN or entry.shipped or any((folder / entry.file).is_file() for folder in folders),
        }
        for name, entry in CATALOG.items()
    ]


@dataclass(frozen=True)
class _KnownFile:
    name: str
    in_folder: bool
    """Whether it was found in a folder and not named itself."""


class _KnownFiles:
    """The files found so far: a file that a folder holds again, under any name or link, is read once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], _KnownFile] = {}

    def without_known(self, files: Sequence[TextFile], *, in_folder: bool) -> tuple[list[TextFile], list[str]]:
        """Return the new ones of ``files``, and notes on the others. A file that the user names twice is read twice."""
        new: list[TextFile] = []
        notes: list[str] = []
        for file in files:
            status = file.path.stat()
            place = status.st_dev, status.st_ino
            if place in self._seen and (in_folder or self._seen[place].in_folder):
                first = self._seen[place].name
                same = "has" if first == file.name else f"is the same file as {first}, which has"
                notes.append(f"skipped: {file.name} {same} already been read")
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
        return [request.open(kept, name)], []
    if kind is None and is_address(name):
        return _at_address(name, request), []
    if kind is not None:
        note = f"{name}: read from the file here, not the text of this name in the catalogue"
        return [request.open(path)], [note] if name in CATALOG else []
    if name not in CATALOG:
        raise no_such_text(name)
    downloader = _refuse if request.offline else request.downloader
    found = find(name, cache=request.cache, corpora=request.corpora, downloader=downloader)
    options = request.options
    if options.column is not None:
        return [request.open(found, name)], []
    return [open_text(found, BYTES if options.encoding == BYTES else None, name, normalize=options.normalize)], []


def _refuse(*_: object) -> None:
    raise OSError("nothing is fetched here")


def _at_address(name: str, request: _Request) -> list[TextFile]:
    if request.offline:
        raise TextError(f"{name} is not on this computer, and nothing is fetched here.")
    return [
        replace(request.open(fetched.path, fetched.address), address=fetched.address)
        for fetched in fetch(name, request.cache)
    ]


def _kind(path: Path) -> int | None:
    """Return the file type of ``path`` as in `stat`, or None if there is nothing."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except PermissionError:
        return stat.S_IFREG  # it may exist: opening it gives the right error
    except (OSError, ValueError):
        return None  # it does not exist, or is not a valid path


def _standard_input(request: _Request) -> TextFile:
    if request.stdin is None:
        raise TextError("There is no standard input to read: give the path of a file instead of -.")
    try:
        kept = keep_text(blocks_of(request.stdin), request.cache, "standard-input")
    except ValueError as error:
        raise TextError(f"Standard input cannot be read ({error}): give the path of a file.") from error
    return request.open(kept, "standard input")


def _folder(path: Path, request: _Request) -> tuple[list[TextFile], list[str]]:
    """Return the texts in ``path`` and all folders below it, and notes on the files that were skipped."""
    files: list[TextFile] = []
    skipped: list[str] = []
    for file in _visible_files(path, skipped):
        try:
            files.append(request.open(file))
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
    """Return the files in and below ``folder`` in the order of their paths, without hidden files and back-ups."""

    def skip(error: OSError) -> None:
        skipped.append(f"skipped: {error.filename} cannot be read: {error.strerror}")

    files: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=skip):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            reason = why_left_out(name)
            if reason is not None:
                skipped.append(f"skipped: {Path(place, name)} is {reason}")
            elif not name.startswith("."):
                files.append(Path(place, name))
    return sorted(files, key=lambda file: file.parts)


def _notes_on(name: str, files: Sequence[TextFile]) -> list[str]:
    """Return notes on what is not plain UTF-8 in ``files``: encodings, bytes that do not decode, and zeros."""
    notes = _record_notes(name, files)
    files = [(file.source or file) if isinstance(file, RecordFile) else file for file in files]
    notes += _encoding_notes(name, files)
    for file in files:
        if file.replaced:
            replacement = "U+FFFD" if file.errors == "replace" else "characters of cp1252"
            notes.append(f"{file.name}: bytes that do not decode are read as {replacement} ({file.replaced:,})")
        if file.padding:
            notes.append(f"{file.name}: zero bytes at its end are left out ({file.padding:,})")
        if file.zeros:
            notes.append(f"{file.name}: zero characters in it are read like any others ({file.zeros:,})")
    return notes


def _record_notes(name: str, files: Sequence[TextFile]) -> list[str]:
    """Return notes on files of records: which text is read, and how many records are left out."""
    of_records = [file for file in files if isinstance(file, RecordFile)]
    plain = [file for file in files if format_of(file.name) and not isinstance(file, RecordFile)]
    notes: list[str] = []
    if of_records:
        documents = sum(file.documents for file in of_records)
        shown = f"{documents:,} document{'s' if documents > 1 else ''}"
        notes.append(f"{_named(name, of_records)}: {shown} in the column {of_records[0].column!r}")
        left_out = sum(file.left_out for file in of_records)
        if left_out:
            without = "text in that column" if of_records[0].label_column is None else "a text and a label"
            notes.append(f"{_named(name, of_records)}: records without {without} are left out ({left_out:,})")
    if plain:
        notes.append(f"{_named(name, plain)}: read as plain text; --column NAME reads one column of the records")
    return notes


def _named(name: str, files: Sequence[TextFile]) -> str:
    """Return what to call ``files``, found under ``name``, in a note."""
    return files[0].name if len(files) == 1 else f"{len(files):,} files in {name}"


def _encoding_notes(name: str, files: Iterable[TextFile]) -> list[str]:
    """Return notes on encodings other than plain UTF-8: one file is named, several are counted."""
    groups: dict[tuple[str, str], list[TextFile]] = defaultdict(list)
    for file in files:
        if file.determined in {"detected", "byte order mark"} and file.encoding != "utf-8":
            groups[file.encoding, file.determined].append(file)
    return [
        f"{_named(name, group)}: read as {encoding} ({determined})" + _words(group[0])
        for (encoding, determined), group in groups.items()
    ]


def _words(file: TextFile) -> str:
    """Return words by which the user sees at once whether a single-byte code page was detected correctly."""
    words = words_beyond_ascii(file) if file.determined == "detected" and is_code_page(file.encoding) else []
    return f", with {', '.join(words)}" if words else ""
