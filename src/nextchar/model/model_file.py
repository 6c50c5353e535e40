"""A model on disk: one safetensors file, described in docs/model-file.md. Only this module reads and writes the format.

The header is a JSON object: format, the network by its kind (`nextchar.networks.kinds`), its tokens, provenance, and a
checksum over all of it. The tensors are those of the network, in float32, or in float16 for a smaller file; their names
begin with the kind. Nothing in the file is ever executed. A page to play with (`nextchar.page`) has such a file inside,
and is read like one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, StrictBool, ValidationError

from nextchar.errors import ModelFileError, shortened
from nextchar.files import tensor_file
from nextchar.files.atomic_file import write_atomically
from nextchar.files.format_version import NewerFormatError, check_format, format_stamp
from nextchar.files.half_floats import in_single, stored
from nextchar.files.regular_file import read_regular
from nextchar.model.kept_text import ARRAY, KeptText
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture, Floats, Parameters
from nextchar.networks.blend import TextCounts
from nextchar.networks.headers import BlendHeader, NetworkHeader, NgramHeader
from nextchar.networks.kinds import KINDS, NETWORK, counts_of, kind_of, network_alone, text_counts_of
from nextchar.page import embedded_model, is_page
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.tokenizers import KINDS as TOKEN_KINDS
from nextchar.text.tokenizers import tokenizer_of
from nextchar.text.vocabulary import Vocabulary

FORMAT_VERSION = 2
MAX_FILE_BYTES = 2**32
"""Size of the largest file that is read."""


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
            f"{prefix}{name}": stored(values, half=halved and name.startswith(learned))
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
    return ModelFile(architecture, vocabulary, in_single(arrays), header.provenance, text)


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


def _is_finite(values: Floats) -> bool:
    """Return whether all are finite, without an array of booleans, a quarter the size of the weights."""
    return values.size == 0 or bool(np.isfinite(values.min()) and np.isfinite(values.max()))
