"""The events of a run. The terminal, the log, a notebook and a web page read the same ones.

Each event is one line of JSON in ``events.jsonl``; its ``event`` field says which kind it is.

>>> import nextchar
>>> events = []
>>> model = nextchar.train(text="so it goes. " * 100, steps=20, hidden=8, on_event=events.append)
>>> [event.validation_bits_per_character > 0 for event in events if isinstance(event, nextchar.events.Evaluated)][-1]
True
>>> events[-1].event, events[-1].step
('finished', 20)
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from nextchar.training.plan import Plan

Count = Annotated[int, Field(ge=0, lt=2**53)]
"""A count that every JSON reader reads exactly."""
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


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
    characters: Count
    distinct: Count
    """Distinct characters of the text."""
    vocabulary_size: Count
    rare: Count
    """Characters of the training text that are too rare to learn and are read as the unknown symbol."""
    training_characters: Count
    validation_characters: Count
    """Characters held out and scored, from the ends of the texts."""
    held_out_characters: Count | None = None
    """All that are held out; None in older logs, where all of them were scored."""
    unknown_characters: Count = 0
    """Of the characters scored, those that the vocabulary lacks."""
    content_sha256: str


class Planned(_Event):
    """The plan was chosen."""

    event: Literal["planned"] = "planned"
    plan: Plan
    parameters: Count
    device: str
    seed: int
    expected_seconds: Amount | None = None
    """Training time expected from the measured speed; None where nothing was measured."""
    expected_total_seconds: float | None = None
    """Time of the whole run: reading and measuring, training, evaluations and samples, the report."""


class Progress(_Event):
    """Where training is; several a second, not logged."""

    event: Literal["progress"] = "progress"
    step: Count
    steps: Count
    epoch: Amount
    """Passes over the training text so far."""
    bits_per_character: float
    """On the text just trained on, averaged over the last steps."""
    characters_per_second: float
    seconds: Amount
    """Training time so far: training alone, over all sessions of the run."""
    seconds_left: float


class Evaluated(_Event):
    """The model was scored."""

    event: Literal["evaluated"] = "evaluated"
    step: Count
    epoch: Amount
    seconds: Amount
    training_bits_per_character: float
    """Mean over the updates since the last evaluation, with dropout; an unknown character counts as the unknown symbol
    and no more."""
    validation_bits_per_character: float | None
    """On the held-out text, every character of it, as `nextchar evaluate` tells it; None where nothing is held out."""
    scored_characters: Count = 0
    """Held-out characters that this was found on, the same each time: excerpts where scoring all would take long."""
    learning_rate: Amount
    best: bool
    """Whether this is the best model so far, and kept."""


class Writing(_Event):
    """The model is writing a sample: one more character of it, empty at the start; not logged."""

    event: Literal["writing"] = "writing"
    temperature: Amount
    prompt: str
    text: str


class Sampled(_Event):
    """The model wrote something."""

    event: Literal["sampled"] = "sampled"
    step: Count
    epoch: Amount
    temperature: Amount
    prompt: str
    text: str


class Recovered(_Event):
    """Training diverged and went back to the last good state, with a lower learning rate."""

    event: Literal["recovered"] = "recovered"
    step: Count
    back_to: Count
    bits_per_character: float
    """Training loss that was seen; may be NaN or infinite."""
    rate_scale: Amount
    """What every learning rate of the plan is multiplied with from here on."""


class Revised(_Event):
    """The machine is faster or slower than when it was measured: the number of updates was changed, once."""

    event: Literal["revised"] = "revised"
    step: Count
    planned_steps: Count
    steps: Count
    """From here on."""


class Saved(_Event):
    """Everything that an exact resume needs is on disk."""

    event: Literal["saved"] = "saved"
    step: Count


class Finished(_Event):
    """Training is over: done, or interrupted and saved."""

    event: Literal["finished"] = "finished"
    step: Count
    seconds: Amount
    best_step: Count | None
    """Step of the model that was kept."""
    validation_bits_per_character: float | None
    """Of the model that was kept, the state carried through the whole held-out text."""
    unknown_characters: Count = 0
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
    return _ADAPTER.validate_json(line, strict=True)
