"""A model on disk: one safetensors file, described in docs/model-file.md. Only this module reads and writes the format.

The header is a JSON object: format, the network by its kind (`nextchar.networks.kinds`), its tokens, provenance, and a
checksum over all of it. The tensors are those of the network, in float32, or in float16 for a smaller file; their names
begin with the kind. Nothing in the file is ever executed. A page to play with (`nextchar.page`) has such a file inside,
and is read like one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, field_validator

from nextchar.errors import ModelFileError, shortened
from nextchar.files import tensor_file
from nextchar.files.atomic_file import write_atomically
from nextchar.files.format_version import NewerFormatError, check_format, format_stamp
from nextchar.files.regular_file import read_regular
from nextchar.model.kept_text import ARRAY, KeptText, base_name
from nextchar.model.line_quantiles import LineQuantiles
from nextchar.model.spread import Spread
from nextchar.networks.architecture import Architecture, Floats, Parameters
from nextchar.networks.blend import TextCounts
from nextchar.networks.kinds import (
    KINDS,
    NETWORK,
    BlendHeader,
    NetworkHeader,
    NgramHeader,
    counts_of,
    kind_of,
    network_alone,
    text_counts_of,
)
from nextchar.page import embedded_model, is_page
from nextchar.settings import Normalization
from nextchar.text.text_file import in_form, lowered, normalized
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.tokenizers import KINDS as TOKEN_KINDS
from nextchar.text.tokenizers import tokenizer_of
from nextchar.text.vocabulary import Vocabulary

FORMAT_VERSION = 2
MAX_FILE_BYTES = 2**32
"""Size of the largest file that is read."""

_BLOCK = 2**12
"""Weights that are converted to float32 at once."""


class Ancestor(BaseModel):
    """A model that another one was trained from."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Hash of its weights."""
    corpus: tuple[str, ...] = ()
    corpus_sha256: str | None = None
    validation_bits_per_character: float | None = None
    """Of its network alone, on its own held-out text."""
    licence: str | None = None
    """The terms of its texts and of the model."""


