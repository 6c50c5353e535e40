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
