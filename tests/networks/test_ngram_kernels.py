"""The loops of counts: the precision of the logarithm, and the search for a child."""

import numpy as np
import pytest

from nextchar.networks import ngram_kernels as kernels


def test_the_logarithm_is_right_to_the_last_places() -> None:
    values = np.concatenate([np.geomspace(1e-37, 1, 100_001), [0.5, 1.0, np.sqrt(0.5), 2.0, 1e30]]).astype(np.float32)
    exact = np.log(values.astype(np.float64))
    kernels.fill_log(values)
    assert np.abs(values - exact).max() < 1e-5
    assert (np.abs(values - exact) / np.maximum(1, np.abs(exact))).max() < 3e-7


@pytest.mark.parametrize("children", [0, 1, 2, 64, 65, 323])
def test_every_child_is_found_and_nothing_else(children: int) -> None:
    ids = np.concatenate([[0], np.arange(children) * 2 + 1, [7, 8]]).astype(np.int32)
    firsts = np.array([1, 1 + children, 3 + children])
    for token in range(2 * children + 2):
        expected = 1 + token // 2 if token % 2 and token < 2 * children else -1
        assert kernels.find_child(firsts, ids, 0, token) == expected
    assert kernels.find_child(firsts, ids, 1, 8) == children + 2
    assert kernels.find_child(firsts, ids, -1, 1) == -1
    assert kernels.find_child(firsts, ids, 2, 1) == -1, "an n-gram of full length is no context"
