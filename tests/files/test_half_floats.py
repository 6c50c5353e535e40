"""Weights that are float16 on disk, where they fit."""

import numpy as np
import pytest

from nextchar.files.half_floats import in_single, stored

VALUES = np.random.default_rng(0).normal(size=(37, 300)).astype(np.float32)


def test_float16_is_read_as_it_was_written() -> None:
    half = stored(VALUES, half=True)
    assert half.dtype == np.dtype("<f2")
    for given in (half.copy(), half[:]):  # one that owns its memory, and a view as of a file
        arrays = {"a": given, "b": VALUES}
        read = in_single(arrays)
        assert arrays == {}
        assert read["a"].dtype == np.float32
        np.testing.assert_array_equal(read["a"], half.astype(np.float32))
        np.testing.assert_array_equal(read["b"], VALUES)
    np.testing.assert_allclose(half.astype(np.float32), VALUES, rtol=2**-10)


@pytest.mark.parametrize("largest", [65504.0, 65520.0, 1e6])
def test_what_does_not_fit_stays_float32(largest: float) -> None:
    kept = stored(np.array([largest, 1.0]), half=True)
    assert kept.dtype == (np.dtype("<f2") if largest == 65504 else np.dtype("<f4"))
    np.testing.assert_array_equal(kept, [largest, 1.0])


def test_integers_and_other_files_are_not_halved() -> None:
    assert stored(np.arange(3), half=True).dtype == np.arange(3).dtype
    assert stored(VALUES.astype(float), half=False).dtype == np.dtype("<f4")
