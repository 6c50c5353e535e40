"""The bits of many texts: those of each by itself, whatever stands beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.errors import UnknownCharacterError
from nextchar.model import batch_scoring
from nextchar.model.batch_scoring import BatchScorer, UnknownTextError, groups
from nextchar.model.scoring import Scorer, character_scores
from nextchar.networks.architecture import Network
from nextchar.networks.engine import make_network
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.parallel import Threads
from nextchar.text.vocabulary import Vocabulary
from tests.pair_tokenizer import PairTokenizer
from tests.small_networks import random_model, random_network, windowed_network

VOCABULARY = Vocabulary("\nabcdefg")
"""Eight ids and the unknown symbol, nine as the networks below have."""
NETWORKS: dict[str, Network[Any]] = {
    "LSTM": random_network(),
    "windows": windowed_network(5),
    "counts": NgramNetwork.of_text(np.random.default_rng(0).integers(9, size=300), 9),
}


def alone(network: Network[Any], text: str) -> float:
    """Return the bits of ``text``, read by itself."""
    scores = character_scores(Scorer(network, VOCABULARY.start_id), VOCABULARY.encode(text), VOCABULARY)
    return -float(scores.sum())


def made_up_texts(count: int = 40, longest: int = 60) -> list[str]:
    random = np.random.default_rng(0)
    return ["", *("".join(random.choice(list("abcdefgé"), random.integers(longest))) for _ in range(count))]


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_text_has_the_bits_that_it_has_alone(kind: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_scoring, "ROWS", 7)
    monkeypatch.setattr(batch_scoring, "LONG", 50)
    texts = made_up_texts()
    assert max(map(len, texts)) > 50
    bits = BatchScorer(NETWORKS[kind], VOCABULARY, Threads(threads)).score(texts)
    np.testing.assert_allclose(bits, [alone(NETWORKS[kind], text) for text in texts], atol=1e-4)


@given(st.lists(st.text("abcdefg\né", max_size=40), max_size=12))
def test_neighbours_and_order_change_nothing(texts: list[str]) -> None:
    scorer = BatchScorer(NETWORKS["LSTM"], VOCABULARY, Threads(2))
    bits = scorer.score(texts)
    assert bits.shape == (len(texts),)
    np.testing.assert_allclose(scorer.score(texts[::-1])[::-1], bits, atol=1e-4)
    np.testing.assert_allclose(bits, [scorer.score([text])[0] for text in texts], atol=1e-4)


def test_tokens_of_several_characters_are_scored_too() -> None:
    tokenizer = PairTokenizer(Vocabulary(" ab"), ("ab", "b "))
    network = random_network(tokenizer.size)
    texts = ["abba", "a", "", "ab ab ba"]
    expected = [-Scorer(network, tokenizer.start_id).score(tokenizer.encode(text)).sum() for text in texts]
    scorer = BatchScorer(network, tokenizer, Threads())
    bits = scorer.score(texts)
    np.testing.assert_allclose(bits, expected, atol=1e-4)
    surprises, summaries = scorer.surprises(texts), scorer.summarise(texts)
    assert [len(of_text) for of_text in surprises] == [len(text) for text in texts]
    np.testing.assert_allclose([of_text.sum() for of_text in surprises], expected, atol=1e-4)
    np.testing.assert_allclose(summaries.bits, expected, atol=1e-4)
    assert summaries.places.tolist() == [int(of_text.argmax()) if len(of_text) else 0 for of_text in surprises]
    np.testing.assert_allclose(summaries.highest, [max(of_text, default=0) for of_text in surprises])


def test_a_text_with_characters_that_nothing_stands_for_is_named() -> None:
    scorer = BatchScorer(random_network(7), Vocabulary("abcdefg", has_unknown=False), Threads())
    with pytest.raises(UnknownTextError, match=r"Text 2 cannot be scored.*é") as error:
        scorer.score(["abc", "aé", "é"])
    assert (error.value.position, isinstance(error.value, UnknownCharacterError)) == (1, True)


def test_texts_are_taken_in_groups_as_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_scoring, "MAX_TEXTS", 3)
    monkeypatch.setattr(batch_scoring, "MAX_CHARACTERS", 10)
    taken: list[str] = []

    def texts() -> Iterator[str]:
        for text in ["a", "b", "c", "d" * 20, "e"]:
            taken.append(text)
            yield text

    found = groups(texts())
    assert (next(found), len(taken)) == (["a", "b", "c"], 3)
    assert list(found) == [["d" * 20], ["e"]]
    assert list(groups([])) == []


def test_the_compiled_network_gives_the_same() -> None:
    model = random_model()
    texts = ["so it goes", "나가", "", "x" * 200]
    compiled, plain = (
        BatchScorer(
            make_network(*model.file.lstm_for("A test"), compiled=compiled),
            model.vocabulary,
            Threads(2),
        ).score(texts)
        for compiled in (True, False)
    )
    np.testing.assert_allclose(compiled, plain, rtol=1e-5)
