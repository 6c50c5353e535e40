"""An event of each kind, to be shown."""

from nextchar.training.events import (
    BaseRead,
    Counted,
    Evaluated,
    Event,
    Finished,
    Note,
    Planned,
    Progress,
    Recovered,
    Revised,
    Sampled,
    Saved,
    TextRead,
    Writing,
)
from tests.training.test_events import PLAN

NOTE = Note(message="the file [bold]book.txt[/bold] was read")
TEXT_READ = TextRead(
    names=("a.txt", "b.txt", "c.txt", "d.txt", "e.txt"),
    characters=12345,
    distinct=67,
    vocabulary_size=60,
    rare=8,
    training_characters=11110,
    validation_characters=1235,
    content_sha256="0",
)
PLANNED = Planned(plan=PLAN, parameters=54321, device="cpu", seed=1, expected_seconds=58.2)
PROGRESS = Progress(
    step=30,
    steps=120,
    epoch=0.5,
    bits_per_character=2.3456,
    characters_per_second=98765.4,
    seconds=12.0,
    seconds_left=95.0,
)
EVALUATED = Evaluated(
    step=60,
    epoch=1.0,
    seconds=30.0,
    training_bits_per_character=2.1,
    validation_bits_per_character=2.25,
    learning_rate=0.01,
    best=True,
)
SAMPLED = Sampled(
    step=60, epoch=1.0, temperature=0.5, prompt="He [red]", text="said [bold]no[/bold] :smile: 12\n\nyes\n\n"
)
WRITING = [
    Writing(temperature=0.5, prompt=SAMPLED.prompt, text=""),
    *(Writing(temperature=0.5, prompt=SAMPLED.prompt, text=character) for character in SAMPLED.text),
]
BASE_READ = BaseRead(
    name="english",
    known=60,
    new=(("é", "e"), ("가", "")),
    left_out="[]",
    validation_bits_per_character=2.345,
    scored_characters=4096,
)
COUNTED = Counted(characters=5400, ngrams=5321, order=8, seconds=0.21)
RECOVERED = Recovered(step=70, back_to=60, bits_per_character=float("nan"), rate_scale=0.5)
REVISED = Revised(step=50, planned_steps=1200, steps=1500)
SAVED = Saved(step=60)
FINISHED = Finished(step=1200, seconds=61.0, best_step=60, validation_bits_per_character=2.25, interrupted=False)
EVENTS: list[Event] = [
    NOTE,
    TEXT_READ,
    PLANNED,
    PROGRESS,
    EVALUATED,
    *WRITING,
    SAMPLED,
    RECOVERED,
    REVISED,
    SAVED,
    FINISHED,
]
