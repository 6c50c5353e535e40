"""What a conversion returns, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nextchar.model.model_file import ModelFile


@dataclass(frozen=True)
class Imported:
    """A model that was read from another format."""

    file: ModelFile
    notes: tuple[str, ...] = ()
    """Notes for the user: what was assumed, what was left out."""


@dataclass(frozen=True)
class Exported:
    """A model in another format, and the files beside it."""

    files: Mapping[Path, bytes]
    """Content of each file to write; the requested file comes last."""
    notes: tuple[str, ...] = ()


def without_memory(model: ModelFile, target: str) -> tuple[ModelFile, tuple[str, ...]]:
    """Return ``model`` for a format that holds one LSTM, and notes for the user: what a blend has counted is left out,
    and whoever uses the model of a list begins each line anew.

    Args:
        model: the model.
        target: the format, as the beginning of a sentence.

    Raises:
        ModelFileError: the model has no LSTM.
    """
    alone = model.without_memory(target)
    anew = ("the model is of a list: begin each line with zeros as the state, and read a line end first",)
    notes = () if model.line_end is None else anew
    if not model.has_memory:
        return alone, notes
    bits, with_memory = model.provenance.network_bits_per_character, model.provenance.validation_bits_per_character
    cost = (
        "" if bits is None or with_memory is None else f": {bits:.3f} bits per character in place of {with_memory:.3f}"
    )
    return alone, (f"the file has the network alone, without the memory of what it counted{cost}", *notes)
