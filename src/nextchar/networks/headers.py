"""What a model file says of its network, by kind: an LSTM, counts, or a blend of both."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from nextchar.networks.architecture import Architecture


class BlendHeader(BaseModel):
    """A network that carries its state, blended with counts (`nextchar.networks.blend`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["blend"] = "blend"
    network: Architecture
    order: int = Field(ge=1, le=32, strict=True)
    """Most ids of context that were counted."""
    ngrams: int = Field(ge=0, le=2**40, strict=True)
    """Counted n-grams that are kept."""
    words: int = Field(default=0, ge=0, le=2**40, strict=True)
    """Counts of words that are kept; 0 where none were counted."""

    @property
    def vocabulary_size(self) -> int:
        """V: ids that the network reads and predicts."""
        return self.network.vocabulary_size

    @property
    def context_length(self) -> int | None:
        """That of the network."""
        return self.network.context_length

    @property
    def line_end(self) -> int | None:
        """That of the network."""
        return self.network.line_end

    @property
    def parameter_count(self) -> int:
        """Number of trained values and of counts."""
        return self.network.parameter_count + self.ngrams + self.words


class NgramHeader(BaseModel):
    """Counts alone (`nextchar.networks.ngram_network`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ngram"] = "ngram"
    vocabulary_size: int = Field(ge=1, le=2**21, strict=True)
    """V: ids that the network reads and predicts."""
    order: int = Field(ge=1, le=32, strict=True)
    """Most ids of context that were counted."""
    ngrams: int = Field(ge=0, le=2**40, strict=True)
    """Counted n-grams that are kept."""
    line_end: Annotated[int, Field(ge=0, strict=True)] | None = None
    """In counts of lists the id of the line end, after which a context begins anew; None in others."""

    @property
    def context_length(self) -> int:
        """The ids that a prediction depends on."""
        return self.order

    @property
    def parameter_count(self) -> int:
        """Number of n-grams."""
        return self.ngrams


NetworkHeader = Architecture | BlendHeader | NgramHeader
"""The description of a network in a model file, tagged by its ``kind``: the union of the headers of all kinds."""
