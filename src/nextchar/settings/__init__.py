"""Options: one list, validated in one place. Terminal flags, keyword arguments and the records of runs use it.

All is imported from here. Read in this order; a module imports only from those before it:

- `values`: values with names, and durations and sizes as people write them.
- `validation`: what a wrong option is, in a sentence that says what is allowed.
- `text`: how a text is read and encoded.
- `training`: how a model is trained.
- `sampling`: how the next character is drawn.
- `serving`: where a server listens, and how much it does for one request.
"""

from nextchar.settings.sampling import SamplingSettings, sampling_limits
from nextchar.settings.serving import ServeSettings
from nextchar.settings.text import TextSettings
from nextchar.settings.training import TrainingSettings
from nextchar.settings.validation import Settings, build, explain, explain_details, flag
from nextchar.settings.values import (
    MIN_RUN,
    NOTHING,
    SAMPLE_TEMPERATURES,
    Adapt,
    Boundary,
    Duration,
    Errors,
    Exchange,
    Normalization,
    OneOrMore,
    Precision,
    RecipeName,
    Repeated,
    Size,
    TokenChoice,
    TokenKind,
    Weights,
    as_texts,
    describe_duration,
    describe_value,
)

__all__ = [
    "MIN_RUN",
    "NOTHING",
    "SAMPLE_TEMPERATURES",
    "Adapt",
    "Boundary",
    "Duration",
    "Errors",
    "Exchange",
    "Normalization",
    "OneOrMore",
    "Precision",
    "RecipeName",
    "Repeated",
    "SamplingSettings",
    "ServeSettings",
    "Settings",
    "Size",
    "TextSettings",
    "TokenChoice",
    "TokenKind",
    "TrainingSettings",
    "Weights",
    "as_texts",
    "build",
    "describe_duration",
    "describe_value",
    "explain",
    "explain_details",
    "flag",
    "sampling_limits",
]
