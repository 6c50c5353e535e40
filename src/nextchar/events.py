"""What a run tells while it goes on. The terminal, the log, a notebook and a web page read the same events.

Each event is one line of JSON in ``events.jsonl``, told apart by its ``event`` field.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from nextchar.plan import Plan


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Note(_Event):
    """Something the user should know; nothing is wrong."""

    event: Literal["note"] = "note"
    message: str


class TextRead(_Event):
    """The texts were found, read and encoded."""

    event: Literal["text_read"] = "text_read"
    names: tuple[str, ...]
    characters: int
    distinct: int
    """Distinct characters of the text."""
    vocabulary_size: int
    rare: int
    """Characters of the training text that are too rare to learn and are read as the unknown symbol."""
    training_characters: int
    validation_characters: int
    """Characters held out and scored, from the ends of the texts."""
    held_out_characters: int | None = None
    """All that are held out; None in a log that does not say, where they are those scored."""
    unknown_characters: int = 0
    """Of the characters scored, those that the vocabulary lacks."""
    content_sha256: str


class Planned(_Event):
    """The plan was chosen."""

    event: Literal["planned"] = "planned"
    plan: Plan
    parameters: int
    device: str
    seed: int
    expected_seconds: float | None = None
    """Training time expected from the measured speed; None where nothing was measured."""


class Progress(_Event):
    """Where training is; several a second, not logged."""

    event: Literal["progress"] = "progress"
    step: int
    steps: int
    epoch: float
    """Passes over the training text so far."""
    bits_per_character: float
    """On the text just trained on, averaged over the last steps."""
    characters_per_second: float
    seconds: float
    """Training time so far: training alone, over all sessions of the run."""
    seconds_left: float


class Evaluated(_Event):
    """The model was scored."""

    event: Literal["evaluated"] = "evaluated"
    step: int
    epoch: float
    seconds: float
    training_bits_per_character: float
    """Mean over the updates since the last evaluation, with dropout; an unknown character counts as the unknown symbol
    and no more."""
    validation_bits_per_character: float | None
    """On the held-out text, every character of it, as `nextchar evaluate` tells it; None where nothing is held out."""
    scored_characters: int = 0
    """Held-out characters that this was found on, the same each time: excerpts where scoring all would take long."""
    learning_rate: float
    best: bool
    """Whether this is the best model so far, and kept."""


class Writing(_Event):
    """The model is writing a sample: one more character of it, empty at the start; not logged."""

    event: Literal["writing"] = "writing"
    temperature: float
    prompt: str
    text: str


class Sampled(_Event):
    """The model wrote something."""

    event: Literal["sampled"] = "sampled"
    step: int
    epoch: float
    temperature: float
    prompt: str
    text: str


class Recovered(_Event):
    """Training diverged and went back to the last good state, with a lower learning rate."""

    event: Literal["recovered"] = "recovered"
    step: int
    back_to: int
    bits_per_character: float
    """Training loss that was seen; may be NaN or infinite."""
    rate_scale: float
    """What every learning rate of the plan is multiplied with from here on."""


class Revised(_Event):
    """The machine is faster or slower than when it was measured: the number of updates was changed, once."""

    event: Literal["revised"] = "revised"
    step: int
    planned_steps: int
    steps: int
    """From here on."""


class Saved(_Event):
    """Everything that an exact resume needs is on disk."""

    event: Literal["saved"] = "saved"
    step: int


class Finished(_Event):
    """Training is over: done, or interrupted and saved."""

    event: Literal["finished"] = "finished"
    step: int
    seconds: float
    best_step: int | None
    """Step of the model that was kept."""
    validation_bits_per_character: float | None
    """Of the model that was kept, the state carried through the whole held-out text."""
    unknown_characters: int = 0
    """Of the characters that this was found on, those that the vocabulary lacks."""
    interrupted: bool


Event = Annotated[
    Note | TextRead | Planned | Progress | Evaluated | Writing | Sampled | Recovered | Revised | Saved | Finished,
    Field(discriminator="event"),
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def event_from_json(line: str | bytes) -> Event:
    """Return the event that one line of ``events.jsonl`` holds.

    Raises:
        ValueError: the line is no event.
    """
    return _ADAPTER.validate_json(line)