class Provenance(BaseModel):
    """Where a model comes from and how good it is. Everything may be missing: a model can be made by hand."""

    model_config = ConfigDict(frozen=True, extra="allow")

    corpus: tuple[str, ...] = ()
    """Names of the training texts. Their folders are removed: a model file does not leak local paths."""
    corpus_sha256: str | None = None
    corpus_key: str | None = None
    """Key of the encoded texts in the cache of the machine it was trained on."""
    characters: int | None = None
    """Characters in those texts, including the held-out ones."""
    training_characters: int | None = None
    lowercase: bool = False
    normalize: Normalization | None = None
    """The normalization form that the text was brought into."""
    recipe: str | None = None
    plan: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    step: int | None = None
    """Updates made to these weights."""
    training_seconds: float | None = None
    """Training time of the run up to these weights."""
    validation_bits_per_character: float | None = None
    network_bits_per_character: float | None = None
    """The same of the network alone, where the model blends it with counts."""
    validation_characters: int | None = None
    """Held-out characters that were scored for this."""
    validation_tokens: int | None = None
    """Held-out tokens that were scored for this, where a token is not a character."""
    held_out_lines: LineQuantiles | None = None
    """How many bits held-out lines cost, where the text is one of many lines."""
    held_out_spread: Spread | None = None
    """How the bits per character of held-out stretches lie apart; None where no run has measured it."""
    ancestors: tuple[Ancestor, ...] = ()
    """The model that training started from, and those before it, the nearest first."""
    licence: str | None = None
    """The terms of the texts and of the model, if they are known."""
    labels: tuple[str, ...] = ()
    """The kinds of the entries of a list, the most frequent first, if they have labels."""
    unknown_characters: int | None = None
    """Scored characters that are not in the vocabulary; each is scored as a character never seen."""
    versions: dict[str, str] = Field(default_factory=dict)

    @property
    def started_from(self) -> str | None:
        """The name of the model that training started from; None if it started from nothing."""
        return self.ancestors[0].name if self.ancestors else None

    def as_trained(self, text: str) -> str:
        """Return ``text`` as the model reads it: normalized and lower-cased if its training text was."""
        text = self.normalized(text)
        return text.lower() if self.lowercase else text

    def normalized(self, text: str) -> str:
        """Return ``text`` in the normalization form of the training text."""
        return text if self.normalize is None else in_form(text, self.normalize)

    def pieces_as_trained(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the ``pieces`` of a text as the model reads it, as if they were one string; they are cut elsewhere."""
        pieces = iter(pieces) if self.normalize is None else normalized(pieces, self.normalize)
        return lowered(pieces) if self.lowercase else pieces

    @field_validator("corpus")
    @classmethod
    def _without_folders(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(base_name, names))


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[2]
    written_by: str
    architecture: dict[str, Any]
    """The header of the network; its ``kind`` determines the other entries."""
    tokens: dict[str, Any]
    """The tokens, also with their ``kind``."""
    provenance: Provenance
    text: dict[str, Any] | None = None
    """The training text, where it is in the file."""


class _FirstHeader(BaseModel):
    """A header of format 1, which had only one kind of network and one of tokens."""

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
    """The content of a model file."""

    architecture: NetworkHeader
    """The kind and the sizes of the network."""
    vocabulary: Tokenizer
    parameters: Parameters
    provenance: Provenance = field(default_factory=Provenance)
    text: KeptText | None = None
    """The training text; None where the file is without it."""

    def __repr__(self) -> str:
        kind, header = kind_of(self.architecture), self.architecture
        count = kind.parameter_count(header)
        return f"<ModelFile: {kind.describe(header)}, {self.vocabulary.size:,} ids, {count:,} parameters>"

    @property
    def line_end(self) -> int | None:
        """In the model of a list the id of the line end, after which another text begins; None in others."""
        return getattr(self.architecture, "line_end", None)

    def save(self, path: Path) -> None:
        """Write the file under a temporary name, sync and rename it, so that no reader ever sees a part of it.

        Raises:
            OSError: the folder cannot be written or the disk is full; a previous file is intact.
        """
        write_atomically(path, self.to_bytes())

    def to_bytes(self, *, half: bool = False) -> bytes:
        """Return the content of the file, with weights in float32; if ``half``, those of the LSTM that fit are in
        float16."""
        header = {
            **format_stamp(FORMAT_VERSION),
            "architecture": _header_of(self.architecture),
            "tokens": self.vocabulary.header(),
            "provenance": self.provenance.model_dump(mode="json"),
        }
        prefix = f"{self.architecture.kind}."
        halved = half and not isinstance(self.architecture, NgramHeader)
        learned = NETWORK if self.has_memory else ""
        arrays = {
            f"{prefix}{name}": _stored(values, halved and name.startswith(learned))
            for name, values in self.parameters.items()
        }
        if self.text is not None:
            header["text"] = self.text.header.model_dump(mode="json")
            arrays[ARRAY] = self.text.packed
        return tensor_file.to_bytes(header, arrays)

    def without_text(self) -> ModelFile:
        """Return the model without its training text."""
        return replace(self, text=None)

    def characters_for(self, target: str) -> Vocabulary:
        """Return the vocabulary of a model whose tokens are single characters.

        Args:
            target: what needs such a model, as the beginning of a sentence.

        Raises:
            ModelFileError: the tokens are something else.
        """
        if isinstance(self.vocabulary, Vocabulary):
            return self.vocabulary
        raise ModelFileError(
            f"{target} is only for models whose tokens are single characters; those of this model are "
            f"{self.vocabulary.kind}."
        )

    def lstm_for(self, target: str) -> tuple[Architecture, Parameters]:
        """Return the architecture and the parameters of a model's LSTM, without what a blend has counted.

        Args:
            target: what needs an LSTM, as the beginning of a sentence.

        Raises:
            ModelFileError: the network is of another kind.
        """
        return network_alone(_with_lstm(self.architecture, target), self.parameters)

    @property
    def has_memory(self) -> bool:
        """Whether the model blends its network with counts."""
        return isinstance(self.architecture, BlendHeader)

    @cached_property
    def counts(self) -> TextCounts:
        """What the model has counted.

        Raises:
            ValueError: it has counted nothing.
        """
        if isinstance(self.architecture, Architecture):
            raise ValueError("the model has counted nothing")
        if isinstance(self.architecture, BlendHeader):
            return text_counts_of(self.architecture, self.parameters)
        return TextCounts(counts_of(self.architecture, self.parameters))

    def without_memory(self, target: str) -> ModelFile:
        """Return the model with its LSTM alone, and the score of that; arguments and errors as for `lstm_for`."""
        architecture, parameters = self.lstm_for(target)
        if not self.has_memory:
            return self
        bits = {"validation_bits_per_character": self.provenance.network_bits_per_character}
        gone = {"network_bits_per_character": None, "held_out_spread": None}  # they are of the blend
        provenance = self.provenance.model_copy(update={**bits, **gone})
        return replace(self, architecture=architecture, parameters=parameters, provenance=provenance)

    @classmethod
    def load(cls, path: Path) -> ModelFile:
        """Read and check the file, or the one inside a page; weights in float16 become float32.

        This takes at most twice the size of the file in memory.

        Raises:
            ModelFileError: it is missing, unreadable, damaged, of another kind or of a newer version, or its model
                cannot write text.
        """
        try:
            return _parse(path, _read(path))
        except OSError as error:
            raise ModelFileError(f"The model {path} cannot be read: {error.strerror or error}.") from error
        except ValueError as error:  # pydantic's ValidationError is one
            raise _not_a_model(path, error) from error

    @classmethod
    def from_bytes(cls, content: bytes) -> ModelFile:
        """Return the model of a file with this ``content``, as `to_bytes` gives it; errors are those of `load`."""
        path = Path("The content")
        try:
            return _parse(path, content)
        except ValueError as error:
            raise _not_a_model(path, error) from error


def _not_a_model(path: Path, error: ValueError) -> ModelFileError:
    reason = "its header has wrong entries" if isinstance(error, ValidationError) else error
    return ModelFileError(
        f"{path} is not a nextchar model, or is damaged: {reason}. "
        "Give a run folder or the .safetensors file of one, or copy the file again."
    )


def _read(path: Path) -> bytes | bytearray:
    """Return the content of the model file at ``path``, or in the page there."""
    content = read_regular(path, MAX_FILE_BYTES)
    return embedded_model(content) if is_page(content) else content


def _parse(path: Path, content: bytes | bytearray) -> ModelFile:
    raw, arrays = tensor_file.from_bytes(content)
    del content  # frees memory in which float16 can grow to float32
    number = _check_format(path, raw)
    header = _FirstHeader.model_validate(raw).in_present_form() if number == 1 else _Header.model_validate(raw)
    kind_name = _known_kind(path, header, "a network", header.architecture, KINDS)
    kind = KINDS[kind_name]
    text = KeptText.from_file(header.text, arrays)
    architecture = kind.header.model_validate(header.architecture)
    if number > 1:
        arrays = _without_prefix(arrays, f"{kind_name}.")
    kind.check_arrays(architecture, arrays)
    _known_kind(path, header, "tokens", header.tokens, TOKEN_KINDS)
    vocabulary = tokenizer_of(header.tokens)
    if vocabulary.size != architecture.vocabulary_size:
        raise ValueError("its vocabulary does not fit its architecture")
    if not vocabulary.characters:
        raise ModelFileError(f"{path} knows no characters, so it cannot write text: train a model.")
    if not all(map(_is_finite, arrays.values())):
        raise ModelFileError(
            f"{path} has weights that are not finite numbers: its training went wrong, and it cannot write text. "
            "Train again."
        )
    return ModelFile(architecture, vocabulary, _in_single(arrays), header.provenance, text)


def _known_kind(path: Path, header: _Header, what: str, fields: Mapping[str, Any], kinds: Collection[str]) -> str:
    """Return the kind in ``fields`` of the header.

    Raises:
        ModelFileError: it is not one of ``kinds``.
    """
    kind: object = fields.get("kind")
    if isinstance(kind, str) and kind in kinds:
        return kind
    raise ModelFileError(
        f"{path} has {what} of the kind {str(kind)[:40]!r}, and was written by {header.written_by[:80]}. This "
        f"nextchar knows {', '.join(kinds)}. To read the file, update nextchar: pip install --upgrade nextchar."
    )


def _without_prefix(arrays: tensor_file.Arrays, prefix: str) -> tensor_file.Arrays:
    if not all(name.startswith(prefix) for name in arrays):
        raise ValueError("its tensors do not fit its architecture")
    return {name.removeprefix(prefix): array for name, array in arrays.items()}


def _with_lstm(header: BaseModel, target: str) -> Architecture | BlendHeader:
    if isinstance(header, Architecture | BlendHeader):
        return header
    if isinstance(header, NgramHeader):
        raise ModelFileError(f"{target} is only for models with an LSTM; this one has only counted its text.")
    raise ModelFileError(f"{target} is only for models that are one LSTM, not {type(header).__name__}.")


def _check_format(path: Path, header: dict[str, Any]) -> int:
    """Return the number of the format; refuse newer formats and what is not a number."""
    try:
        return check_format({"format": None, **header}, FORMAT_VERSION)
    except NewerFormatError as error:
        raise ModelFileError(f"{path} was {error}: pip install --upgrade nextchar.") from error
    except ValueError as error:
        raise ValueError(f"its format {shortened(header.get('format'))} is not one of nextchar's") from error


def _header_of(architecture: NetworkHeader) -> dict[str, Any]:
    """Return the entries of the header of a network, without that of a line end where there is none, as in all files of
    running text."""
    values = architecture.model_dump(mode="json")
    parts: tuple[dict[str, Any], ...] = (values, values.get("network", {}))
    for part in parts:
        if part.get("line_end", 0) is None:
            del part["line_end"]
    return values


def _stored(values: NDArray[Any], half: bool) -> NDArray[Any]:
    """Return ``values`` as a file has them: floats in float32 or, if ``half``, in float16; integers unchanged."""
    if not np.issubdtype(values.dtype, np.floating):
        return np.ascontiguousarray(values)
    single = np.ascontiguousarray(values, "<f4")
    return single.astype("<f2") if half and _fits_half(single) else single


def _is_finite(values: Floats) -> bool:
    """Return whether all are finite, without an array of booleans, a quarter the size of the weights."""
    return values.size == 0 or bool(np.isfinite(values.min()) and np.isfinite(values.max()))


def _in_single(arrays: tensor_file.Arrays) -> Parameters:
    """Return ``arrays`` in float32, and empty the dictionary. Arrays in float16 grow in place: copies would take more
    than twice the size of the page that they came from."""
    arrays.update(
        {name: array.copy() for name, array in arrays.items() if array.dtype == np.float16 and not array.flags.owndata}
    )
    return {name: _widen(arrays.pop(name)) for name in list(arrays)}


def _widen(values: NDArray[Any]) -> Floats:
    """Return float16 ``values`` as float32 in the same memory, which grows; return others unchanged."""
    if values.dtype != np.float16:
        return values
    shape, size = values.shape, values.size
    values.resize(2 * size, refcheck=False)
    single = values.view(np.float32)
    for stop in range(size, 0, -_BLOCK):  # from the end, so that no value is overwritten before it is read
        block = slice(max(0, stop - _BLOCK), stop)
        single[block] = values[block].copy()
    return single.reshape(shape)


def _fits_half(values: Floats) -> bool:
    """Return whether none of ``values`` is too large for float16."""
    return bool((np.abs(values) <= np.finfo(np.float16).max).all())
