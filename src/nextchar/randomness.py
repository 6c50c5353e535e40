"""One seed, many independent streams: drawing from one never changes what another gives."""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np

Purpose = Literal["weights", "order", "dropout", "evaluation", "sampling"]


def random_stream(seed: int, purpose: Purpose, *path: int) -> np.random.Generator:
    """Return the random generator of ``purpose``, derived from the one ``seed`` of the run.

    ``path`` distinguishes streams of the same purpose (the second of several texts, the third evaluation).
    Source: O'Neill, "Developing a seed_seq alternative" (2015), as `numpy.random.SeedSequence` implements it.
    """
    key = (zlib.crc32(purpose.encode()), *path)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
