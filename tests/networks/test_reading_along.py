"""Reading along: each prediction comes before what is learned from the id, and is what slow, plain Python computes."""

from collections.abc import Iterator

import numpy as np
import pytest

from nextchar.networks import reading_along
from nextchar.networks.adaptive_network import NoNetwork
from nextchar.networks.blend import BlendNetwork, TextCounts
from nextchar.networks.growing_counts import GrowingCounts, grown_words, no_counts
from nextchar.networks.growing_kernels import fill_grown, read_and_count
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.networks.ngram_pruning import prune
from nextchar.networks.reading_along import FORGOTTEN, MATCH_WEIGHT, RATES, READ_WEIGHT, ReadingAlong
from nextchar.networks.reading_kernels import LENGTHS, MATCH_RATE, MIN_MATCH, MIX_RATE, NEGLIGIBLE
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import BELONGS, SEPARATES, SEPARATOR
from nextchar.networks.word_kernels import fill_grown_words, read_and_count_word
from nextchar.networks.word_network import WordNetwork
from nextchar.networks.word_pruning import prune_words

V, H, ORDER = 7, 3, 3
KINDS = np.array([SEPARATOR, SEPARATES, *[BELONGS] * (V - 2)], np.uint8)
WEIGHTS, WORD_WEIGHTS = (
    np.random.default_rng(1).uniform(0.3, 0.7, shape).astype(np.float32)
    for shape in ((ORDER + 1, 2), (3 * (ORDER + 1), 3))
)


def counts() -> TextCounts:
    return TextCounts(prune(count_text(np.random.default_rng(2).integers(0, V, 400), V, ORDER), 150))


