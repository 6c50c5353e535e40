"""The models that are served, each loaded once and, where its file changes, again."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from nextchar.errors import ModelFileError
from nextchar.files.regular_file import open_regular
from nextchar.model.description import describe
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import MAX_FILE_BYTES, ModelFile
from nextchar.model.model_path import MODEL, find_model
from nextchar.networks.architecture import Network
from nextchar.runs.folder import EVENTS, RunFolder
from nextchar.runs.history import growth_of
from nextchar.web.answers import json_bytes
from nextchar.web.refusals import BROKEN, RefusedError, busy

LOOK_EVERY = 1.0
"""Seconds at least between two looks whether a file has changed."""
MOST_SAMPLES = 200
"""Evaluations whose samples are told at most."""

TOLD = ("vocabulary_size", "hidden", "embedding", "context_length", "parameters", "lowercase", "corpus")
"""Facts of a model that clients are told under the names that `describe` gives them."""

Stamp = tuple[int, int, int]
"""What changes when a file does."""

logger = logging.getLogger("nextchar.web")


class ReadyModel(LanguageModel):
    """A model that always computes with compiled loops, loaded beforehand: no request waits for them, and other threads
    go on while they run."""

    def network_for(self, characters: int) -> Network[Any]:  # noqa: ARG002 (however few they are)
        """Return the compiled network."""
        return self.compiled_network


@dataclass(frozen=True)
class Edition:
    """A model as its file was at some time."""

    model: ReadyModel
    fingerprint: str
    """Tells this file from others."""
    created: int
    """When the file was written, in seconds since 1970."""


class ServedModel:
    """A model with its name, read from a file that may change. Safe under threads."""

    def __init__(self, name: str, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Name a model; nothing is read yet.

        Args:
            name: what requests call it.
            path: a run folder, which need not have a model yet, or a model file.
            clock: seconds, for the time between two looks at the file.
        """
        self.name, self.path = name, path
        folder = RunFolder(path.parent if path.name == MODEL else path)
        self.run = folder if folder.exists or not path.is_file() else None
        self._clock, self._lock = clock, Lock()
        self._edition: Edition | None = None
        self._stamp: Stamp | None = None
        self._looked_at = float("-inf")
        self._growth: tuple[Stamp, dict[str, Any], bytes] | None = None

    def edition(self) -> Edition:
        """Return the model as its file is, or was less than a second ago.

        Raises:
            ModelFileError: there is none, or it is damaged, and there was none before.
        """
        with self._lock:
            now = self._clock()
            if self._edition is None or now - self._looked_at >= LOOK_EVERY:
                self._looked_at = now
                self._edition = self._look(self._edition)
            return self._edition

    def is_there(self) -> bool:
        """Return whether there is a model, now or before."""
        return self._edition is not None or self.run is None or self.run.model_path.exists()

    def ready(self) -> Edition:
        """Return the same, for a request.

        Raises:
            RefusedError: there is no model yet.
        """
        try:
            return self.edition()
        except ModelFileError as error:
            if not self.is_there():
                raise busy(f"The run {self.name} has no model yet: its training has just begun. Try again.") from None
            raise RefusedError(503, str(error), kind=BROKEN) from None

    def info(self) -> dict[str, Any]:
        """Return what there is to know of the model.

        Raises:
            RefusedError: there is none yet.
        """
        facts = describe(self.ready().model.file)
        growth = self.growth()
        return {
            "id": self.name,
            "name": self.name,
            "characters": list(facts["characters_known"]),
            **{name: facts.get(name) for name in TOLD},
            "bits_per_character": facts["validation_bits_per_character"],
            "seconds": facts["training_seconds"],
            "has_growth": growth is not None,
            "finished": growth is None or growth[0]["finished"],
            **_told_path(self.path),
        }

    def growth(self) -> tuple[dict[str, Any], bytes] | None:
        """Return how the run has grown so far, and the same in JSON; None where there is no run.

        Raises:
            RunFolderError: its folder cannot be read.
        """
        stamp = None if self.run is None else _stamp(self.run.path / EVENTS)
        if self.run is None or stamp is None:
            return None
        known = self._growth
        if known is None or known[0] != stamp:
            growth = growth_of(self.run, MOST_SAMPLES)
            known = self._growth = stamp, growth, json_bytes(growth)
        return known[1:]

    def _look(self, before: Edition | None) -> Edition:
        try:
            path = find_model(self.path)
            stamp = _stamp(path)
            if before is not None and stamp == self._stamp:
                return before
            model = ReadyModel(ModelFile.load(path))
            edition = Edition(model, _fingerprint(path), int(path.stat().st_mtime))
        except (ModelFileError, OSError) as error:
            if before is None:
                raise
            logger.warning("%s: %s The model as it was is served on.", self.name, error)
            return before
        self._stamp = stamp
        _ = model.compiled_network  # loaded now, for all requests to come
        return edition


class Shelf:
    """The models that are served, by name."""

    def __init__(self, models: Iterable[ServedModel]) -> None:
        self._models = {model.name: model for model in models}

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Shelf:
        """Return the shelf of the models at ``paths``, named after their files or runs: book, book-2, ..."""
        names: set[str] = set()
        models: list[ServedModel] = []
        for path in paths:
            name = _name(path)
            while name in names:
                stem, _, number = name.rpartition("-")
                name = f"{stem}-{int(number) + 1}" if stem and number.isdecimal() else f"{name}-2"
            names.add(name)
            models.append(ServedModel(name, path))
        return cls(models)

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def find(self, name: str | None) -> ServedModel:
        """Return the model called ``name``, the first one where none is named.

        Raises:
            RefusedError: there is none of that name.
        """
        if name is None:
            return next(iter(self._models.values()))
        if name not in self._models:
            known = ", ".join(map(repr, self._models))
            raise RefusedError(
                404, f"There is no model {name[:100]!r} here, but {known}.", param="model", code="model_not_found"
            )
        return self._models[name]


def _name(path: Path) -> str:
    """Return what a run folder or model file is called, in characters that every encoding of JSON has."""
    folder = path.parent if path.name == MODEL else path
    resolved = folder.resolve()
    name = resolved.name if resolved.is_dir() or not path.is_file() else path.stem
    return (name or "model").encode("utf-8", "replace").decode()


def _told_path(path: Path) -> dict[str, str]:
    """Return ``path`` as it was given, for commands that work where the server was started.

    An absolute one is left out: it would tell of this machine's folders.
    """
    return {} if path.is_absolute() else {"path": path.as_posix().encode("utf-8", "replace").decode()}


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _fingerprint(path: Path) -> str:
    with open_regular(path, MAX_FILE_BYTES) as file:
        return "nextchar-" + hashlib.file_digest(file, "sha256").hexdigest()[:12]
