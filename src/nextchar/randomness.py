"""Seeds and random streams: one seed, many independent streams, so that what one part draws never shifts another's.

A seed is a whole number from 0 to 2^63 - 1. Writing draws one of 32 bits where none is given. Training draws none:
its seed is 0 unless given, so that two runs of the same command train the same model.
"""

from __future__ import annotations

import secrets
import zlib
from typing import Literal

import numpy as np

Purpose = Literal["weights", "order", "dropout", "weight dropout", "evaluation", "sampling"]

SEED_BITS = 32
"""Bits of a seed that is drawn: every client can hold such a number (a browser has 53), and a person can type it."""


def choose_seed(given: int | None = None) -> int:
    """Return the seed ``given``, or one drawn at random where there is none."""
    return secrets.randbits(SEED_BITS) if given is None else given


def random_stream(seed: int, purpose: Purpose, *path: int) -> np.random.Generator:
    """Return the random generator of ``purpose``, derived from the one ``seed`` of the run.

    ``path`` distinguishes streams of the same purpose (the second of several texts, the third evaluation).
    Source: O'Neill, "Developing a seed_seq alternative" (2015), as `numpy.random.SeedSequence` implements it.
    """
    key = (zlib.crc32(purpose.encode()), *path)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
