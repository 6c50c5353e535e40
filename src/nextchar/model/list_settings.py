"""The options of a list: how many entries, which ones, and how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from pydantic import Field, model_validator

from nextchar.errors import shortened
from nextchar.settings import OneOrMore, SamplingSettings, Settings, flag

DRAWS_PER_ENTRY, MIN_DRAWS = 1000, 100_000
"""Entries drawn for each one wanted, and at least, before a list ends without it; unless ``max_draws`` is given."""
DRAWING = ("temperature", "top_k", "top_p", "min_p", "seed")
"""Options that shape the draws, of which the most probable entries have none."""


class ListSettings(Settings):
    """Which entries a list has. ``None`` is off."""

    count: int = Field(default=20, ge=1, le=10_000_000, description="Entries to write.")
    new: bool = Field(
        default=False,
        description="Only entries that are not in the training list, whatever their case; it must be in the model "
        "file.",
    )
    unique: bool = Field(default=False, description="No entry twice, whatever its case.")
    label: str | None = Field(
        default=None,
        description="Only entries of this kind, with a model of a list with labels: nextchar train --label-column.",
    )
    min: int = Field(default=1, ge=1, le=10_000, description="Fewest characters of an entry.")
    max: int = Field(default=500, ge=1, le=10_000, description="Most characters of an entry.")
    starts: OneOrMore = Field(default=(), description="Only entries that start with this, or with one of several.")
    ends: OneOrMore = Field(default=(), description="Only entries that end with this, or with one of several.")
    contains: OneOrMore = Field(default=(), description="Only entries that contain this, or one of several.")
    like: str | None = Field(
        default=None,
        max_length=1000,
        description="Only entries in which this regular expression (RE2) is found; ^ and $ are the ends of an entry.",
    )
    allowed: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Characters that an entry may have, like abc or a-z or a-zA-Z'-.",
    )
    best: bool = Field(default=False, description="The most probable entries, in order, instead of drawn ones.")
    temperature: float = Field(
        default=0.8,
        gt=0,
        le=100,
        description="1 is the model's own distribution; below 1 is safer, above 1 wilder.",
    )
    top_k: int | None = SamplingSettings.model_fields["top_k"]  # type: ignore[assignment]
    top_p: float | None = SamplingSettings.model_fields["top_p"]  # type: ignore[assignment]
    min_p: float | None = SamplingSettings.model_fields["min_p"]  # type: ignore[assignment]
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**63,
        description="The same seed gives the same list; by default it is drawn and reported.",
    )
    max_draws: int | None = Field(
        default=None,
        ge=1,
        description=f"Entries to draw before the list ends short; by default {DRAWS_PER_ENTRY:,} for each one wanted, "
        f"at least {MIN_DRAWS:,}.",
    )

    @model_validator(mode="after")
    def _lengths_in_order(self) -> ListSettings:
        if self.min > self.max:
            raise ValueError(f"--min {self.min:,} is more than --max {self.max:,}: no entry has such a length")
        return self

    @model_validator(mode="after")
    def _no_empty_parts(self) -> ListSettings:
        for name in ("starts", "ends", "contains"):
            for part in getattr(self, name):
                if not part or "\n" in part:
                    raise ValueError(
                        f"{flag(name)} {shortened(part)} is not allowed: give one character or more, on one line"
                    )
                if len(part) > self.max:
                    raise ValueError(
                        f"{flag(name)} {shortened(part)} has more characters than --max {self.max:,} allows"
                    )
        return self

    @model_validator(mode="after")
    def _best_draws_nothing(self) -> ListSettings:
        given = [flag(name) for name in DRAWING if name in self.model_fields_set and getattr(self, name) is not None]
        if self.best and given:
            raise ValueError(f"--best draws nothing, so {given[0]} has no effect on it: leave one of them out")
        return self

    @property
    def sampling(self) -> SamplingSettings:
        """How characters are drawn."""
        cuts = {name: getattr(self, name) for name in ("temperature", "top_k", "top_p", "min_p")}
        return SamplingSettings(**cuts)

    @property
    def is_cut(self) -> bool:
        """Whether more than a temperature shapes the draws."""
        return not (self.top_k is None and self.top_p is None and self.min_p is None)

    @property
    def draws(self) -> int:
        """Entries drawn before the list ends short."""
        return self.max_draws or max(MIN_DRAWS, DRAWS_PER_ENTRY * self.count)


class ListOptions(TypedDict, total=False):
    """The options of `ListSettings` as keyword arguments; a test holds the two together."""

    count: int
    new: bool
    unique: bool
    label: str | None
    min: int
    max: int
    starts: str | Sequence[str]
    ends: str | Sequence[str]
    contains: str | Sequence[str]
    like: str | None
    allowed: str | None
    best: bool
    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    seed: int | None
    max_draws: int | None
