"""One seed, many independent streams: what one part of a run draws never shifts what another part draws."""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np

Purpose = Literal["weights", "order", "dropout", "evaluation", "sampling"]


def random_stream(seed: int, purpose: Purpose, *path: int) -> np.random.Generator:
    """Return the random generator of ``purpose``, derived from the one ``seed`` of the run.

    ``path`` numbers further streams of the same purpose (the second text of several, the third evaluation).
    Source: O'Neill, "Developing a seed_seq alternative" (2015), as `numpy.random.SeedSequence` implements it.
    """
    key = (zlib.crc32(purpose.encode()), *path)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
