"""How odd a line is: its bits per character beside those of lines that the model has not learned from.

Lines that it has learned from would not do: a memory has seen them, so they cost too few bits. The quantiles of
held-out lines stand in the provenance of a model file, where the training text is one of many lines
(`nextchar.model.held_out_lines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from nextchar.errors import UsageError

SHARES = (*np.arange(100) / 100, *(0.991 + np.arange(9) / 1000), *(0.9991 + np.arange(9) / 10_000), 1.0)
"""Shares of the lines whose quantiles are kept, of fewer lines those that they can tell apart."""


class LineQuantiles(BaseModel):
    """Quantiles of the bits per character of held-out lines."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    lines: int = Field(ge=1)
    """Lines that were scored, each by itself."""
    shares: tuple[float, ...] = Field(min_length=2)
    """In order, from 0 to 1."""
    bits_per_character: tuple[float, ...]
    """That so many of the lines have at most."""

    @model_validator(mode="after")
    def _fit(self) -> LineQuantiles:
        rising = (np.diff(self.shares) > 0).all() and (np.diff(self.bits_per_character) >= 0).all()
        if (
            len(self.shares) != len(self.bits_per_character)
            or not rising
            or (self.shares[0], self.shares[-1]) != (0, 1)
        ):
            raise ValueError("the quantiles do not rise from 0 to 1")
        return self

    @classmethod
    def of(cls, bits_per_character: Sequence[float] | NDArray[np.float64]) -> LineQuantiles:
        """Return the quantiles of ``bits_per_character`` of some lines, at least one."""
        values = np.asarray(bits_per_character)  # (N,)
        shares = [share for share in SHARES if share in {0, 1} or (1 - share) * len(values) > 1 - 1e-9]
        return cls(
            lines=len(values),
            shares=tuple(round(float(share), 4) for share in shares),
            bits_per_character=tuple(np.round(np.quantile(values, shares), 4).tolist()),
        )

    @cached_property
    def _steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distinct bits per character, and the share of lines below each."""
        bits, firsts = np.unique(self.bits_per_character, return_index=True)
        return bits, np.array(self.shares)[firsts]

    def odder_than(self, bits_per_character: float) -> float:
        """Return the share of the lines that have fewer bits a character, from 0 to 1."""
        bits, shares = self._steps
        if bits_per_character > bits[-1]:
            return 1.0
        return float(np.interp(bits_per_character, bits, shares))

    def threshold(self, share: float) -> float:
        """Return the bits per character that ``share`` of the lines, from 0 to 1, have at most.

        Raises:
            UsageError: there are too few lines to say.
        """
        finest = self.shares[-2]
        if finest < share < 1:
            raise UsageError(
                f"The model file has the scores of {self.lines:,} held-out lines, too few for {100 * share:.6g}%: give "
                f"at most {100 * finest:.4g}%, or bits per character."
            )
        return float(np.interp(share, self.shares, self.bits_per_character))
