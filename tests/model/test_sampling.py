"""What is drawn is what was asked for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nextchar.errors import UsageError
from nextchar.model.sampling import (
    draw,
    entropy,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    log_normaliser,
    next_distribution,
    reweight_distribution,
    sample_index,
    softmax,
)
from nextchar.settings import SamplingSettings

LOGITS = arrays(np.float64, st.integers(2, 30), elements=st.floats(-50, 50))
P = np.array([0.4, 0.3, 0.2, 0.1])


def test_temperature_worked_by_hand() -> None:
    # sqrt of (0.64, 0.36) is (0.8, 0.6): temperature 2 halves the logits.
    assert softmax(np.log([0.64, 0.36]), 2.0) == pytest.approx([0.8 / 1.4, 0.6 / 1.4])
    assert softmax(np.log([0.8, 0.6]), 0.5) == pytest.approx([0.64, 0.36])


def test_temperature_zero_is_the_first_of_the_largest() -> None:
    assert softmax(np.array([1.0, 3.0, 3.0]), 0).tolist() == [0, 1, 0]


@given(LOGITS, st.floats(1e-3, 100))
def test_temperature_gives_a_distribution_in_the_order_of_the_logits(logits: np.ndarray, temperature: float) -> None:
    distribution = softmax(logits, temperature)
    assert distribution.sum() == pytest.approx(1)
    assert (np.diff(distribution[np.argsort(logits)]) >= 0).all()


@given(arrays(np.float64, st.integers(2, 30), elements=st.integers(-50, 50)))
def test_a_tiny_temperature_is_greedy(logits: np.ndarray) -> None:
    distribution = softmax(logits, 1e-300)
    assert distribution[logits == logits.max()].sum() == pytest.approx(1)


def test_top_k_keeps_k_and_renormalises() -> None:
    assert keep_top_k(P, 2) == pytest.approx([4 / 7, 3 / 7, 0, 0])
    assert keep_top_k(P, 9) is P


def test_top_p_keeps_the_fewest_that_reach_p() -> None:
    assert keep_top_p(P, 0.5) == pytest.approx([4 / 7, 3 / 7, 0, 0])
    assert keep_top_p(P, 0.3) == pytest.approx([1, 0, 0, 0])
    assert keep_top_p(P, 1.0) == pytest.approx(P)


def test_min_p_keeps_those_near_the_most_probable() -> None:
    assert keep_min_p(P, 0.5) == pytest.approx([4 / 9, 3 / 9, 2 / 9, 0])
    assert keep_min_p(P, 0.0) == pytest.approx(P)


@given(LOGITS, st.integers(1, 10), st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 3))
def test_every_combination_is_a_distribution(
    logits: np.ndarray, k: int, p: float, share: float, temperature: float
) -> None:
    settings = SamplingSettings(temperature=temperature, top_k=k, top_p=p, min_p=share)
    distribution = next_distribution(logits, settings, forbidden=(0,))
    assert distribution.sum() == pytest.approx(1)
    assert distribution[0] == 0
    assert (distribution >= 0).all()


def test_batches_are_treated_row_by_row() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 9))
    settings = SamplingSettings(temperature=0.7, top_k=5, top_p=0.9, min_p=0.05)
    rows = [next_distribution(row, settings) for row in logits]
    np.testing.assert_allclose(next_distribution(logits, settings), rows)


@pytest.mark.parametrize(
    "settings",
    [
        SamplingSettings(temperature=1.0),
        SamplingSettings(temperature=0.5),
        SamplingSettings(temperature=1.2, top_k=4),
        SamplingSettings(temperature=1.0, top_p=0.8),
        SamplingSettings(temperature=1.0, min_p=0.2),
    ],
)
def test_draws_match_the_distribution_asked_for(settings: SamplingSettings) -> None:
    """Chi-squared of 20,000 draws; the seed is fixed, so this passes or fails for good."""
    distribution = next_distribution(np.array([2.0, 1.0, 0.5, 0.0, -1.0, -2.0]), settings)
    random = np.random.default_rng(7)
    counts = np.bincount([draw(distribution, random.random()) for _ in range(20_000)], minlength=6)
    possible = distribution > 0
    assert counts[~possible].sum() == 0
    expected = 20_000 * distribution[possible]
    chi_squared = ((counts[possible] - expected) ** 2 / expected).sum()
    freedom = possible.sum() - 1
    # Wilson and Hilferty's bound at 4 standard deviations: p about 3e-5.
    bound = freedom * (1 - 2 / (9 * freedom) + 4 * math.sqrt(2 / (9 * freedom))) ** 3
    assert chi_squared < bound


@given(
    arrays(np.float64, 5, elements=st.floats(0, 1)).filter(lambda p: p.sum() > 0.1),
    st.floats(0, 1, exclude_max=True),
)
def test_nothing_impossible_is_drawn(weights: np.ndarray, uniform: float) -> None:
    distribution = weights / weights.sum()
    assert distribution[draw(distribution, uniform)] > 0


def test_the_ends_of_the_unit_interval() -> None:
    distribution = np.array([0.0, 0.5, 0.5, 0.0])
    assert draw(distribution, 0.0) == 1
    assert draw(distribution, np.nextafter(1, 0)) == 2


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(1e-6, 1)), st.floats(0.1, 5))
def test_reweighting_is_a_power_made_to_sum_to_one(weights: np.ndarray, temperature: float) -> None:
    distribution = weights / weights.sum()
    power = distribution ** (1 / temperature)
    np.testing.assert_allclose(reweight_distribution(distribution, temperature), power / power.sum(), atol=1e-9)


def test_reweighting_is_what_the_keras_example_does() -> None:
    def sample_of_the_example(predictions: np.ndarray, temperature: float) -> np.ndarray:
        predictions = np.log(np.asarray(predictions).astype("float64")) / temperature
        exponentials = np.exp(predictions)
        return exponentials / np.sum(exponentials)

    for temperature in (0.2, 0.5, 1.0, 1.2):
        expected = sample_of_the_example(P, temperature)
        np.testing.assert_allclose(reweight_distribution(P, temperature), expected, atol=1e-12)
        np.testing.assert_allclose(reweight_distribution(P.astype(np.float32), temperature), expected, atol=1e-6)


def test_the_edges_of_reweighting_are_safe() -> None:
    assert reweight_distribution([0.2, 0.8], 0).tolist() == [0, 1]
    assert reweight_distribution([0.0, 0.5, 0.5], 0.5).tolist() == [0, 0.5, 0.5]
    assert reweight_distribution([0.0, 1.0], 1e-300).tolist() == [0, 1]
    assert reweight_distribution([[0.5, 0.5], [0.1, 0.9]], 1).shape == (2, 2)


@pytest.mark.parametrize(
    ("distribution", "temperature", "words"),
    [
        ([0.5, 0.6], 1.0, "sum to 1.1"),
        ([2.0, -1.0], 1.0, "not negative"),
        ([math.nan, 1.0], 1.0, "finite"),
        ([], 1.0, "at least one"),
        ([0.5, 0.5], -1.0, "temperature -1"),
        ([0.5, 0.5], math.inf, "temperature inf"),
    ],
)
def test_what_cannot_be_reweighted_is_refused(distribution: list[float], temperature: float, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        reweight_distribution(distribution, temperature)


def test_sample_index_draws_from_the_reweighted_distribution() -> None:
    random = np.random.default_rng(3)
    counts = np.bincount([sample_index(P, 0.5, random) for _ in range(20_000)], minlength=4)
    expected = 20_000 * P**2 / (P**2).sum()
    # Chi-squared with 3 degrees of freedom: 21.1 is exceeded once in 10,000 times.
    assert ((counts - expected) ** 2 / expected).sum() < 21.1
    assert sample_index(P, 0, random) == 0
    with pytest.raises(UsageError, match="One distribution"):
        sample_index([P, P], 1.0, random)


@pytest.mark.parametrize(
    ("probabilities", "bits"), [([1.0, 0.0], 0), ([0.5, 0.5], 1), ([0.25] * 4, 2), ([0.5, 0.25, 0.25, 0], 1.5)]
)
def test_entropy(probabilities: list[float], bits: float) -> None:
    assert entropy(np.array(probabilities)) == pytest.approx(bits)


def test_entropy_by_hand() -> None:
    assert entropy(np.array([[0.5, 0.25, 0.25], [1, 0, 0], [0, 0.5, 0.5]])).tolist() == [1.5, 0, 1]
    assert str(entropy(np.array([1.0, 0]))) == "0.0"


def test_the_log_normaliser_turns_logits_into_log_probabilities() -> None:
    # ln(1 + 3) and ln(2 + 2): the logits 1000 higher overflow nothing.
    logits = np.log([[1.0, 3.0], [2.0, 2.0]]) + np.array([[1000.0], [0.0]])
    assert log_normaliser(logits) == pytest.approx([1000 + math.log(4), math.log(4)])