def with_words() -> TextCounts:
    words = count_words(np.random.default_rng(2).integers(0, V, 400), KINDS)
    return TextCounts(counts().ngrams, prune_words(words, len(words) // 2))


def made_up(length: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ids (T,) with repetitions, and logits (T, V) and outputs (T, H) of a network that is not there."""
    random = np.random.default_rng(seed)
    phrase = random.integers(0, V, 30)
    ids = np.concatenate([random.integers(0, V, 20), *[[*phrase, random.integers(0, V)] for _ in range(length)]])
    logits = random.normal(0, 1, (length, V)).astype(np.float32)
    return ids[:length], logits, random.normal(0, 0.5, (length, H)).astype(np.float32)


def softmax(z: np.ndarray) -> np.ndarray:
    p = np.exp(z - z.max())
    return p / p.sum()


def class_of(length: int) -> int:
    return 0 if length == 0 else min(LENGTHS - 1, 1 + int(2 * np.log2(length / MIN_MATCH)))


def plain_predictions(
    ids: list[int], logits: np.ndarray, hidden: np.ndarray, counts: TextCounts, weights: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield the probabilities of the next id after each of ``ids``, by the equations, with a search of the whole past
    for matches."""
    ngrams, words = counts
    grown, read = GrowingCounts(ngrams), GrowingCounts(no_counts(V, ngrams.order, ngrams.discounts))
    of_words = grown_words(words, V)
    changes, biases = np.zeros((2, V, H)), np.zeros((2, V))
    learned, matched = np.zeros(4 if words is None else 5), np.array([0.0] + [MATCH_WEIGHT] * (LENGTHS - 1))
    follower, length, last = -1, 0, None
    for step, token in enumerate(ids):
        if last is not None:
            x, p, before = last
            learned += [MIX_RATE * (part[token] - p @ part) for part in x]
            if length:
                matched[class_of(length)] += MATCH_RATE * ((ids[follower] == token) - p[ids[follower]])
            for copy in range(2):
                error = softmax(x[copy]) - np.eye(V)[token]
                rows = np.abs(error) > NEGLIGIBLE
                step_size = RATES[copy] / (1 + before @ before) * error[rows]
                kept = 1 - FORGOTTEN[copy]
                changes[copy, rows] = kept * changes[copy, rows] - step_size[:, None] * before
                biases[copy, rows] = kept * biases[copy, rows] - step_size
        for tree in (grown, read):
            tree.make_room(1)
            read_and_count(tree.tree, token, last is not None)
        if words is not None:
            of_words.make_room(1)
            read_and_count_word(of_words.tree, KINDS, words.separator, token, last is not None)
        length, follower = (length + 1, follower + 1) if length and ids[follower] == token else (0, -1)
        past = ids[: step + 1]
        places = [n for n in range(MIN_MATCH + 1, step + 1) if past[n - MIN_MATCH : n] == past[-MIN_MATCH:]]
        if length == 0 and places and step + 1 >= MIN_MATCH:
            follower = places[-1]
            while length < follower and past[follower - 1 - length] == past[step - length]:
                length += 1
        x = [logits[step] + changes[copy] @ hidden[step] + biases[copy] for copy in range(2)]
        for tree in (grown, read):
            out = np.empty(V, np.float32)
            fill_grown(tree.tree, out)
            x.append(np.log(out))
        known = [k for k, node in enumerate(grown.tree.contexts) if node >= 0 and grown.tree.totals[node] > 0]
        situation = max(known)
        if words is not None:
            out = np.empty(V, np.float32)
            situation += (ORDER + 1) * fill_grown_words(of_words.tree, np.exp(x[2]), out)
            x.append(np.log(out))
        u, v, *w = weights[situation]
        z = (np.array([u / 2, u / 2, v, READ_WEIGHT, *w]) + learned) @ np.stack(x)
        if length:
            z[ids[follower]] += matched[class_of(length)]
        p = softmax(z)
        yield p
        last = x, p, hidden[step]


@pytest.mark.parametrize(("known", "weights"), [(counts(), WEIGHTS), (with_words(), WORD_WEIGHTS)])
def test_it_computes_what_its_equations_say(known: TextCounts, weights: np.ndarray) -> None:
    ids, logits, hidden = made_up(200)
    along = ReadingAlong(V, H, known, weights)
    log_p = along.read(ids, logits, hidden)
    expected = np.array(list(plain_predictions(ids.tolist(), logits, hidden, known, weights)))
    np.testing.assert_allclose(np.exp(log_p), expected, atol=1e-4)
    came = expected[:-1][np.arange(199), ids[1:]]
    assert came[140:].mean() > came[:50].mean() + 0.2  # the phrase has come again


def test_it_begins_as_the_blend() -> None:
    ids, logits, hidden = made_up(1)
    known = counts()
    network = NgramNetwork(known.ngrams)
    log_p, longest, _ = network.read(ids[None], network.initial_state(1))
    u, v = WEIGHTS[longest[0, 0]]
    p = np.exp(ReadingAlong(V, H, known, WEIGHTS).read(ids, logits, hidden)[0])
    np.testing.assert_allclose(p, softmax(u * logits[0] + v * log_p[0, 0]), atol=1e-5)


def test_without_counts_it_begins_as_the_network() -> None:
    ids, logits, hidden = made_up(1)
    p = np.exp(ReadingAlong(V, H).read(ids, logits, hidden)[0])
    np.testing.assert_allclose(p, softmax(logits[0]), atol=1e-5)


def test_it_begins_as_the_blend_with_words() -> None:
    ids, logits, hidden = made_up(1)
    known = with_words()
    assert known.words is not None
    blend = BlendNetwork(NoNetwork(V), NgramNetwork(known.ngrams), WORD_WEIGHTS, WordNetwork(known.words))
    (_, log_p, log_q), situations, _ = blend.read(ids[None], blend.initial_state(1))
    u, v, w = WORD_WEIGHTS[situations[0, 0]]
    p = np.exp(ReadingAlong(V, H, known, WORD_WEIGHTS).read(ids, logits, hidden)[0])
    np.testing.assert_allclose(p, softmax(u * logits[0] + v * log_p[0, 0] + w * log_q[0, 0]), atol=1e-5)


@pytest.mark.parametrize("sizes", [(1, 2, 3), (7,), (100, 1)])
def test_pieces_change_nothing(sizes: tuple[int, ...]) -> None:
    ids, logits, hidden = made_up(150)
    whole = ReadingAlong(V, H, with_words(), WORD_WEIGHTS).read(ids, logits, hidden)
    along, first, parts, turn = ReadingAlong(V, H, with_words(), WORD_WEIGHTS), 0, [], 0
    while first < len(ids):
        part = slice(first, first + sizes[turn % len(sizes)])
        parts.append(along.read(ids[part], logits[part], hidden[part]))
        first, turn = part.stop, turn + 1
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("place", [1, 40, 120])
def test_nothing_depends_on_what_comes_after(place: int) -> None:
    ids, logits, hidden = made_up(150)
    other = ids.copy()
    other[place:] = (other[place:] + 1) % V
    first, second = (ReadingAlong(V, H, with_words(), WORD_WEIGHTS).read(read, logits, hidden) for read in (ids, other))
    np.testing.assert_array_equal(first[:place], second[:place])
    assert np.abs(first[place:] - second[place:]).max() > 0.1


def test_probabilities_sum_to_one_whatever_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_along, "PAST", 64)  # a text longer than what is kept of it
    monkeypatch.setattr(reading_along, "BLOCK", 50)
    random = np.random.default_rng(4)
    along = ReadingAlong(V, H, with_words(), WORD_WEIGHTS)
    for ids in (np.zeros(500, np.int64), random.integers(0, V, 500), made_up(500)[0]):
        logits = (50 * random.normal(0, 1, (500, V))).astype(np.float32)
        log_p = along.read(ids, logits, random.normal(0, 1, (500, H)).astype(np.float32))
        assert np.isfinite(log_p).all()
        np.testing.assert_allclose(np.exp(log_p.astype(np.float64)).sum(-1), 1, atol=1e-6)


def test_what_is_only_read_is_not_learned_from() -> None:
    """Two texts that differ in what was read without learning go on alike after the same ids."""
    ids, logits, hidden = made_up(100)
    after = []
    for seed in (5, 6):
        along = ReadingAlong(V, H, counts(), WEIGHTS)
        along.read(ids, logits, hidden)
        along.read(np.random.default_rng(seed).integers(0, V, 50), logits[:50], hidden[:50], learning=False)
        same = np.random.default_rng(7).integers(0, V, MIN_MATCH + ORDER + 1)
        after.append(along.read(same, logits[: len(same)], hidden[: len(same)], learning=False)[-1])
    np.testing.assert_array_equal(*after)


def test_an_empty_piece_is_nothing() -> None:
    along = ReadingAlong(V, H, counts(), WEIGHTS)
    assert along.read(np.empty(0, np.int64), np.empty((0, V), np.float32), np.empty((0, H), np.float32)).shape == (0, V)
