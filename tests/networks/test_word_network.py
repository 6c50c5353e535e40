"""What counts of words predict: the equations, sums of one, and what is known."""

import numpy as np
import pytest

from nextchar.networks.compiled_word_network import CompiledWordNetwork
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import BELONGS, DISCOUNT, SEPARATES, SEPARATOR, WordCounts
from nextchar.networks.word_network import WordNetwork
from nextchar.networks.word_pruning import prune_words

V = 8
KINDS = np.array([SEPARATES, SEPARATOR, *[BELONGS] * (V - 2)], np.uint8)
RANDOM = np.random.default_rng(0)
LEXICON = [RANDOM.integers(2, V, length) for length in (1, 2, 3, 4, 30)]
TEXT = np.concatenate([[*LEXICON[n], *([1] if n % 2 else [0, 1])] for n in RANDOM.integers(0, 5, 300)])
COUNTED = count_words(TEXT, KINDS)
ALL = {"whole": COUNTED, "pruned": prune_words(COUNTED, len(COUNTED) // 3)}


def log_p(batch: int, steps: int) -> np.ndarray:
    return np.log(np.random.default_rng(1).dirichlet(np.ones(V), (batch, steps))).astype(np.float32)


@pytest.mark.parametrize("network", [WordNetwork, CompiledWordNetwork])
def test_probabilities_are_what_the_equations_say(network: type[WordNetwork]) -> None:
    """After "these wor" and after "wor", counted by looking at the whole text."""
    ids = TEXT[40:80]
    given = log_p(1, len(ids))
    words = network(COUNTED)
    log_q, situations, _ = words.read(ids[None], words.initial_state(1), given)
    text = TEXT.tolist()
    starts = [place for place in range(len(text)) if place == 0 or KINDS[text[place - 1]] != BELONGS]
    for step in range(len(ids)):
        read = ids[: step + 1].tolist()
        start = max((place + 1 for place, token in enumerate(read) if KINDS[token] != BELONGS), default=0)
        beginning = read[start:]
        if start == 0 or len(beginning) > 20:
            continue  # the word began before what was read, or is too long
        came = [text[at + len(beginning)] for at in starts if text[at : at + len(beginning)] == beginning]
        n = np.bincount(came, minlength=V)
        p = np.exp(given[0, step].astype(np.float64))
        if n.sum():
            p = (n - DISCOUNT * (n > 0) + DISCOUNT * np.count_nonzero(n) * p) / n.sum()
        if situations[0, step] == 1:
            np.testing.assert_allclose(np.exp(log_q[0, step]), p, atol=1e-5)
    assert set(situations[0].tolist()) == {0, 1, 2}


@pytest.mark.parametrize("network", [WordNetwork, CompiledWordNetwork])
@pytest.mark.parametrize("name", ALL)
def test_probabilities_sum_to_one_and_pieces_change_nothing(network: type[WordNetwork], name: str) -> None:
    ids = np.concatenate([TEXT[:60], np.random.default_rng(3).integers(0, V, 60)])[None].repeat(2, 0)
    given = log_p(2, ids.shape[1])
    words = network(ALL[name])
    log_q, situations, after = words.read(ids, words.initial_state(2), given)
    np.testing.assert_allclose(np.exp(log_q.astype(np.float64)).sum(-1), 1, atol=1e-6)
    state, parts = words.initial_state(2), []
    for part in (slice(0, 1), slice(1, 50), slice(50, None)):
        kept = state.copy()
        predicted, _, after_part = words.read(ids[:, part], state, given[:, part])
        np.testing.assert_array_equal(state, kept)
        state = after_part
        parts.append(predicted)
    np.testing.assert_array_equal(np.concatenate(parts, 1), log_q)
    np.testing.assert_array_equal(state, after)
    assert set(situations.ravel().tolist()) == {0, 1, 2}


@pytest.mark.parametrize("name", ALL)
def test_numpy_and_compiled_loops_agree(name: str) -> None:
    ids = np.random.default_rng(4).integers(0, V, (3, 80))
    ids[0] = TEXT[200:280]
    given = log_p(3, 80)
    slow, quick = WordNetwork(ALL[name]), CompiledWordNetwork(ALL[name])
    expected, found = (words.read(ids, words.initial_state(3), given) for words in (slow, quick))
    np.testing.assert_allclose(found[0], expected[0], atol=2e-6)
    np.testing.assert_array_equal(found[1], expected[1])


def bits(words: WordCounts) -> float:
    network, ids = WordNetwork(words), TEXT[:-1][None]
    log_q, _, _ = network.read(ids, network.initial_state(1), np.full((1, len(TEXT) - 1, V), -np.log(V), np.float32))
    return -float(log_q[0, np.arange(len(TEXT) - 1), TEXT[1:]].mean()) / np.log(2)


def test_pruning_keeps_what_is_worth_most() -> None:
    assert prune_words(COUNTED, len(COUNTED)) is COUNTED
    sizes = [len(COUNTED), len(COUNTED) // 2, len(COUNTED) // 4, 20, 0]
    kept = [prune_words(COUNTED, size) for size in sizes]
    assert all(len(words) <= size for words, size in zip(kept, sizes, strict=True))
    needed = [bits(words) for words in kept]
    assert needed == sorted(needed)
    assert needed[2] < needed[0] + 0.1
    assert needed[-1] == pytest.approx(np.log2(V), abs=1e-5)
