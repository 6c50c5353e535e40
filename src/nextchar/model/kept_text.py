"""The training text inside a model file: its ids, compressed, and its documents."""

from __future__ import annotations

import bz2
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from nextchar.errors import ModelFileError
from nextchar.text.documents import Document, SourceText
from nextchar.text.tokenizer import Tokenizer

MAX_KEPT = 8_000_000
"""Most ids of a training text that are kept, from its end."""
ARRAY = "text.ids"
"""Name of the array in a model file."""


class TextHeader(BaseModel):
    """What the header of a model file says of the text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    characters: Annotated[int, Field(ge=1, le=MAX_KEPT, strict=True)]
    documents: tuple[Document, ...]

    @model_validator(mode="after")
    def _in_order(self) -> TextHeader:
        starts = [document.start for document in self.documents]
        if any(a > b for a, b in pairwise([*starts, self.characters])):
            raise ValueError("its documents are not in order")
        return self


@dataclass(frozen=True, eq=False)
class KeptText:
    """A training text, or its end, as it lies in a model file."""

    header: TextHeader
    packed: NDArray[np.uint8]
    """The ids, little-endian and in the smallest type that holds each, compressed with bzip2."""

    @classmethod
    def of(cls, source: SourceText) -> KeptText:
        """Return the last `MAX_KEPT` ids of ``source``, compressed: about ten million characters a second."""
        kept = source.last(MAX_KEPT)
        documents = tuple(document.model_copy(update={"name": base_name(document.name)}) for document in kept.documents)
        content = np.ascontiguousarray(kept.ids, _type_of(source.vocabulary)).tobytes()
        header = TextHeader(characters=len(kept.ids), documents=documents)
        return cls(header, np.frombuffer(bz2.compress(content), np.uint8))

    @classmethod
    def from_file(cls, header: Mapping[str, Any] | None, arrays: dict[str, NDArray[Any]]) -> KeptText | None:
        """Return the text of a model file, and remove its array from ``arrays``; None if ``header`` is.

        Raises:
            ValueError: the array is not there, or not as the header says.
        """
        packed = arrays.pop(ARRAY, None)
        if header is None and packed is None:
            return None
        if header is None or packed is None or packed.dtype != np.uint8 or packed.ndim != 1:
            raise ValueError("its training text does not fit its header")
        return cls(TextHeader.model_validate(header), packed)

    def source(self, vocabulary: Tokenizer) -> SourceText:
        """Return the text, unpacked: about ten million characters a second.

        Args:
            vocabulary: that of the model.

        Raises:
            ModelFileError: it is damaged.
        """
        return SourceText(self._unpacked(vocabulary), self.header.documents, vocabulary)

    def _unpacked(self, vocabulary: Tokenizer) -> NDArray[np.unsignedinteger]:
        size = self.header.characters * _type_of(vocabulary).itemsize
        try:
            unpacker = bz2.BZ2Decompressor()
            content = unpacker.decompress(self.packed.tobytes(), size + 1)
            ids = np.frombuffer(content, _type_of(vocabulary))
            if len(content) != size or not unpacker.eof or int(ids.max()) >= vocabulary.size:
                raise ValueError
        except (OSError, ValueError) as error:
            raise ModelFileError(
                "The training text in the model file is damaged: copy the file again, or train again."
            ) from error
        return ids


def base_name(path: str) -> str:
    """Return the last part of ``path``, a path of any system."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def _type_of(vocabulary: Tokenizer) -> np.dtype[np.unsignedinteger]:
    return vocabulary.dtype.newbyteorder("<")
