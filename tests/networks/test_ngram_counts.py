"""Pruning n-grams."""

from __future__ import annotations

import numpy as np

from nextchar.networks.ngram_counts import NgramCounts, count_text, prune
from nextchar.networks.ngram_network import NgramNetwork


def test_pruning_twice_keeps_nearly_what_pruning_once_keeps() -> None:
    """What was pruned first lacks shorter contexts of those that stay; their worth is computed all the same."""
    random = np.random.default_rng(0)
    words = [random.integers(1, 12, random.integers(1, 7)) for _ in range(300)]
    ranks = np.minimum(random.zipf(1.2, 6000), 300) - 1
    ids = np.concatenate([np.append(words[rank], 0) for rank in ranks])
    counted, held_out = ids[:15000], ids[None, 15000:17000]
    whole = count_text(counted, 12, 6)

    def nats(counts: NgramCounts) -> float:
        network = NgramNetwork(counts)
        log_p, _ = network.forward(held_out[:, :-1], network.initial_state(1))
        return float(-np.take_along_axis(log_p, held_out[:, 1:, None], -1).mean())

    once, twice = prune(whole, 1500), prune(prune(whole, 4000), 1500)
    assert abs(nats(twice) - nats(once)) < 0.1 * (nats(once) - nats(whole))
