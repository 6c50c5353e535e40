"""The settings of a run, which a resume does not change: the content of settings.json."""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nextchar.errors import UsageError, shortened
from nextchar.files.format_version import STAMP, NewerFormatError, check_format, format_stamp
from nextchar.model.provenance import Ancestor
from nextchar.settings import TextSettings, TrainingSettings, explain_details
from nextchar.training.plan import Budget, Plan
from nextchar.training.recipes import recipe_of

FORMAT = 2
"""The plans of format 1 have other names."""
MAX_EVALUATIONS = 100_000
_MAX_WRONG = 3
"""Most wrong entries that an error names."""


class Base(BaseModel):
    """The model that a run started from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ancestors: tuple[Ancestor, ...] = Field(min_length=1)
    """The model itself, and those that it was trained from."""
    characters: str
    """The characters that it knows."""
    tokens: dict[str, Any] | None = None
    """Its tokens, where they are something else than characters."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.ancestors[0].name


class RunSettings(BaseModel):
    """The settings of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: tuple[str, ...] = Field(min_length=1)
    """The texts as given; files with their absolute paths."""
    names: tuple[str, ...]
    """The names of the texts."""
    corpus_key: str = Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")
    """Key of the encoded corpus in the cache."""
    text: TextSettings
    training: TrainingSettings
    base: Base | None = None
    """None if the run started from nothing."""
    plan: Plan | None
    """None of a run that only counts."""
    budget: Budget | None = None
    """The time that the number of updates follows; None if the number was given."""
    device: str = Field(pattern="^(cpu|cuda|mps)$")
    threads: int = Field(ge=1, le=1024)
    """Threads of torch; the order of its sums depends on their number."""
    evaluations: int = Field(ge=1, le=MAX_EVALUATIONS)
    """Number of evaluations, each with samples, evenly over the plan."""
    prompt: str = Field(max_length=4096)
    """The prompt that every sample continues."""

    @model_validator(mode="after")
    def _fits_recipe(self) -> RunSettings:
        if (self.plan is not None) != recipe_of(self.training).has_plan:
            given = "is missing" if self.plan is None else "is not allowed"
            raise ValueError(f"plan {given} with the recipe {self.training.recipe}")
        return self

    def to_json(self) -> bytes:
        """Return the content of settings.json."""
        # Unlike pydantic, json can write file names that are not UTF-8, which Python keeps as lone surrogates.
        exclude = {name for name in ("base", "budget") if getattr(self, name) is None}  # as runs before there were any
        values = self.model_dump(mode="json", exclude=exclude)
        if self.base is not None and self.base.tokens is None:
            del values["base"]["tokens"]
        return json.dumps({**format_stamp(FORMAT), **values}, indent=2).encode()

    @classmethod
    def from_json(cls, content: bytes | bytearray) -> RunSettings:
        """Return the settings that `to_json` wrote; every entry must have its type and be in its range.

        Raises:
            NewerFormatError: a newer version wrote them; the message completes "they were ...".
            ValueError: they are damaged, or an entry is not allowed; the message says which.
        """
        try:
            return cls.model_validate(_with_tuples(_without_stamp(json.loads(content))), strict=True)
        except NewerFormatError:
            raise
        except ValidationError as error:
            wrong = error.errors(include_url=False)
            more = f" {len(wrong) - _MAX_WRONG} more entries are wrong." if len(wrong) > _MAX_WRONG else ""
            raise ValueError(explain_details(cls, wrong[:_MAX_WRONG], "entry") + more) from error
        except RecursionError:
            raise ValueError("It is damaged: it is nested too deeply.") from None
        except ValueError as error:
            if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
                raise ValueError(f"It is damaged: it is not JSON ({error}).") from error
            raise


def plan_of(settings: RunSettings) -> Plan:
    """Return the plan of a run.

    Raises:
        UsageError: the run only counted its text, so it has none.
    """
    if settings.plan is None:
        raise UsageError("That run only counted its text, so it has no plan: name a run that trained a network.")
    return settings.plan


def _without_stamp(raw: object) -> dict[str, Any]:
    """Check the format of the JSON object ``raw``, and return its other entries.

    Raises:
        NewerFormatError: it has a newer format.
        ValueError: it is not a JSON object, or does not give its format.
    """
    if not isinstance(raw, dict):
        raise ValueError("It is damaged: it is not a JSON object.")
    entries = cast("dict[str, Any]", raw)
    if "format" not in entries:
        raise ValueError("format is missing.")
    try:
        check_format(entries, FORMAT)
    except NewerFormatError:
        raise
    except ValueError as error:
        raise ValueError(f"format = {shortened(entries['format'])} is not allowed: {error}.") from None
    return {name: value for name, value in entries.items() if name not in STAMP}


def _with_tuples(value: object) -> object:
    """Return ``value`` with tuples instead of lists, as strict validation requires."""
    if isinstance(value, list):
        return tuple(_with_tuples(item) for item in cast("list[object]", value))
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in cast("dict[str, object]", value).items()}
    return value
