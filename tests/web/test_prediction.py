"""The answers about the next character and the bits of a text, computed in steps."""

from __future__ import annotations

from nextchar.model.continuation import CHUNK
from nextchar.settings import SamplingSettings
from nextchar.web.prediction import distribution, score
from tests.small_networks import random_model

MODEL = random_model()


def test_a_long_prompt_is_read_in_steps() -> None:
    *steps, answer = distribution(MODEL, "the fox " * 1000, SamplingSettings(), 5)
    assert steps == [None] * -(-8000 // CHUNK)
    assert answer is not None
    assert answer["characters"] == list(MODEL.next_character_distribution("the fox " * 1000))[:5]


def test_a_long_text_is_scored_in_steps() -> None:
    assert list(score(MODEL, "the fox " * 1000, 2))[:-1] == [b""] * -(-8000 // CHUNK)
