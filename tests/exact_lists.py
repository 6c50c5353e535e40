"""A model so small that the probability of every entry of a list can be computed one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from nextchar.model.sampling import next_distribution
from nextchar.networks.architecture import Network
from nextchar.settings import SamplingSettings
from tests.small_networks import random_model

ALPHABET = "\nabc"
LONGEST = 6
MODEL = random_model(ALPHABET, seed=5)


def probabilities(
    network: Network[Any] | None = None, longest: int = LONGEST, *, masked: bool = False, **sampling: Any
) -> dict[str, float]:
    """Return the probability of each entry of at most ``longest`` characters.

    Args:
        network: that of `MODEL` unless given.
        longest: characters.
        masked: cut what is left after characters have been forbidden, as a list does, and go on with the probability of
            what was allowed: no empty entries, and nothing but the line end after ``longest`` characters.
        **sampling: options of `SamplingSettings`; temperature 1 unless given.
    """
    network = network or MODEL.network
    settings = SamplingSettings(**{"temperature": 1.0, **sampling})
    plain = SamplingSettings(temperature=settings.temperature)
    vocabulary, line_end, never = MODEL.vocabulary, MODEL.start_id, MODEL.vocabulary.never_drawn
    letters = vocabulary.encode(ALPHABET[1:]).tolist()
    found: dict[str, float] = {}
    open_entries: list[tuple[str, float]] = [("", 1.0)]
    for length in range(longest + 1):
        ids = np.array([[line_end, *vocabulary.encode(text).tolist()] for text, _ in open_entries])
        logits = network.forward(ids, network.initial_state(len(ids)))[0][:, -1]  # (B, V)
        forbidden = (line_end,) if length == 0 else tuple(letters) if length == longest else ()
        following = next_distribution(logits, settings, (*never, *(forbidden if masked else ())))  # (B, V)
        if masked:
            following *= 1 - next_distribution(logits, plain, never)[:, list(forbidden)].sum(-1, keepdims=True)
        found |= {text: p * row[line_end] for (text, p), row in zip(open_entries, following.tolist(), strict=True)}
        open_entries = [
            (text + character, p * row[letter])
            for (text, p), row in zip(open_entries, following.tolist(), strict=True)
            for character, letter in zip(ALPHABET[1:], letters, strict=True)
        ]
    return found


def conditioned(all_entries: dict[str, float], allowed: set[str]) -> dict[str, float]:
    """Return the distribution of the ``allowed`` entries alone."""
    total = sum(all_entries[entry] for entry in allowed)
    return {entry: all_entries[entry] / total for entry in allowed}
