"""A model on disk: one safetensors file, described in docs/model-file.md. Nothing else writes or reads the format.

The tensors have the names and shapes of `nextchar.architecture`, in float32. The header is a JSON object: format
version, architecture, vocabulary, provenance, and a checksum over all of it. Nothing in the file is ever executed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nextchar import tensor_file
from nextchar.architecture import Architecture, Parameters
from nextchar.atomic_file import write_atomically
from nextchar.errors import ModelFileError
from nextchar.vocabulary import Vocabulary

FORMAT_VERSION = 1


class Provenance(BaseModel):
    """Where a model comes from and how well it did. Everything may be missing: a model can be made by hand."""

    model_config = ConfigDict(frozen=True, extra="allow")

    corpus: tuple[str, ...] = ()
    """Names of the texts it was trained on."""
    corpus_sha256: str | None = None
    characters: int | None = None
    """Characters in those texts, the held-out ones included."""
    training_characters: int | None = None
    lowercase: bool = False
    recipe: str | None = None
    plan: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    step: int | None = None
    """Updates after which these weights were taken."""
    training_seconds: float | None = None
    """Training time of the run up to these weights."""
    validation_bits_per_character: float | None = None
    validation_characters: int | None = None
    """Held-out characters that figure was measured on."""
    versions: dict[str, str] = Field(default_factory=dict)


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: int
    architecture: Architecture
    characters: str
    has_unknown: bool
    provenance: Provenance


@dataclass(frozen=True)
class ModelFile:
    """All that a model file holds."""

    architecture: Architecture
    vocabulary: Vocabulary
    parameters: Parameters
    provenance: Provenance = field(default_factory=Provenance)

    def save(self, path: Path) -> None:
        """Write the file: to a temporary name, synced, then renamed, so that no reader ever sees half of it.

        Raises:
            OSError: the folder cannot be written or the disk is full; a file that was there stays as it was.
        """
        header = _Header(
            format=FORMAT_VERSION,
            architecture=self.architecture,
            characters=self.vocabulary.characters,
            has_unknown=self.vocabulary.has_unknown,
            provenance=self.provenance,
        )
        arrays = {
            name: np.ascontiguousarray(self.parameters[name], "<f4") for name in self.architecture.parameter_shapes()
        }
        write_atomically(path, tensor_file.to_bytes(header.model_dump(mode="json"), arrays))

    @classmethod
    def load(cls, path: Path) -> ModelFile:
        """Read and check the file.

        Raises:
            ModelFileError: it is missing, unreadable, damaged, of another kind or of a newer version.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelFileError(f"The model {path} cannot be read: {error.strerror or error}.") from error
        try:
            return _parse(content)
        except ValueError as error:  # pydantic's ValidationError is one
            reason = "its header has wrong entries" if isinstance(error, ValidationError) else error
            raise ModelFileError(
                f"{path} is not a nextchar model, or is damaged: {reason}. "
                "Give a run folder or the .safetensors file of one, or copy the file again."
            ) from error


def _parse(content: bytes) -> ModelFile:
    raw, arrays = tensor_file.from_bytes(content)
    version = raw.get("format")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ValueError(
            f"its format version {version} is newer than {FORMAT_VERSION}, the newest this nextchar reads; "
            "update nextchar"
        )
    header = _Header.model_validate(raw)
    if {name: array.shape for name, array in arrays.items()} != header.architecture.parameter_shapes():
        raise ValueError("its tensors do not fit its architecture")
    if any(array.dtype != np.float32 for array in arrays.values()):
        raise ValueError("its tensors are not float32")
    vocabulary = Vocabulary(header.characters, header.has_unknown)
    if vocabulary.size != header.architecture.vocabulary_size:
        raise ValueError("its vocabulary does not fit its architecture")
    return ModelFile(header.architecture, vocabulary, arrays, header.provenance)
