"""The n-gram network: numbers worked by hand, the definition written plainly, and its place as a network."""

import math
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.model import scoring as evaluation
from nextchar.model.generation import generate_ids, generate_rows
from nextchar.model.scoring import Scorer, bits_per_id
from nextchar.networks import ngram_network
from nextchar.networks.ngram_counting import FALLBACK
from nextchar.networks.ngram_network import ORDER, UNREAD, NgramNetwork
from nextchar.parallel import Threads
from nextchar.settings import SamplingSettings


def predicted(network: NgramNetwork, *read: int) -> np.ndarray:
    """Return the probabilities (V,) after ``read`` and nothing else."""
    logits, _ = network.forward(np.array([read]), network.initial_state(1))
    return np.exp(logits[0, -1].astype(np.float64))


def test_probabilities_worked_by_hand() -> None:
    # The text 0 1 0 1 1 over 0, 1, 2. Pairs: 01 twice, 10 and 11 once. There are no counts of three, so 0.5 comes off a
    # count of one and 1 off a count of two. 0 comes after the beginning and after 1, 1 comes after 0 and after 1: each
    # counts two, and is left (2 - 1) / 4; the other 1/2 is shared by three ids, 1/6 each. After 2 came nothing.
    network = NgramNetwork.of_text(np.array([0, 1, 0, 1, 1]), 3, order=1)
    np.testing.assert_allclose(predicted(network, 2), [5 / 12, 5 / 12, 2 / 12], rtol=1e-6)
    # After 0 came 1 twice: (2 - 1) / 2 is left of it, and 1/2 for what is expected without context.
    np.testing.assert_allclose(predicted(network, 0), [5 / 24, 17 / 24, 2 / 24], rtol=1e-6)
    # After 1 came 0 and 1 once each: (1 - 0.5) / 2 is left of each, and 1/2 for the rest.
    np.testing.assert_allclose(predicted(network, 1), [11 / 24, 11 / 24, 2 / 24], rtol=1e-6)
    np.testing.assert_allclose(predicted(network, 0, 1), [11 / 24, 11 / 24, 2 / 24], rtol=1e-6)


class PlainKneserNey:
    """The definition, with dictionaries, one n-gram after another."""

    def __init__(self, text: list[int], vocabulary_size: int, order: int) -> None:
        self.vocabulary_size, self.order = vocabulary_size, order
        before: dict[tuple[int, ...], set[int | None]] = defaultdict(set)
        whole: Counter[tuple[int, ...]] = Counter()
        for end in range(1, len(text) + 1):
            for first in range(max(0, end - order - 1), end):
                gram = tuple(text[first:end])
                if len(gram) == order + 1:
                    whole[gram] += 1
                else:
                    before[gram].add(text[first - 1] if first else None)
        self.counts = {**whole, **{gram: len(seen) for gram, seen in before.items()}}
        self.discounts = [self._discounts(k) for k in range(order + 1)]

    def _discounts(self, k: int) -> tuple[float, ...]:
        many = Counter(count for gram, count in self.counts.items() if len(gram) == k + 1)
        if not (many[1] and many[2] and many[3]):
            return (0, *FALLBACK)
        y = many[1] / (many[1] + 2 * many[2])
        found = [i - (i + 1) * y * many[i + 1] / many[i] for i in (1, 2, 3)]
        return (0, *(found if min(found) > 0 else FALLBACK))

    def probability(self, context: tuple[int, ...], one: int) -> float:
        context = context[-self.order :]
        shorter = self.probability(context[1:], one) if context else 1 / self.vocabulary_size
        counts = [self.counts.get((*context, other), 0) for other in range(self.vocabulary_size)]
        if sum(counts) == 0:
            return shorter if context else 1 / self.vocabulary_size
        taken = [self.discounts[len(context)][min(count, 3)] for count in counts]
        return (counts[one] - taken[one] + sum(taken) * shorter) / sum(counts)


@pytest.mark.parametrize(("length", "order"), [(n, k) for k in (1, 2, 6) for n in (0, 1, 2, 3, 6, 7, 8, 400)])
def test_it_is_what_the_definition_says(length: int, order: int) -> None:
    random = np.random.default_rng(length)
    size = 7  # of which the last never comes
    text = (random.integers(0, 3, length) * random.integers(1, 3, length)).tolist()
    plain, network = PlainKneserNey(text, size, order), NgramNetwork.of_text(np.array(text, np.uint8), size, order)
    read = [*text[:20], *random.integers(0, size, 20).tolist()]
    logits, _ = network.forward(np.array([read]), network.initial_state(1))
    expected = [
        [plain.probability(tuple(read[: end + 1]), one) for one in range(size)] for end in range(len(read))
    ]  # (T, V)
    np.testing.assert_allclose(np.exp(logits[0]), expected, rtol=2e-5)


def test_a_real_text_is_what_the_definition_says(corpora: Path) -> None:
    text = (corpora / "korean_stories.txt").read_text()[:6000]
    ids = {character: one for one, character in enumerate(sorted(set(text)))}
    known = [ids[character] for character in text]
    plain, network = (
        PlainKneserNey(known[:5000], len(ids), ORDER),
        NgramNetwork.of_text(np.array(known[:5000]), len(ids)),
    )
    scores = Scorer(network, known[4999]).score(np.array(known[5000:5060]))
    # The network has read one id before them, and then one more each time.
    expected = [
        math.log2(plain.probability(tuple(known[max(4999, at - ORDER) : at]), known[at])) for at in range(5000, 5060)
    ]
    np.testing.assert_allclose(scores, expected, atol=1e-5)


