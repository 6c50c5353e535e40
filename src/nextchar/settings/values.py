"""Values of options: those with names, and durations and sizes as people write them."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator

from nextchar.errors import shortened

Weights = Literal["float32", "int8"]
"""How a model's weights are stored while it writes and scores."""

Adapt = Literal["none", "counts", "weights"]
"""What learns from a text as it is scored: nothing; the counts, and with them the output layer and the weights of the
mixture (`nextchar.networks.reading_along`); or the counts and all weights of the network
(`nextchar.model.dynamic_evaluation`)."""

Errors = Literal["strict", "replace", "latin"]
"""How wrong bytes are read: as an error, as U+FFFD for each sequence, or as one cp1252 character for each byte."""

Boundary = Literal["line", "blank", "none"]
"""What separates documents: each starts on a new line, or after a blank line, or they are joined as they stand."""

Repeated = Literal["keep", "once"]
"""How often a line of a list is learned that is there several times."""

TokenKind = Literal["characters", "bytes", "jamo", "words"]
"""What the tokens of a model are."""

TokenChoice = Literal["auto", TokenKind]
"""The same, or what suits the text."""

Normalization = Literal["nfc", "nfkc"]
"""Unicode's normalization forms that a text may be brought into before it is learned: composed, or composed with
compatibility characters replaced."""

Precision = Literal["float32", "bfloat16"]
"""Number format of matrix products in training."""

Exchange = Literal["float32", "bfloat16", "local"]
"""What processes that train together exchange: the gradients of every update, in one of two number formats, or their
weights after some local updates."""

RecipeName = Literal["default", "classic", "counts"]
"""Names of the recipes (`nextchar.training.recipes`)."""

SAMPLE_TEMPERATURES = (0.2, 0.5, 1.0, 1.2)

NOTHING = "none"
"""In place of a model to start from: start from random weights, whatever base models are installed."""

MIN_RUN = 20
"""Characters from which a run counts as copied, unless another number is given."""

_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_duration(value: object) -> object:
    """Turn ``"90"``, ``"60s"``, ``"5m"``, ``"1.5h"`` into seconds; leave anything that is not a string alone.

    Raises:
        ValueError: the string is not a duration.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(s|min|m|h|)\s*", value)
    if match is None:
        raise ValueError(
            f"{shortened(value)} is not a duration: write seconds, minutes or hours like 90, 60s, 5m or 1h"
        )
    return float(match[1]) * _UNITS[match[2]]


def describe_duration(seconds: float) -> str:
    """Return ``seconds`` as people write it: 4.2 s, 59 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def describe_value(value: object) -> str:
    """Return the value of an option as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value).strip("()[],")  # (128, 128)


def parse_size(value: object) -> object:
    """Turn ``"250000"``, ``"500kB"``, ``"1.5MB"`` into bytes; leave anything that is not a string alone.

    Raises:
        ValueError: the string is not a size.
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmg]?b|)\s*", value, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{shortened(value)} is not a size: write bytes, kB, MB or GB like 500kB or 1.5MB")
    return float(match[1]) * _SIZES[match[2].lower()]


Size = Annotated[float, BeforeValidator(parse_size)]
Duration = Annotated[float, BeforeValidator(parse_duration)]


def as_texts(value: object) -> object:
    """Return a single text as a tuple, so that a string is never taken for its characters; return others unchanged."""
    return (value,) if isinstance(value, str) else value


OneOrMore = Annotated[tuple[str, ...], BeforeValidator(as_texts)]
