"""Options of writing: how the next character is drawn."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nextchar.settings.validation import Settings
from nextchar.settings.values import OneOrMore

_RANGE = ("type", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


class SamplingSettings(Settings):
    """How the next character is drawn. ``None`` is off."""

    length: int = Field(default=400, ge=0, le=100_000_000, description="Characters to write.")
    temperature: float = Field(
        default=0.5,
        ge=0,
        le=100,
        description="0 is greedy; below 1 is safer, above 1 wilder than the model itself.",
    )
    top_k: int | None = Field(default=None, ge=1, description="Draw only from the K most probable characters.")
    top_p: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Draw only from the fewest characters whose probabilities add up to P or more.",
    )
    min_p: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Draw only from characters at least P times as probable as the most probable one.",
    )
    adapt: bool = Field(default=False, description="Learn from the prompt first; best with a long one.")
    max_copy: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Copy at most N characters in a row from the training text, which must be in the model file.",
    )
    stop: OneOrMore = Field(default=(), description="Stop before this text; may be repeated.")
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**63,
        description="The same seed gives the same text; by default it is drawn and reported.",
    )


def sampling_limits() -> dict[str, dict[str, Any]]:
    """Return the range and the default of each number in `SamplingSettings`, in the words of JSON Schema."""
    limits: dict[str, dict[str, Any]] = {}
    for name, schema in SamplingSettings.model_json_schema()["properties"].items():
        number = schema.get("anyOf", [schema])[0]  # an option that may be off is a number or null
        if number["type"] in {"integer", "number"}:
            limits[name] = {key: number[key] for key in _RANGE if key in number} | {"default": schema["default"]}
    return limits
