"""A model on disk: one safetensors file, described in docs/model-file.md. Nothing else writes or reads the format.

The tensors have the names and shapes of `nextchar.networks.architecture`, in float32, or in float16 where a small file
matters more. The header is a JSON object: format version, architecture, vocabulary, provenance, and a checksum over all
of it. Nothing in the file is ever executed. A page to play with (`nextchar.page`) has such a file inside, and is read
like one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, field_validator

from nextchar.errors import ModelFileError
from nextchar.files import tensor_file
from nextchar.files.atomic_file import write_atomically
from nextchar.files.regular_file import read_regular
from nextchar.networks.architecture import Architecture, Floats, Parameters
from nextchar.page import embedded_model, is_page
from nextchar.text.vocabulary import Vocabulary

FORMAT_VERSION = 1
MAX_FILE_BYTES = 2**32
"""Bytes of the largest file that is read."""

_BLOCK = 2**12
"""Weights that are widened at once."""


class Provenance(BaseModel):
    """Where a model comes from and how well it did. Everything may be missing: a model can be made by hand."""

    model_config = ConfigDict(frozen=True, extra="allow")

    corpus: tuple[str, ...] = ()
    """Names of the texts it was trained on, without the folders they were in, whatever is given: a model travels."""
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
    unknown_characters: int | None = None
    """Of these, the ones that the vocabulary lacks; each is scored as a character never seen."""
    versions: dict[str, str] = Field(default_factory=dict)

    @field_validator("corpus")
    @classmethod
    def _without_folders(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(base_name, names))


def base_name(path: str) -> str:
    """Return the last part of ``path``, of any system: where a text lies is not for others to know."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    architecture: Architecture
    characters: str
    has_unknown: StrictBool
    provenance: Provenance


@dataclass(frozen=True, eq=False)
class ModelFile:
    """All that a model file holds."""

    architecture: Architecture
    vocabulary: Vocabulary
    parameters: Parameters
    provenance: Provenance = field(default_factory=Provenance)

    def __repr__(self) -> str:
        sizes = self.architecture
        return f"<ModelFile: {self.vocabulary.size:,} ids, {sizes.hidden} units, {sizes.parameter_count:,} parameters>"

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

        It takes at most twice the file's size in memory.

        Raises:
            ModelFileError: it is missing, unreadable, damaged, of another kind or of a newer version, or nothing can be
                written with it.
        """
        try:
            return _parse(path, _read(path))
        except OSError as error:
            raise ModelFileError(f"The model {path} cannot be read: {error.strerror or error}.") from error
        except ValueError as error:  # pydantic's ValidationError is one
            reason = "its header has wrong entries" if isinstance(error, ValidationError) else error
            raise ModelFileError(
                f"{path} is not a nextchar model, or is damaged: {reason}. "
                "Give a run folder or the .safetensors file of one, or copy the file again."
            ) from error


def _read(path: Path) -> bytes | bytearray:
    """Return the content of the model file at ``path``, or in the page there."""
    content = read_regular(path, MAX_FILE_BYTES)
    return embedded_model(content) if is_page(content) else content


def _parse(path: Path, content: bytes | bytearray) -> ModelFile:
    raw, arrays = tensor_file.from_bytes(content)
    del content  # float16 is to grow in the room that this frees
    _check_format(path, raw.get("format"))
    header = _Header.model_validate(raw)
    if {name: array.shape for name, array in arrays.items()} != header.architecture.parameter_shapes():
        raise ValueError("its tensors do not fit its architecture")
    if any(array.dtype.name not in ("float32", "float16") for array in arrays.values()):
        raise ValueError("its tensors are neither float32 nor float16")
    vocabulary = Vocabulary(header.characters, header.has_unknown)
    if vocabulary.size != header.architecture.vocabulary_size:
        raise ValueError("its vocabulary does not fit its architecture")
    if not vocabulary.characters:
        raise ModelFileError(f"{path} knows no characters, so that nothing can be written with it: train a model.")
    if not all(map(_is_finite, arrays.values())):
        raise ModelFileError(
            f"{path} holds weights that are not finite numbers: its training went wrong, and no text can be written "
            "with it. Train again."
        )
    return ModelFile(header.architecture, vocabulary, _in_single(arrays), header.provenance)


def _check_format(path: Path, version: object) -> None:
    """Refuse every version but the one that is known: the integer, and nothing that only equals it."""
    if type(version) is not int or version < FORMAT_VERSION:
        shown = repr(version)
        raise ValueError(f"its format {shown[:40]}{'…' if len(shown) > 40 else ''} is not one of nextchar's")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} was written by a newer nextchar: its format is {version}, and the newest that this one reads is "
            f"{FORMAT_VERSION}. To read it, update nextchar: pip install --upgrade nextchar."
        )


def _is_finite(values: Floats) -> bool:
    """Return whether all are numbers; without an array of answers as large as a quarter of the weights."""
    return bool(np.isfinite(values.min()) and np.isfinite(values.max()))


def _in_single(arrays: tensor_file.Arrays) -> Parameters:
    """Return ``arrays``, which are emptied, in float32. Those in float16 grow where they are: beside the page that they
    came from and each other, new ones would take more than twice the size of the page."""
    arrays.update(
        {name: array.copy() for name, array in arrays.items() if array.dtype == np.float16 and not array.flags.owndata}
    )
    return {name: _widen(arrays.pop(name)) for name in list(arrays)}


def _widen(values: NDArray[Any]) -> Floats:
    """Return float16 ``values``, which are used up, as float32 in the same memory, grown."""
    if values.dtype == np.float32:
        return values
    shape, size = values.shape, values.size
    values.resize(2 * size, refcheck=False)
    single = values.view(np.float32)
    for stop in range(size, 0, -_BLOCK):  # from the end on, where nothing is written over that is still to be read
        block = slice(max(0, stop - _BLOCK), stop)
        single[block] = values[block].copy()
    return single.reshape(shape)


def _fits_half(values: Floats) -> bool:
    """Return whether float16 holds ``values`` rounded, none of them too large for it."""
    return bool((np.abs(values) <= np.finfo(np.float16).max).all())
