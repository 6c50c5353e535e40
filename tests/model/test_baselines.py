"""What counting gets on a text."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pyppmd
import pytest
import zpaq

from nextchar.errors import TextError, UnknownCharacterError
from nextchar.model import baselines as counting
from nextchar.model.baselines import (
    LOST,
    PPMD_MEMORY,
    PPMD_ORDER,
    ZPAQ_METHOD,
    CountingScores,
    Ppmd,
    count_and_score,
)
from nextchar.model.scoring import bits_per_id
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.text.vocabulary import Vocabulary
from tests.command import made_up_text

TRAINING, TEXT = made_up_text(5000, seed=1), made_up_text(5600, seed=1)[5000:]
VOCABULARY = Vocabulary("".join(sorted({*TRAINING, *TEXT})))
START = int(VOCABULARY.encode("\n")[0])


def scores(text: str = TEXT, training: str = TRAINING, vocabulary: Vocabulary = VOCABULARY) -> CountingScores:
    return count_and_score(vocabulary.encode(training), vocabulary, START, [text])


def compressed(text: str) -> int:
    return len(pyppmd.compress(text.encode(), max_order=PPMD_ORDER, mem_size=PPMD_MEMORY, variant="I"))


def test_ppmd_is_what_a_compressed_file_grows_by() -> None:
    expected = 8 * (compressed(TRAINING + TEXT) - compressed(TRAINING)) / len(TEXT)
    assert scores().ppmd_bits_per_character == expected
    assert expected < 8 * compressed(TEXT) / len(TEXT) / 1.3, "the training text helps"


def test_zpaq_is_what_a_compressed_file_grows_by() -> None:
    sizes = [len(zpaq.compress(text.encode(), method=ZPAQ_METHOD, threads=1)) for text in (TRAINING + TEXT, TRAINING)]
    found = scores().zpaq_bits_per_character
    assert found is not None
    assert found == 8 * (sizes[0] - sizes[1]) / len(TEXT)
    assert found < scores().ppmd_bits_per_character


def test_ppmd_adapts_and_the_ngram_network_does_not() -> None:
    strange = "zqxj vwkz\n" * 40
    vocabulary = Vocabulary("".join(sorted({*TRAINING, *strange})))
    start = int(vocabulary.encode("\n")[0])
    once, often = (count_and_score(vocabulary.encode(TRAINING), vocabulary, start, [strange[:n]]) for n in (20, 400))
    assert often.ppmd_bits_per_character < once.ppmd_bits_per_character / 3
    assert often.ngram_bits_per_character == pytest.approx(once.ngram_bits_per_character, rel=0.05)


def test_the_ngram_figure_is_that_of_the_network() -> None:
    network = NgramNetwork.of_text(VOCABULARY.encode(TRAINING), VOCABULARY.size)
    expected = bits_per_id(network, VOCABULARY.encode(TEXT), START)
    assert scores().ngram_bits_per_character == pytest.approx(expected, abs=1e-6)


def test_pieces_change_nothing() -> None:
    pieces = [TEXT[:7], "", TEXT[7:300], TEXT[300:]]
    in_pieces = count_and_score(VOCABULARY.encode(TRAINING), VOCABULARY, START, pieces)
    assert astuple(in_pieces) == pytest.approx(astuple(scores()), abs=1e-6)


def test_a_character_never_seen_has_its_share_of_the_unknown_symbol() -> None:
    network = NgramNetwork.of_text(VOCABULARY.encode(TRAINING), VOCABULARY.size)
    ids = VOCABULARY.encode("a☃e")
    expected = bits_per_id(network, ids, START) - VOCABULARY.unseen_log2_probability / 3
    assert scores("a☃e").ngram_bits_per_character == pytest.approx(expected, abs=1e-6)
    assert -VOCABULARY.unseen_log2_probability == pytest.approx(np.log2(0x110000 - 0x800 - len(VOCABULARY.characters)))


def test_a_lost_character_costs_ppmd_what_tells_which_it_was() -> None:
    text = f"{TEXT[:50]}{LOST}{TEXT[50:]}{LOST}"
    told = 8 * (compressed(TRAINING + text) - compressed(TRAINING)) - 2 * VOCABULARY.unseen_log2_probability
    assert scores(text).ppmd_bits_per_character == pytest.approx(told / len(text))


def test_a_character_unknown_where_nothing_may_be_is_refused() -> None:
    vocabulary = Vocabulary(VOCABULARY.characters, has_unknown=False)
    with pytest.raises(UnknownCharacterError):
        scores("☃", vocabulary=vocabulary)
    assert scores("the", vocabulary=vocabulary).ngram_bits_per_character > 0


def test_of_a_long_text_the_end_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, end = scores(), scores(training=TRAINING[-2000:])
    assert (whole.counted_characters, end.counted_characters) == (5000, 2000)
    monkeypatch.setattr(counting, "MAX_COUNTED", 2000)
    assert scores() == end != whole


def test_nothing_cannot_be_scored() -> None:
    with pytest.raises(TextError, match="empty"):
        scores("")


def test_half_a_surrogate_pair_is_a_character_never_seen() -> None:
    assert scores("a\ud800b").ppmd_bits_per_character > 0


def test_the_memory_holds_all_that_is_counted() -> None:
    """Were it too small, PPMd would begin anew, and what it has read before would not help any more."""
    random = np.random.default_rng(0).integers(0x20, 0x7F, 1_000_000).astype(np.uint8).tobytes().decode()
    ppmd = Ppmd(random)
    ppmd.read(random[:1000])
    assert ppmd.bits() / 1000 < 3 < np.log2(0x7F - 0x20)


@pytest.mark.parametrize(
    ("name", "lowercase", "bits"),
    [("nietzsche", True, (1.899, 1.939)), ("korean_stories", False, (4.537, 4.602))],
)
def test_what_was_measured(
    name: str, lowercase: bool, bits: tuple[float, float], corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last 10 % after counting the rest; characters that occur once are left to the unknown symbol."""
    monkeypatch.setattr(counting, "find_spec", lambda name: None)  # zpaq is not installed
    text = (corpora / f"{name}.txt").read_text()
    text = text.lower() if lowercase else text
    end = int(len(text) * 0.9)
    training = text[:end]
    vocabulary = Vocabulary("".join(sorted(c for c in set(training) if training.count(c) > 1)))
    start = int(vocabulary.encode("\n")[0])
    found = count_and_score(vocabulary.encode(training), vocabulary, start, [text[end:]])
    assert found.ppmd_bits_per_character == pytest.approx(bits[0], abs=0.001)
    assert found.ngram_bits_per_character == pytest.approx(bits[1], abs=0.001)
    assert found.zpaq_bits_per_character is None
