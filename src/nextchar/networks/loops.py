"""All compiled loops at once, so that nobody waits for them later: ``python -m nextchar.networks.loops``.

An installation runs this once. Without it, each loop is compiled when it is first needed, and kept.
"""

from __future__ import annotations

import numpy as np

from nextchar.networks import compiled_blend, compiled_network, compiled_ngram_network
from nextchar.networks.blend import TextCounts
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_pruning import prune
from nextchar.networks.reading_along import ReadingAlong
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import BELONGS, SEPARATOR


def compile_all() -> None:
    """Load every loop that reads, writes and counts, or compile it: about a minute on a machine's first use."""
    compiled_network.compile_kernels()
    compiled_network.compile_kernels("int8")
    compiled_ngram_network.compile_kernels()
    compiled_blend.compile_kernels()
    ids = np.arange(60) % 3
    for size in (3, 300):  # ids in bytes, and wider ones
        prune(count_text(ids, size, 2, drop_rare=True), 3)
    words = count_words(ids, np.array([SEPARATOR, BELONGS, BELONGS], np.uint8))
    weights = np.ones((9, 3), np.float32)
    zeros = np.zeros((3, 3), np.float32)
    ReadingAlong(3, 3, TextCounts(count_text(ids, 3, 2), words), weights).read(ids[:3], zeros, zeros)


if __name__ == "__main__":
    compile_all()
