"""A model on disk: one safetensors file, described in docs/model-file.md. Nothing else writes or reads the format.

The header is a JSON object: format, the network by its kind (`nextchar.networks.kinds`), its tokens, provenance, and a
checksum over all of it. The tensors are those of the network, in float32, or in float16 where a small file matters
more; their names begin with the kind. Nothing in the file is ever executed. A page to play with (`nextchar.page`) has
such a file inside, and is read like one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, field_validator

from nextchar.errors import ModelFileError
from nextchar.files import tensor_file
from nextchar.files.atomic_file import write_atomically
from nextchar.files.format_version import NewerFormatError, check_format, format_stamp
from nextchar.files.regular_file import read_regular
from nextchar.networks.architecture import Architecture, Floats, Parameters
from nextchar.networks.kinds import KINDS, NetworkHeader, kind_of
from nextchar.page import embedded_model, is_page
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import Vocabulary

FORMAT_VERSION = 2
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


class _Characters(BaseModel):
    """Tokens that are single characters."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["characters"] = "characters"
    characters: str
    has_unknown: StrictBool


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[2]
    written_by: str
    architecture: dict[str, Any]
    """Of the network, with its ``kind``, which says what else is in it."""
    tokens: dict[str, Any]
    """With their ``kind``, too."""
    provenance: Provenance


