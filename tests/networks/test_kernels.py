"""The inner loops of the compiled network: draws, and the precision of tanh."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.model.sampling import softmax
from nextchar.networks import kernels
from nextchar.networks.allowed import Allowed


@settings(deadline=None)  # the first draw loads the loop
@given(
    logits=st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40),
    temperature=st.sampled_from([0.0, 0.01, 0.5, 1.0, 100.0]),
    uniform=st.floats(0, 1, exclude_max=True),
    data=st.data(),
)
def test_a_compiled_draw_is_the_draw(
    logits: list[float], temperature: float, uniform: float, data: st.DataObject
) -> None:
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(logits), max_size=len(logits))))
    allowed[data.draw(st.integers(0, len(logits) - 1))] = True
    values = np.array(logits, np.float32)
    how = kernels.Draw(temperature, *Allowed.always(allowed, 1), np.empty(len(logits)))
    drawn = kernels.draw_id(values, how, 0, uniform)
    distribution = softmax(np.where(allowed, values.astype(np.float64), -np.inf), temperature)
    assert allowed[drawn]
    running = np.concatenate([[0], np.cumsum(distribution)])
    assert running[drawn] - 1e-12 <= uniform <= running[drawn + 1] + 1e-12


def test_the_tangent_is_right_to_the_last_places() -> None:
    """update_cell with the input and output gates open and the forget gate shut: c = tanh(g), h = tanh(c)."""
    g = np.concatenate([np.linspace(-12, 12, 100_001), [0, 1e-30, -1e-30, 1e30, -1e30]]).astype(np.float32)
    open_, shut = np.full_like(g, 100), np.full_like(g, -100)
    h, c = np.zeros_like(g), np.zeros_like(g)
    kernels.update_cell(np.concatenate([open_, shut, g, open_]), h, c)
    exact = np.tanh(g.astype(np.float64))
    assert np.abs(c - exact).max() < 5e-7
    assert np.abs(h - np.tanh(exact)).max() < 8e-7
    assert np.abs(c).max() <= 1 + 2e-7


def test_products_of_any_number_of_rows_are_added() -> None:
    random = np.random.default_rng(0)
    for rows in (0, 1, 7, 8, 9, 17):
        vector = random.normal(size=rows).astype(np.float32)
        matrix = random.normal(size=(rows, 5)).astype(np.float32)
        out = np.ones(5, np.float32)
        kernels.add_product(vector, matrix, out)
        np.testing.assert_allclose(out, 1 + vector @ matrix, atol=1e-5)


@pytest.mark.parametrize("vectors", [0, 1, 3])
def test_few_vectors_are_multiplied_by_a_matrix_of_any_size(vectors: int) -> None:
    random = np.random.default_rng(0)
    for rows, columns in ((0, 5), (7, 1), (8, 511), (9, 512), (17, 1030)):
        given = random.normal(size=(vectors, rows)).astype(np.float32)
        matrix = random.normal(size=(rows, columns)).astype(np.float32)
        out = np.full((vectors, columns), np.nan, np.float32)
        kernels.multiply_few(given, matrix, out)
        np.testing.assert_allclose(out, given @ matrix, atol=1e-5)


@settings(deadline=None)
@given(logits=st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=70), data=st.data())
def test_a_probability_is_that_of_a_softmax_however_far_the_logits_are_apart(
    logits: list[float], data: st.DataObject
) -> None:
    values, target = np.array(logits, np.float32), data.draw(st.integers(0, len(logits) - 1))
    room, powers = np.empty(len(values), np.float32), np.empty(len(values), np.int32)
    expected = (float(values[target]) - float(np.logaddexp.reduce(values.astype(np.float64)))) / np.log(2)
    found = kernels.log2_of(values, target, room, powers)
    np.testing.assert_allclose(found, expected, atol=2e-6, rtol=1e-6)
