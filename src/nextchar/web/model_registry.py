"""The models that are served: each is loaded once, and again when its file changes."""

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
from nextchar.model.model_path import MODEL, find_model, named_models
from nextchar.networks.architecture import Network
from nextchar.runs.folder import EVENTS, RunFolder
from nextchar.runs.record import RunRecord
from nextchar.web.errors import BROKEN, RefusedError, busy
from nextchar.web.responses import json_bytes

CHECK_INTERVAL = 1.0
"""Minimum seconds between two checks whether a file has changed."""
MAX_SAMPLES = 200
"""Maximum number of evaluations whose samples are sent."""

SENT_FACTS = ("vocabulary_size", "hidden", "embedding", "context_length", "parameters", "lowercase", "corpus")
"""Facts of a model that clients get, under the names that `describe` gives them."""

Stamp = tuple[int, int, int]
"""Modification time, size and inode: they change when a file does."""

logger = logging.getLogger("nextchar.web")


class ReadyModel(LanguageModel):
    """A model that always computes with the compiled network, loaded in advance: no request waits for it to load, and
    other threads run while it computes."""

    def network_for(self, characters: int) -> Network[Any]:  # noqa: ARG002 (even for a few)
        """Return the compiled network."""
        return self.compiled_network


@dataclass(frozen=True)
class LoadedModel:
    """A model, and the version of its file."""

    model: ReadyModel
    fingerprint: str
    """Identifies the content of the file."""
    created: int
    """When the file was written, in seconds since 1970."""


class ModelHandle:
    """A model with its name, read from a file that may change. Safe under threads."""

    def __init__(self, name: str, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Name a model; nothing is read yet.

        Args:
            name: its name in requests.
            path: a run folder, which may not have a model yet, or a model file.
            clock: returns the time in seconds, for the interval between two checks of the file.
        """
        self.name, self.path = name, path
        folder = RunFolder(path.parent if path.name == MODEL else path)
        self.run = folder if folder.exists or not path.is_file() else None
        self._clock, self._lock = clock, Lock()
        self._loaded: LoadedModel | None = None
        self._stamp: Stamp | None = None
        self._looked_at = float("-inf")
        self._history: tuple[Stamp, dict[str, Any], bytes] | None = None

    def current(self) -> LoadedModel:
        """Return the model of the current file, checked less than a second ago.

        Raises:
            ModelFileError: the file is missing or damaged, and no model was loaded before.
        """
        with self._lock:
            now = self._clock()
            if self._loaded is None or now - self._looked_at >= CHECK_INTERVAL:
                self._looked_at = now
                self._loaded = self._look(self._loaded)
            return self._loaded

    def is_there(self) -> bool:
        """Return whether there is a model, or was one before."""
        return self._loaded is not None or self.run is None or self.run.model_path.exists()

    def ready(self) -> LoadedModel:
        """Return the current model, for a request.

        Raises:
            RefusedError: there is no model yet, or it cannot be read.
        """
        try:
            return self.current()
        except ModelFileError as error:
            if not self.is_there():
                raise busy(f"The run {self.name} has no model yet: its training has just begun. Try again.") from None
            raise RefusedError(503, str(error), kind=BROKEN) from None

    def info(self) -> dict[str, Any]:
        """Return the facts about the model.

        Raises:
            RefusedError: there is no model yet, or it cannot be read.
        """
        file = self.ready().model.file
        facts = describe(file)
        history = self.history()
        return {
            "id": self.name,
            "name": self.name,
            "tokens": file.vocabulary.kind,
            "characters": list(facts["characters_known"]),
            "hidden": [],
            **{name: facts[name] for name in SENT_FACTS if name in facts},
            "bits_per_character": facts["validation_bits_per_character"],
            "seconds": facts["training_seconds"],
            "has_history": history is not None,
            "finished": history is None or history[0]["finished"],
            **({"has_text": True} if facts["text_characters"] else {}),
            **({"labels": facts["labels"]} if facts["labels"] else {}),
            **({"started_from": started} if (started := file.provenance.started_from) else {}),
            **_relative_path(self.path),
        }

    def history(self) -> tuple[dict[str, Any], bytes] | None:
        """Return the history of the run so far, and the same as JSON; None if there is no run.

        Raises:
            RunFolderError: its folder cannot be read.
        """
        stamp = None if self.run is None else _stamp(self.run.path / EVENTS)
        if self.run is None or stamp is None:
            return None
        known = self._history
        if known is None or known[0] != stamp:
            history = RunRecord.read(self.run).history(MAX_SAMPLES)
            known = self._history = stamp, history, json_bytes(history)
        return known[1:]

    def _look(self, before: LoadedModel | None) -> LoadedModel:
        try:
            path = find_model(self.path)
            stamp = _stamp(path)
            if before is not None and stamp == self._stamp:
                return before
            model = ReadyModel(ModelFile.load(path))
            loaded = LoadedModel(model, _fingerprint(path), int(path.stat().st_mtime))
        except (ModelFileError, OSError) as error:
            if before is None:
                raise
            logger.warning("%s: %s The previous model is still served.", self.name, error)
            return before
        self._stamp = stamp
        _ = model.compiled_network  # loads it now, before requests need it
        return loaded


class ModelRegistry:
    """The served models, by name."""

    def __init__(self, models: Iterable[ModelHandle]) -> None:
        self._models = {model.name: model for model in models}

    @classmethod
    def of(cls, paths: Iterable[Path]) -> ModelRegistry:
        """Return a registry of the models at ``paths``, named after their files or runs: book, book-2, ..."""
        return cls(ModelHandle(name, path) for name, path in named_models(paths).items())

    def __iter__(self) -> Iterator[ModelHandle]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def find(self, name: str | None) -> ModelHandle:
        """Return the model called ``name``; the first one for None.

        Raises:
            RefusedError: no model has that name.
        """
        if name is None:
            return next(iter(self._models.values()))
        if name not in self._models:
            known = ", ".join(map(repr, self._models))
            raise RefusedError(
                404,
                f"There is no model {name[:100]!r} here: choose from {known}.",
                param="model",
                code="model_not_found",
            )
        return self._models[name]


def _relative_path(path: Path) -> dict[str, str]:
    """Return ``path`` as it was given, for commands in the folder where the server was started.

    An absolute path is left out: local paths must not leak.
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