class _FirstHeader(BaseModel):
    """A header of format 1, which knew one kind of network and one of tokens."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    architecture: dict[str, Any]
    characters: str
    has_unknown: StrictBool
    provenance: Provenance

    def in_present_form(self) -> _Header:
        """Return the same in the present format."""
        return _Header(
            format=FORMAT_VERSION,
            written_by="an early nextchar",
            architecture={"kind": "lstm", **self.architecture},
            tokens={"kind": "characters", "characters": self.characters, "has_unknown": self.has_unknown},
            provenance=self.provenance,
        )


@dataclass(frozen=True, eq=False)
class ModelFile:
    """All that a model file holds."""

    architecture: NetworkHeader
    """Of the network: its kind and sizes."""
    vocabulary: Tokenizer
    parameters: Parameters
    provenance: Provenance = field(default_factory=Provenance)

    def __repr__(self) -> str:
        kind, header = kind_of(self.architecture), self.architecture
        count = kind.parameter_count(header)
        return f"<ModelFile: {kind.describe(header)}, {self.vocabulary.size:,} ids, {count:,} parameters>"

    def save(self, path: Path) -> None:
        """Write the file: to a temporary name, synced, then renamed, so that no reader ever sees half of it.

        Raises:
            OSError: the folder cannot be written or the disk is full; a file that was there stays as it was.
        """
        write_atomically(path, self.to_bytes())

    def to_bytes(self, *, half: bool = False) -> bytes:
        """Return the content of the file, its weights in float32, or ``half`` the size, in float16, where that can hold
        them."""
        vocabulary = self.characters_for("A model file")
        header = {
            **format_stamp(FORMAT_VERSION),
            "architecture": self.architecture.model_dump(mode="json"),
            "tokens": _Characters(characters=vocabulary.characters, has_unknown=vocabulary.has_unknown).model_dump(),
            "provenance": self.provenance.model_dump(mode="json"),
        }
        prefix = f"{self.architecture.kind}."
        arrays = {f"{prefix}{name}": _stored(values, half) for name, values in self.parameters.items()}
        return tensor_file.to_bytes(header, arrays)

    def characters_for(self, target: str) -> Vocabulary:
        """Return the vocabulary of a model whose tokens are single characters.

        Args:
            target: what holds no other models, as the beginning of a sentence.

        Raises:
            ModelFileError: the tokens are something else.
        """
        if isinstance(self.vocabulary, Vocabulary):
            return self.vocabulary
        raise ModelFileError(
            f"{target} holds models whose tokens are single characters, not {type(self.vocabulary).__name__}."
        )

    def lstm_for(self, target: str) -> Architecture:
        """Return the architecture of a model whose network is one LSTM.

        Args:
            target: what is for no other networks, as the beginning of a sentence.

        Raises:
            ModelFileError: the network is of another kind.
        """
        return _lstm(self.architecture, target)

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
    number = _check_format(path, raw)
    header = _FirstHeader.model_validate(raw).in_present_form() if number == 1 else _Header.model_validate(raw)
    kind_name = _known_kind(path, header, "a network", header.architecture, KINDS)
    kind = KINDS[kind_name]
    architecture = kind.header.model_validate(header.architecture)
    if number > 1:
        arrays = _without_prefix(arrays, f"{kind_name}.")
    kind.check_arrays(architecture, arrays)
    _known_kind(path, header, "tokens", header.tokens, ("characters",))
    tokens = _Characters.model_validate(header.tokens)
    vocabulary = Vocabulary(tokens.characters, tokens.has_unknown)
    if vocabulary.size != architecture.vocabulary_size:
        raise ValueError("its vocabulary does not fit its architecture")
    if not vocabulary.characters:
        raise ModelFileError(f"{path} knows no characters, so that nothing can be written with it: train a model.")
    if not all(map(_is_finite, arrays.values())):
        raise ModelFileError(
            f"{path} holds weights that are not finite numbers: its training went wrong, and no text can be written "
            "with it. Train again."
        )
    return ModelFile(architecture, vocabulary, _in_single(arrays), header.provenance)


def _known_kind(path: Path, header: _Header, what: str, fields: Mapping[str, Any], kinds: Collection[str]) -> str:
    """Return the kind that ``fields`` of the header give.

    Raises:
        ModelFileError: it is none of ``kinds``.
    """
    kind: object = fields.get("kind")
    if isinstance(kind, str) and kind in kinds:
        return kind
    raise ModelFileError(
        f"{path} holds {what} of the kind {str(kind)[:40]!r}, and was written by {header.written_by[:80]}. This "
        f"nextchar knows {', '.join(kinds)}. To read it, update nextchar: pip install --upgrade nextchar."
    )


def _without_prefix(arrays: tensor_file.Arrays, prefix: str) -> tensor_file.Arrays:
    if not all(name.startswith(prefix) for name in arrays):
        raise ValueError("its tensors do not fit its architecture")
    return {name.removeprefix(prefix): array for name, array in arrays.items()}


def _lstm(architecture: BaseModel, target: str) -> Architecture:
    if isinstance(architecture, Architecture):
        return architecture
    raise ModelFileError(
        f"{target} is for models that are one LSTM, and this one is not: {type(architecture).__name__}."
    )


def _check_format(path: Path, header: dict[str, Any]) -> int:
    """Return the number of the format; refuse what is newer, and what only looks like a number."""
    try:
        return check_format({"format": None, **header}, FORMAT_VERSION)
    except NewerFormatError as error:
        raise ModelFileError(f"{path} was {error}: pip install --upgrade nextchar.") from error
    except ValueError as error:
        shown = repr(header.get("format"))
        raise ValueError(f"its format {shown[:40]}{'…' if len(shown) > 40 else ''} is not one of nextchar's") from error


def _stored(values: NDArray[Any], half: bool) -> NDArray[Any]:
    """Return ``values`` as they stand in a file: what is not a whole number in float32, or in float16."""
    if not np.issubdtype(values.dtype, np.floating):
        return np.ascontiguousarray(values)
    single = np.ascontiguousarray(values, "<f4")
    return single.astype("<f2") if half and _fits_half(single) else single


def _is_finite(values: Floats) -> bool:
    """Return whether all are finite, without an array of booleans as large as a quarter of the weights."""
    return bool(np.isfinite(values.min()) and np.isfinite(values.max()))


def _in_single(arrays: tensor_file.Arrays) -> Parameters:
    """Return ``arrays``, which are emptied, in float32. Those in float16 grow where they are: beside the page that they
    came from and each other, new ones would take more than twice the size of the page."""
    arrays.update(
        {name: array.copy() for name, array in arrays.items() if array.dtype == np.float16 and not array.flags.owndata}
    )
    return {name: _widen(arrays.pop(name)) for name in list(arrays)}


def _widen(values: NDArray[Any]) -> Floats:
    """Return float16 ``values``, which are used up, as float32 in the same memory, grown; others as they are."""
    if values.dtype != np.float16:
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
