"""Where a model comes from: its texts, its training, and the models before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from nextchar.model.kept_text import base_name
from nextchar.model.line_quantiles import LineQuantiles
from nextchar.model.spread import Spread
from nextchar.settings import Normalization
from nextchar.text.normalization import in_form, normalized
from nextchar.text.text_file import lowered


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
