"""An encoded text while it is made: a folder that a killed process leaves behind and the next one continues.

The folder is named after the content of the texts and every option, so that only the same work goes on in it. It holds
the counts as soon as they are made, and the ids written so far, with a note every `INTERVAL` characters of how far they
go. To continue, what is behind the last note is cut off, and the texts are read again from the section (of a file of
records) or the text that the note names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from nextchar.files.atomic_file import replacing, write_atomically
from nextchar.files.cache_entry import make_folder
from nextchar.text.held_out import Piece
from nextchar.text.survey import Tally
from nextchar.text.text_file import BLOCK
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import CODE_POINTS

INTERVAL = 1 << 26
"""Characters between two notes of how far the ids go; shorter texts are not worth one."""
_LISTS = ("sections", "lengths", "sizes", "held_out", "training")
_COUNTS, _HELD_OUT, _POSITION = "counts.npz", "held_out.bin", "position.json"


class Position(BaseModel):
    """How far texts are encoded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: NonNegativeInt = 0
    """Number of the section that is being encoded, over all texts."""
    endings: tuple[str, str] = ("", "")
    """Last two characters of the training part and of the held-out part before it."""
    characters: NonNegativeInt = 0
    """Characters of the section that are encoded, with added line ends."""
    sizes: tuple[NonNegativeInt, NonNegativeInt] = (0, 0)
    """Bytes of the ids of both parts."""
    ids: tuple[tuple[NonNegativeInt, NonNegativeInt], ...] = ()
    """Number of ids of the training part and of the held-out part of each section so far."""


class Unfinished:
    """The folder of an encoding that is under way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.entry = folder / "entry"
        """Folder that is to become the entry of the cache."""

    def begin(self) -> None:
        """Create the folder unless it is there.

        Raises:
            OSError: it cannot be created.
        """
        make_folder(self.entry)

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def tally(self) -> Tally | None:
        """Return the counts that an earlier process kept; None if there are none."""
        try:
            with (self._folder / _COUNTS).open("rb") as file, np.load(file) as arrays:
                points = arrays["points"]
                both = np.zeros((2, CODE_POINTS), np.int64)
                both[:, points] = arrays["counts"]
                lists = {name: tuple(arrays[name].tolist()) for name in _LISTS}
                return Tally(**lists, training_counts=both[0], counts=both[1], sha256=str(arrays["sha256"]))
        except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile):
            return None

    def keep_tally(self, tally: Tally) -> None:
        """Keep the counts, if they took long to make.

        Raises:
            OSError: they cannot be written.
        """
        if sum(tally.lengths) >= INTERVAL:
            points = np.flatnonzero(tally.counts)
            arrays: dict[str, Any] = {name: np.array(getattr(tally, name), np.int64) for name in _LISTS}
            arrays["points"] = points
            arrays["counts"] = np.stack([tally.training_counts[points], tally.counts[points]])
            arrays["sha256"] = np.array(tally.sha256)
            with replacing(self._folder / _COUNTS) as file:
                np.savez(file, **arrays)

    def write_ids(
        self, path: Path, pieces: Callable[[Position], Iterator[Piece]], vocabulary: Tokenizer, sections: int
    ) -> tuple[tuple[int, int], ...]:
        """Write the ids of the training part to ``path``, then those of the held-out part, or the rest of them.

        Args:
            path: the file of the ids.
            pieces: gives the pieces of the texts from the section of a position on.
            vocabulary: gives the ids.
            sections: number of the sections of all texts.

        Returns:
            The number of ids in the training part and in the held-out part of each section.

        Raises:
            OSError: they cannot be written.
            TextError: a text cannot be read.
        """
        position = self._position(path)
        with path.open("ab") as training, (self._folder / _HELD_OUT).open("a+b") as held_out:
            writer = _Writer((training, held_out), position, vocabulary, sections)
            noted = 0
            for piece in pieces(position):
                writer.write(piece)
                if writer.written - noted >= INTERVAL:
                    noted = writer.written
                    write_atomically(self._folder / _POSITION, writer.synced().model_dump_json().encode())
            held_out.seek(0)
            shutil.copyfileobj(held_out, training, BLOCK)
        return writer.ids

    def _position(self, path: Path) -> Position:
        """Return how far the ids go, as far as they are all there."""
        try:
            position = Position.model_validate_json((self._folder / _POSITION).read_bytes())
            files = zip((path, self._folder / _HELD_OUT), position.sizes, strict=True)
            return position if all(file.stat().st_size >= size for file, size in files) else Position()
        except (OSError, ValidationError):
            return Position()


class _Writer:
    """Writes the ids of pieces to two files, and knows the position."""

    def __init__(
        self, files: tuple[IO[bytes], IO[bytes]], position: Position, vocabulary: Tokenizer, sections: int
    ) -> None:
        """Cut the ``files`` off at ``position``; what comes first is then known and not written again."""
        for file, size in zip(files, position.sizes, strict=True):
            file.truncate(size)
        self._files = files
        self._known = position.characters
        self._start = position
        """The position at the start of the section."""
        self._endings = [*position.endings]
        self._characters = 0
        self._vocabulary = vocabulary
        self._ids = np.zeros((sections, 2), np.int64)
        self._ids[: len(position.ids)] = np.reshape(position.ids, (-1, 2))
        self.written = 0
        """Number of characters written."""

    def write(self, piece: Piece) -> None:
        """Write the next piece."""
        if piece.text > self._start.section:
            first, second = self._endings
            self._start = Position(section=piece.text, endings=(first, second))
            self._characters = self._known = 0
        new = max(0, min(len(piece.content), self._characters + len(piece.content) - self._known))
        self._characters += len(piece.content)
        self._endings[piece.held_out] = (self._endings[piece.held_out] + piece.content)[-2:]
        if new:
            ids = self._vocabulary.encode(piece.content[-new:])
            self._files[piece.held_out].write(ids.data)
            self._ids[piece.text, int(piece.held_out)] += len(ids)
            self.written += new

    @property
    def ids(self) -> tuple[tuple[int, int], ...]:
        """The number of ids of both parts of each section."""
        return tuple((training, held_out) for training, held_out in self._ids.tolist())

    def synced(self) -> Position:
        """Return the position once everything before it is on the disk."""
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
        first, second = (os.fstat(file.fileno()).st_size for file in self._files)
        ids = self.ids[: self._start.section + 1]
        return self._start.model_copy(update={"characters": self._characters, "sizes": (first, second), "ids": ids})
