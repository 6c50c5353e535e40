"""A model on disk: one safetensors file, described in docs/model-file.md. Nothing else writes or reads the format.

The tensors have the names and shapes of `nextchar.architecture`, in float32, or in float16 where a small file matters
more. The header is a JSON object: format version, architecture, vocabulary, provenance, and a checksum over all of it.
Nothing in the file is ever executed. A page to play with (`nextchar.page`) has such a file inside, and is read like
one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nextchar import tensor_file
from nextchar.architecture import Architecture, Floats, Parameters
from nextchar.atomic_file import write_atomically
from nextchar.errors import ModelFileError
from nextchar.page import embedded_model, is_page
from nextchar.regular_file import read_regular
from nextchar.vocabulary import Vocabulary

FORMAT_VERSION = 1
MOST_FILE_BYTES = 2**32
"""Bytes of the largest file that is read."""


class Provenance(BaseModel):
    """Where a model comes from and how well it did. Everything may be missing: a model can be made by hand."""

    model_config = ConfigDict(frozen=True, extra="allow")

    corpus: tuple[str, ...] = ()
    """Names of the texts it was trained on."""
    corpus_sha256: str | None = None
    corpus_key: str | None = None
    """Key of the encoded texts in the cache of the machine it was trained on."""
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
        write_atomically(path, self.to_bytes())

    def to_bytes(self, *, half: bool = False) -> bytes:
        """Return the content of the file, its weights in float32, or ``half`` the size, in float16, where that can hold
        them."""
        header = _Header(
            format=FORMAT_VERSION,
            architecture=self.architecture,
            characters=self.vocabulary.characters,
            has_unknown=self.vocabulary.has_unknown,
            provenance=self.provenance,
        )
        arrays: tensor_file.Arrays = {}
        for name in self.architecture.parameter_shapes():
            values = np.ascontiguousarray(self.parameters[name], "<f4")
            arrays[name] = values.astype("<f2") if half and _fits_half(values) else values
        return tensor_file.to_bytes(header.model_dump(mode="json"), arrays)

    @classmethod
    def load(cls, path: Path) -> ModelFile:
        """Read and check the file, or the one inside a page; weights in float16 become float32.

        Raises:
            ModelFileError: it is missing, unreadable, damaged, of another kind or of a newer version.
        """
        try:
            content = read_regular(path, MOST_FILE_BYTES)
        except OSError as error:
            raise ModelFileError(f"The model {path} cannot be read: {error.strerror or error}.") from error
        try:
            return _parse(embedded_model(content) if is_page(content) else content)
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
    if any(array.dtype.name not in ("float32", "float16") for array in arrays.values()):
        raise ValueError("its tensors are neither float32 nor float16")
    vocabulary = Vocabulary(header.characters, header.has_unknown)
    if vocabulary.size != header.architecture.vocabulary_size:
        raise ValueError("its vocabulary does not fit its architecture")
    parameters = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
    return ModelFile(header.architecture, vocabulary, parameters, header.provenance)


def _fits_half(values: Floats) -> bool:
    """Return whether float16 holds ``values`` rounded, none of them too large for it."""
    return bool((np.abs(values) <= np.finfo(np.float16).max).all())
