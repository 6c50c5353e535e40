"""The options of `nextchar.settings` as keyword arguments, so that editors complete them and type checkers know them.

`settings` is the list; a test holds these to it. What they mean, their ranges and defaults stand there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from nextchar.decoding import Errors
from nextchar.settings import Precision


class TextOptions(TypedDict, total=False):
    """How a text is read: `nextchar.settings.TextSettings`."""

    encoding: str | None
    errors: Errors
    lowercase: bool
    validation: float | None
    min_count: int | None


class TrainingOptions(TextOptions, total=False):
    """How a text is read and a model trained on it: `nextchar.settings.TrainingSettings`, too."""

    recipe: Literal["default", "classic"]
    time: float | str | None
    epochs: float | None
    steps: int | None
    seed: int
    hidden: int | None
    layers: int | None
    embedding: int | None
    dropout: float | None
    streams: int | None
    window: int | None
    learning_rate: float | None
    weight_decay: float | None
    clip: float | None
    precision: Precision | None
    evaluations: int | None
    sample_length: int
    save_every: float | str
    device: Literal["auto", "cpu", "cuda", "mps"]
    gpu_memory_fraction: float | None
    threads: int | None


class SamplingOptions(TypedDict, total=False):
    """How the next character is drawn: `nextchar.settings.SamplingSettings`."""

    length: int
    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    stop: str | Sequence[str]
    seed: int | None
