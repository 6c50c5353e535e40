"""The weights of a blend: the best for what they are fitted on, and honest on what is reported."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import ModelFileError
from nextchar.model import blending
from nextchar.model.blending import fit_weights, honest_bits, remember, spread, with_memory
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.scoring import Scorer, bits_per_id
from nextchar.networks.blend import BlendNetwork
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.networks.word_counts import kinds_of
from nextchar.parallel import Threads
from nextchar.text.vocabulary import Vocabulary
from tests.command import made_up_text
from tests.small_networks import random_model

TEXT = made_up_text(9000, seed=3)
VOCABULARY = Vocabulary("".join(sorted(set(TEXT))))
IDS = VOCABULARY.encode(TEXT)
TRAINING, HELD_OUT = IDS[:7000], IDS[7000:]
KINDS = kinds_of(VOCABULARY.token_texts(range(VOCABULARY.size)))


@pytest.fixture
def model() -> ModelFile:
    """A network that knows nothing of the text, as if its training had scored 5 bits."""
    file = random_model("".join(sorted(set(TEXT))), validation_bits_per_character=5.0, corpus=("book.txt",)).file
    return replace(file, parameters={name: 0.3 * array for name, array in file.parameters.items()})


@pytest.fixture
def blend(model: ModelFile) -> BlendNetwork:
    """A blend of that network with counts of the text."""
    network = LanguageModel(model).network
    counts = count_text(TRAINING, VOCABULARY.size, 4)
    return BlendNetwork(network, NgramNetwork(counts), np.full((5, 2), 0.5, np.float32))


def bits(blend: BlendNetwork, weights: np.ndarray, ids: np.ndarray) -> float:
    return bits_per_id(BlendNetwork(blend.network, blend.ngrams, weights.astype(np.float32)), ids, 0)


def test_no_other_weights_are_better_for_all_contexts(blend: BlendNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blending, "PENALTY", 1e9)  # every length of context has the weights of all
    weights = fit_weights(blend, HELD_OUT)
    np.testing.assert_allclose(weights, np.tile(weights[:1], (5, 1)), atol=1e-4)
    best = bits(blend, weights, HELD_OUT)
    for change in ((0.1, 0), (-0.1, 0), (0, 0.1), (0, -0.1), (0.1, -0.1), (-0.1, 0.1)):
        assert bits(blend, weights + np.array(change), HELD_OUT) > best


def test_the_weights_are_found_by_the_derivatives_of_the_nats(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 50, 7)).astype(np.float32)
    read = blending._Read(x, x[:, range(50), random.integers(7, size=50)], np.zeros(50, np.int64))

    def derivatives(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return blending._derivatives(read, weights, np.array([0.5, 0.3, 0.2]), 2.0)

    weights, step = np.array([0.7, 0.1, 0.4]), 1e-2
    nats, slopes, curvatures = derivatives(weights)
    p = np.exp(np.tensordot(weights, x, 1))
    by_hand = np.log(p.sum(-1)).sum() - (weights @ read.chosen).sum() + (0.04 + 0.04 + 0.04)
    assert nats == pytest.approx(by_hand, rel=1e-5)
    moves = [(derivatives(weights + move), derivatives(weights - move)) for move in step * np.eye(3)]
    np.testing.assert_allclose(slopes, [(up[0] - down[0]) / (2 * step) for up, down in moves], rtol=1e-2, atol=0.02)
    np.testing.assert_allclose(curvatures, [(up[1] - down[1]) / (2 * step) for up, down in moves], rtol=1e-2, atol=0.02)
    monkeypatch.setattr(blending, "BLOCK", 30)  # four at a time
    for whole, in_blocks in zip((nats, slopes, curvatures), derivatives(weights), strict=True):
        np.testing.assert_allclose(in_blocks, whole, rtol=1e-5)


def test_a_penalty_keeps_rare_contexts_near_the_others(blend: BlendNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    near = fit_weights(blend, HELD_OUT)
    monkeypatch.setattr(blending, "PENALTY", 1e-3)
    free = fit_weights(blend, HELD_OUT)
    assert near.std(0).max() < free.std(0).max()
    assert bits(blend, free, HELD_OUT) <= bits(blend, near, HELD_OUT) + 1e-3


def test_the_blend_is_better_than_either(blend: BlendNetwork) -> None:
    weights = fit_weights(blend, HELD_OUT, Threads(2))
    alone = bits_per_id(blend.network, HELD_OUT, 0), bits_per_id(blend.ngrams, HELD_OUT, 0)  # pyright: ignore[reportArgumentType]
    assert bits(blend, weights, HELD_OUT) < min(alone)


def test_each_half_is_scored_with_weights_of_the_other(blend: BlendNetwork) -> None:
    middle = len(HELD_OUT) // 2
    first, second = HELD_OUT[:middle], HELD_OUT[middle:]
    expected = [
        -Scorer(BlendNetwork(blend.network, blend.ngrams, fit_weights(blend, other)), 0).score(HELD_OUT)[part]
        for other, part in ((second, slice(0, middle)), (first, slice(middle, None)))
    ]
    np.testing.assert_allclose(honest_bits(blend, HELD_OUT, 0), np.concatenate(expected), atol=2e-5)


def test_honest_bits_do_not_depend_on_what_is_scored(blend: BlendNetwork) -> None:
    """Another character at the very end changes the weights for the first half, and nothing else before it."""
    changed = HELD_OUT.copy()
    changed[-1] = (changed[-1] + 1) % VOCABULARY.size
    before, after = honest_bits(blend, HELD_OUT, 0), honest_bits(blend, changed, 0)
    middle = len(HELD_OUT) // 2
    np.testing.assert_allclose(after[middle:-1], before[middle:-1], atol=1e-6)


@pytest.mark.parametrize("words", [False, True])
def test_a_model_with_a_memory_is_kept_and_writes_and_scores(model: ModelFile, tmp_path: Path, words: bool) -> None:
    counts = remember(TRAINING, VOCABULARY.size, kinds=KINDS if words else None)
    assert (counts.words is not None) == words
    ngrams, of_words = len(counts.ngrams.ids) - 1, len(counts.words or ())
    assert ngrams + of_words <= 1.2 * len(TRAINING)
    file = with_memory(model, counts, HELD_OUT)
    assert file.has_memory
    provenance = file.provenance
    assert provenance.network_bits_per_character == 5.0
    assert provenance.corpus == ("book.txt",)
    alone = file.without_memory("A test")
    assert alone.provenance == model.provenance
    assert alone.without_memory("A test") is alone
    LanguageModel(file).save(tmp_path / "m")
    loaded = LanguageModel.load(tmp_path / "m")
    assert loaded.vocabulary == file.vocabulary
    told = loaded.bits_per_character(TEXT[7000:])
    assert provenance.validation_bits_per_character is not None
    assert told < provenance.validation_bits_per_character < told + 0.1, "fitted on all of it, reported on halves"
    assert told < LanguageModel(model).bits_per_character(TEXT[7000:]) - 0.5
    text = loaded.generate("The ", length=200, seed=1)
    assert text == LanguageModel(file).generate("The ", length=200, seed=1)
    assert loaded.generate_many("The ", 2, length=200, seed=1)[0] == text
    memory = f"{ngrams:,} n-grams" + (f" and {of_words:,} beginnings of words" if words else "")
    assert repr(loaded).startswith(f"LanguageModel(LSTM of 8 units with a memory of {memory}")


def test_words_gain(model: ModelFile) -> None:
    bits = [
        with_memory(model, remember(TRAINING, VOCABULARY.size, kinds=kinds), HELD_OUT).provenance
        for kinds in (None, KINDS)
    ]
    without, with_words = (provenance.validation_bits_per_character for provenance in bits)
    assert without is not None
    assert with_words is not None
    assert with_words < without - 0.005


def test_what_was_lost_or_is_of_another_kind_is_refused(model: ModelFile, tmp_path: Path) -> None:
    file = with_memory(model, remember(TRAINING, VOCABULARY.size), HELD_OUT)
    lost = {name: array for name, array in file.parameters.items() if name != "ngrams.counts"}
    ModelFile(file.architecture, file.vocabulary, lost).save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="its tensors do not fit its architecture"):
        ModelFile.load(tmp_path / "m")
    other = file.architecture.model_copy(update={"ngrams": 7})
    ModelFile(other, file.vocabulary, file.parameters).save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="its counts do not fit its architecture"):
        ModelFile.load(tmp_path / "m")


def test_adapting_weights_keeps_the_memory(model: ModelFile) -> None:
    loaded = LanguageModel(with_memory(model, remember(TRAINING, VOCABULARY.size), HELD_OUT))
    evaluation = loaded.evaluate(TEXT[7000:], adapt="weights")
    assert evaluation.adaptive_bits_per_character is not None
    assert evaluation.adaptive_bits_per_character < evaluation.bits_per_character + 0.05
    assert evaluation.adaptive_bits_per_character < LanguageModel(model).evaluate(TEXT[7000:]).bits_per_character - 0.5


def test_of_a_long_text_stretches_from_all_over_it_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = np.arange(10_000)
    assert spread(ids, 10_000) is ids
    counted = spread(ids, 640)
    assert len(counted) == 640
    assert counted[0] == 0
    assert counted[-1] == 9_999
    assert (np.diff(counted) != 1).sum() == blending.STRETCHES - 1
    monkeypatch.setattr(blending, "COUNTED", 1000)
    monkeypatch.setattr(blending, "COUNTED_PER_NGRAM", 4)
    few, many = (remember(TRAINING, VOCABULARY.size, size=size).ngrams for size in (1, None))
    assert few.counts[1 : few.starts[2]].sum() < many.counts[1 : many.starts[2]].sum(), (
        "more is counted for more n-grams"
    )


def test_a_memory_has_the_size_asked_for() -> None:
    ngrams, words = remember(TRAINING, VOCABULARY.size, kinds=KINDS, size=8000)
    assert words is not None
    assert 100 < len(words) <= 400
    assert 1500 < len(ngrams.ids) - 1 + len(words) <= 2000
    arrays = (*ngrams.to_arrays().values(), *words.to_arrays().values())
    assert 5000 < sum(array.nbytes for array in arrays) < 9000


def test_rare_n_grams_of_a_long_text_are_dropped_before_it_is_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = remember(TRAINING, VOCABULARY.size, size=1e8).ngrams
    monkeypatch.setattr(blending, "MAX_WHOLE", 6000)
    assert len(remember(TRAINING, VOCABULARY.size, size=1e8).ngrams.ids) < len(whole.ids)
