"""Events go through JSON and come back."""

import math

import pytest

from nextchar.training.events import (
    Evaluated,
    Finished,
    Note,
    Planned,
    Recovered,
    Sampled,
    Saved,
    TextRead,
    event_from_json,
)
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan

PLAN = Plan(
    hidden=(8, 4), embedding=None, input_dropout=0, dropout=0.1, feeding=Streams(batch=2, window=4), shards=1, steps=9,
    learning_rate=0.01, warm_up=1, weight_decay=0, clip=1, checkpoint_every=3,
)  # fmt: skip
EVENTS = [
    Note(message="한글 \n ☃"),
    TextRead(
        names=("a", "b"), characters=10, distinct=3, vocabulary_size=4, rare=0, training_characters=9,
        validation_characters=1, content_sha256="00",
    ),
    Planned(plan=PLAN, parameters=7, device="cpu", seed=2**62),
    Evaluated(
        step=3, epoch=0.5, seconds=1.25, training_bits_per_character=2.5, validation_bits_per_character=None,
        learning_rate=0.01, best=True,
    ),
    Sampled(step=3, epoch=0.5, temperature=0.2, prompt="a\tb", text='"\u2028\0'),
    Saved(step=3),
    Finished(step=9, seconds=2, best_step=3, validation_bits_per_character=2.0, interrupted=False),
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_every_event_comes_back_from_one_line(event: Note) -> None:
    line = event.model_dump_json()
    assert "\n" not in line
    assert event_from_json(line) == event


def test_a_loss_that_is_no_number_comes_back() -> None:
    event = Recovered(step=9, back_to=6, bits_per_character=math.nan, rate_scale=0.5)
    again = event_from_json(event.model_dump_json())
    assert isinstance(again, Recovered)
    assert math.isnan(again.bits_per_character)


@pytest.mark.parametrize("line", ["", "{}", '{"event": "note"}', '{"event": "dance"}', '{"event": "saved", "step"'])
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        event_from_json(line)