@settings(deadline=None)
@given(
    text=st.lists(st.integers(0, 4), max_size=60),
    read=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    order=st.integers(1, 7),
)
def test_the_probabilities_sum_to_one_and_none_is_zero(text: list[int], read: list[int], order: int) -> None:
    network = NgramNetwork.of_text(np.array(text, np.int64), 5, order)
    logits, _ = network.forward(np.array([read]), network.initial_state(1))
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(np.exp(logits.astype(np.float64)).sum(-1), 1, atol=2e-6)


def test_what_never_came_stays_possible_after_a_text_of_one_id() -> None:
    network = NgramNetwork.of_text(np.ones(200_000, np.uint16), 60_000)
    expected = predicted(network, *[1] * 9)
    assert expected[1] > 0.99999
    assert 0 < expected[0] == expected[2] < 1e-8
    assert expected.sum() == pytest.approx(1)


@pytest.fixture
def network() -> NgramNetwork:
    """A network of nine ids that has counted a text with some order in it."""
    random = np.random.default_rng(0)
    words = [random.integers(9, size=length) for length in (3, 5, 4, 2, 6)]
    return NgramNetwork.of_text(np.concatenate([words[one] for one in random.integers(5, size=400)]), 9)


def test_texts_side_by_side_and_in_pieces_are_read_alike(
    network: NgramNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = np.random.default_rng(1).integers(9, size=(3, 40))
    together, last = network.forward(ids, network.initial_state(3))
    assert last.tolist() == ids[:, -ORDER:].tolist()
    monkeypatch.setattr(ngram_network, "ROOM", 30)
    for row in range(3):
        state, pieces = network.initial_state(1), []
        for first, end in ((0, 1), (1, 2), (2, 2), (2, 9), (9, 40)):
            logits, state = network.forward(ids[row : row + 1, first:end], state)
            pieces.append(logits)
        np.testing.assert_array_equal(np.concatenate(pieces, axis=1)[0], together[row])


def test_texts_branch_from_one_state_which_stays_as_it_was(network: NgramNetwork) -> None:
    _, state = network.forward(np.array([[1, 2, 3]]), network.initial_state(1))
    before = state.copy()
    assert before.tolist() == [[UNREAD] * (ORDER - 3) + [1, 2, 3]]
    one, _ = network.forward(np.array([[4]]), state)
    other, _ = network.forward(np.array([[5]]), state)
    np.testing.assert_array_equal(state, before)
    for logits, last in ((one, 4), (other, 5)):
        whole, _ = network.forward(np.array([[1, 2, 3, last]]), network.initial_state(1))
        np.testing.assert_array_equal(logits[:, -1], whole[:, -1])


def test_ids_beyond_any_packing_into_one_number() -> None:
    """Seven characters of all of Unicode are 141 bits."""
    size = 0x110000
    text = np.random.default_rng(2).integers(size, size=50)
    network = NgramNetwork.of_text(np.tile(text, 4), size)
    logits, _ = network.forward(text[None, :10], network.initial_state(1))
    assert logits[0].argmax(-1).tolist() == text[1:11].tolist()


def test_greedy_writing_goes_on_with_what_came_most_often() -> None:
    text = np.tile([0, 1, 2, 0, 1, 3], 20)
    ids = generate_ids(
        NgramNetwork.of_text(text, 4), np.array([0, 1, 2]), SamplingSettings(temperature=0), np.random.default_rng(0)
    )
    assert list(islice(ids, 9)) == [0, 1, 3, 0, 1, 2, 0, 1, 3]


def test_what_is_forbidden_is_not_written_and_rows_are_written_as_alone(network: NgramNetwork) -> None:
    settings = SamplingSettings(temperature=1.2, length=60)
    prompt = np.array([1, 2])
    alone = [
        list(islice(generate_ids(network, prompt, settings, np.random.default_rng(seed), (0, 3)), 60))
        for seed in (1, 2)
    ]
    rows = generate_rows(network, prompt, settings, [np.random.default_rng(seed) for seed in (1, 2)], (0, 3))
    assert np.stack(list(islice(rows, 60)), axis=1).tolist() == alone
    assert alone[0] != alone[1]
    assert not {0, 3} & {*alone[0], *alone[1]}


@pytest.mark.parametrize("threads", [1, 2])
def test_segments_scored_side_by_side_change_nothing(
    network: NgramNetwork, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = np.random.default_rng(3).integers(9, size=1001)
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "SEGMENTS", 1)
        expected = Scorer(network, 0).score(ids)
    monkeypatch.setattr(evaluation, "WARM_UP", 2)  # fewer than the network reads, which it therefore says
    np.testing.assert_array_equal(Scorer(network, 0, Threads(threads)).score(ids), expected)


def test_what_was_measured(corpora: Path) -> None:
    """Names: the last 10 % after counting the rest, as in the table of the module."""
    text = (corpora / "names.txt").read_text()
    alphabet = "?" + "".join(sorted(set(text)))  # nothing is unknown, but there is room for it
    ids = np.array([alphabet.index(character) for character in text])
    end = int(len(ids) * 0.9)
    network = NgramNetwork.of_text(ids[:end], len(alphabet))
    assert bits_per_id(network, ids[end:], alphabet.index("\n")) == pytest.approx(3.217, abs=0.001)
