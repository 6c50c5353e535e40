"""The guard against copying, held against brute force."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from nextchar.model.copying import CopyIndex
from nextchar.model.generation import allowed_ids, draw_blocks
from nextchar.networks.compiled_network import CompiledNetwork
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.settings import SamplingSettings
from nextchar.text.documents import SourceText
from nextchar.text.vocabulary import Vocabulary
from tests.small_networks import random_network, random_parameters, random_text

ALPHABETS = {
    "two letters": "ab",
    "words": "abc d",
    "Hangul": "가나다 라",
    "many": "".join(map(chr, range(0x4E00, 0x4E00 + 300))),
}


def index_of(text: str, characters: str = "", **options: Any) -> CopyIndex:
    vocabulary = Vocabulary("".join(sorted(set(text + characters))), **options)
    return CopyIndex(SourceText(vocabulary.encode(text), (), vocabulary))


def following(text: str, written: str, longest: int) -> set[str]:
    """Return by brute force what must not come after ``written``."""
    last = written[-longest:]
    return {c for c in set(text) if len(last) == longest and last + c in text}


def forbidden(index: CopyIndex, vocabulary: Vocabulary, written: str, longest: int) -> str:
    return vocabulary.decode(index.guard(longest, vocabulary.encode(written).tolist()).forbidden())


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("longest", [1, 2, 3, 5, 12, 40])
def test_it_forbids_what_would_copy_too_much(alphabet: str, longest: int) -> None:
    text = random_text(ALPHABETS[alphabet], 500, seed=longest)
    vocabulary = Vocabulary("".join(sorted(set(text))))
    index = CopyIndex(SourceText(vocabulary.encode(text), (), vocabulary))
    random = np.random.default_rng(longest)
    found = 0
    for place in random.integers(0, len(text), 100).tolist():
        for written in (text[max(0, place - longest - 3) : place], "".join(random.choice(list(text), longest))):
            wanted = following(text, written, longest)
            have = set(forbidden(index, vocabulary, written, longest))
            assert wanted <= have
            if not written or written[-1].isalnum():  # elsewhere a word may begin, of which the guard says more
                assert have == wanted
            found += len(wanted)
    assert found > 30


@pytest.mark.parametrize("longest", [5, 7, 15])
@pytest.mark.parametrize("temperature", [0, 1.0])
def test_no_longer_run_is_ever_written(longest: int, temperature: float) -> None:
    text = random_text("abcdef gh", 2000)
    vocabulary = Vocabulary("".join(sorted(set(text))))
    index = CopyIndex(SourceText(vocabulary.encode(text), (), vocabulary))
    settings = SamplingSettings(temperature=temperature)
    network = NgramNetwork(count_text(vocabulary.encode(text), vocabulary.size, 8))
    for seed in range(3):
        logits, state = network.forward(np.array([[1]]), network.initial_state(1))
        guard, allowed = index.guard(longest, []), allowed_ids(vocabulary.size, (0,))
        blocks = draw_blocks(
            network, logits[:, -1], state, settings, np.random.default_rng(seed), allowed=allowed, guard=guard
        )
        written = vocabulary.decode([token for block in islice(blocks, 400) for token in block])
        assert len(written) == 400
        runs = [written[first : first + longest + 1] for first in range(len(written) - longest)]
        assert not any(run in text for run in runs)
        assert any(run[:-1] in text for run in runs)


@pytest.mark.parametrize("options", [{}, {"temperature": 0}, {"top_k": 3}, {"min_p": 0.1}], ids=str)
@pytest.mark.parametrize("longest", [1, 3, 8])
def test_every_network_writes_the_same_with_a_guard(options: dict[str, Any], longest: int) -> None:
    index = index_of(random_text("abc def", 400))
    size = index.vocabulary_size
    numpy_network = random_network(size, hidden=(24,))
    architecture = numpy_network.architecture
    parameters = random_parameters(architecture, spread=0.3)
    settings = SamplingSettings(**{"temperature": 0.8, **options})
    written: list[list[int]] = []
    for network in (NumpyNetwork(architecture, parameters), CompiledNetwork(architecture, parameters)):
        logits, state = network.forward(np.array([[1]]), network.initial_state(1))
        guard, random = index.guard(longest, [1]), np.random.default_rng(7)
        blocks = draw_blocks(
            network, logits[:, -1], state, settings, random, allowed=allowed_ids(size, (0,)), guard=guard
        )
        written.append([token for block in islice(blocks, 2000) for token in block][:700])
    assert written[0] == written[1]
    assert len(written[0]) == 700 or longest == 1


def test_a_run_ends_between_words() -> None:
    text = "the old man saw the sea. the old man saw two ships. "
    index = index_of(text, "xyz")
    vocabulary = Vocabulary("".join(sorted(set(text + "xyz"))))
    # "the old man saw " has 16 characters: with "the" it is 19, with "two" too.
    assert set(forbidden(index, vocabulary, "the old man saw ", 18)) == {"t"}
    assert set(forbidden(index, vocabulary, "the old man saw ", 19)) == set()
    # "sea" ends too late after the long run, and "saw" and "ships" do not follow it.
    assert set(forbidden(index, vocabulary, "the old man saw the ", 22)) == {"s"}
    # Within a word only the strict rule holds.
    assert set(forbidden(index, vocabulary, "the old man saw t", 18)) == set()
    assert set(forbidden(index, vocabulary, "the old man saw th", 18)) == {"e"}


def test_one_word_that_ends_in_time_is_enough() -> None:
    text = "in the long day. in the low water. in the lofty hall. "
    vocabulary = Vocabulary("".join(sorted(set(text))))
    index = CopyIndex(SourceText(vocabulary.encode(text), (), vocabulary))
    assert forbidden(index, vocabulary, "in the ", 9) == "l"  # "low" would be ten
    assert forbidden(index, vocabulary, "in the ", 10) == ""
    assert forbidden(index, vocabulary, "in the lo", 9) == "".join(sorted("nwf"))


def test_a_word_is_looked_at_only_deep_in_a_run() -> None:
    text = "a wonderfully long word. "
    vocabulary = Vocabulary("".join(sorted(set(text))))
    index = CopyIndex(SourceText(vocabulary.encode(text), (), vocabulary))
    assert forbidden(index, vocabulary, "a ", 5) == ""
    assert forbidden(index, vocabulary, "a ", 3) == "w"


def test_marks_are_part_of_a_word() -> None:
    text = "கி குடி. "
    index = index_of(text)
    assert index.word_lengths.tolist() == [2, 1, 0, 4, 3, 2, 1, 0, 0]


def test_where_nothing_is_left_the_text_ends() -> None:
    index = index_of("aabba", has_unknown=False)
    network = random_network(2)
    logits, state = network.forward(np.array([[0]]), network.initial_state(1))
    random, guard = np.random.default_rng(0), index.guard(1, [0])
    blocks = draw_blocks(network, logits[:, -1], state, SamplingSettings(), random, allowed=allowed_ids(2), guard=guard)
    assert list(blocks) == []


def test_where_words_leave_nothing_the_strict_rule_holds_alone() -> None:
    text = "aa bb. aa cc. "
    vocabulary = Vocabulary("bc", has_unknown=False)
    everything = Vocabulary("".join(sorted(set(text))), has_unknown=False)
    index = CopyIndex(SourceText(everything.encode(text), (), everything))
    assert set(forbidden(index, everything, "aa ", 4)) == {"b", "c"}
    index.vocabulary_size = vocabulary.size  # as if there were no other characters
    assert forbidden(index, everything, "aa ", 4) == ""


def test_the_unknown_symbol_is_no_copy() -> None:
    vocabulary = Vocabulary("ab")
    index = CopyIndex(SourceText(vocabulary.encode("ab\N{SNOWMAN}ab"), (), vocabulary))
    assert forbidden(index, vocabulary, "ab", 2) == ""


def test_an_order_serves_shallower_guards_and_grows_for_deeper_ones() -> None:
    text = "ab" * 100 + "c"
    vocabulary = Vocabulary("abc")
    index = CopyIndex(SourceText(vocabulary.encode(text), (), vocabulary))
    first = index.order(3)
    assert index.order(20) is first
    assert forbidden(index, vocabulary, ("ab" * 100)[-150:], 150) == "ac"
    assert index.order(150) is not first
    assert forbidden(index, vocabulary, "ab" * 100, 200) == "c"
