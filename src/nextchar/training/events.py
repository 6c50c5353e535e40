"""The events of a run. The terminal, the log, a notebook and a web page read the same events.

Each event is a line of JSON in ``events.jsonl``; its field ``event`` gives its kind.

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

from nextchar.settings import TokenKind
from nextchar.training.plan import Plan

Count = Annotated[int, Field(ge=0, lt=2**53)]
"""A count that every JSON parser reads exactly."""
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Note(_Event):
    """Something that the user should know; it is not an error."""

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
    """Distinct characters of the training text that are too rare to learn and are read as the unknown symbol."""
    training_characters: Count
    tokens: TokenKind = "characters"
    token_count: Count | None = None
    """Tokens of the whole text; None in runs from before there were other kinds than characters."""
    validation_characters: Count
    """Held-out characters that are scored, from the ends of the texts."""
    held_out_characters: Count | None = None
    """All held-out characters; None in older logs, where all of them were scored."""
    unknown_characters: Count = 0
    """Scored characters that are not in the vocabulary."""
    content_sha256: str
    lines: Count | None = None
    """Lines of a list, held-out ones included; None for other texts."""


class BaseRead(_Event):
    """The model that training starts from was read, and what it knows of each character has gone over."""

    event: Literal["base_read"] = "base_read"
    name: str
    known: Count
    """Characters that the model knows."""
    new: tuple[tuple[str, str], ...]
    """Characters that it does not know, and for each the character as which it begins; "" is the unknown symbol."""
    left_out: str
    """Characters of the model that are not kept."""
    validation_bits_per_character: float | None
    """Of the model before training, on ``scored_characters`` of the held-out text."""
    scored_characters: Count


class Planned(_Event):
    """The plan was chosen."""

    event: Literal["planned"] = "planned"
    plan: Plan
    parameters: Count
    device: str
    seed: int
    tokens: TokenKind = "characters"
    expected_seconds: Amount | None = None
    """Training time by the measured speed; None if nothing was measured."""
    expected_total_seconds: float | None = None
    """Time of the whole run: reading and measuring, training, evaluations and samples, the report."""


class Counted(_Event):
    """The n-grams of the text were counted, and no network is trained."""

    event: Literal["counted"] = "counted"
    characters: Count
    """Characters that were counted, of all that may be learned from."""
    ngrams: Count
    """N-grams that are kept."""
    order: Count
    """Characters of context."""
    tokens: TokenKind = "characters"
    """What was counted."""
    seconds: Amount


class Progress(_Event):
    """How far training has come; several times a second, not logged."""

    event: Literal["progress"] = "progress"
    step: Count
    steps: Count
    epoch: Amount
    """Passes over the training text so far."""
    bits_per_character: float
    """Mean training loss of the last steps."""
    characters_per_second: float
    seconds: Amount
    """Training time so far, without anything else, over all sessions of the run."""
    seconds_left: float


class Evaluated(_Event):
    """The model was scored."""

    event: Literal["evaluated"] = "evaluated"
    step: Count
    epoch: Amount
    seconds: Amount
    training_bits_per_character: float
    """Mean training loss since the last evaluation, with dropout; unknown characters have no extra cost."""
    validation_bits_per_character: float | None
    """On the held-out text, including unknown characters, as `nextchar evaluate` computes it; None if nothing is held
    out."""
    scored_characters: Count = 0
    """Held-out characters that were scored, the same each time: excerpts if scoring all would take long."""
    learning_rate: Amount
    best: bool
    """Whether this is the best model so far, which is kept."""


class Writing(_Event):
    """The next character of a sample that the model is writing, empty at the start; not logged."""

    event: Literal["writing"] = "writing"
    temperature: Amount
    prompt: str
    text: str


class Sampled(_Event):
    """The model wrote a sample."""

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
    """The training loss, which may be NaN or infinite."""
    rate_scale: Amount
    """Factor of every learning rate of the plan from here on."""


class Revised(_Event):
    """The number of updates changed, because the machine is faster or slower than before."""

    event: Literal["revised"] = "revised"
    step: Count
    planned_steps: Count
    steps: Count
    """The new number of updates."""


class Saved(_Event):
    """Everything for an exact resume is on disk."""

    event: Literal["saved"] = "saved"
    step: Count


class Finished(_Event):
    """Training or counting has ended: it is complete, or it was interrupted and saved."""

    event: Literal["finished"] = "finished"
    step: Count
    seconds: Amount
    best_step: Count | None
    """The step of the model that was kept."""
    validation_bits_per_character: float | None
    """Of the model that was kept, on the held-out text."""
    network_bits_per_character: float | None = None
    """Of its network alone, where it is blended with counts."""
    base: str | None = None
    """The model that training started from."""
    unknown_characters: Count = 0
    """Of the characters scored for this, those that are not in the vocabulary."""
    characters_per_line: Amount | None = None
    """Mean length of the scored lines of a list, with their ends; None for other texts."""
    characters_per_byte: Amount | None = None
    """Where the tokens are bytes, the scored characters divided by their number."""
    interrupted: bool


Event = Annotated[
    Note
    | TextRead
    | BaseRead
    | Planned
    | Counted
    | Progress
    | Evaluated
    | Writing
    | Sampled
    | Recovered
    | Revised
    | Saved
    | Finished,
    Field(discriminator="event"),
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def event_from_json(line: str | bytes) -> Event:
    """Return the event in a line of ``events.jsonl``.

    Raises:
        ValueError: the line is not an event.
    """
    return _ADAPTER.validate_json(line, strict=True)
