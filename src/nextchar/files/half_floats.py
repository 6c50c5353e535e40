"""Weights that are float16 on disk, where they fit, and float32 in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.files.tensor_file import Arrays

Floats = NDArray[np.float32]

_BLOCK = 2**12
"""Weights that are converted to float32 at once."""


def stored(values: NDArray[Any], *, half: bool) -> NDArray[Any]:
    """Return ``values`` as a file has them: floats in float32 or, if ``half``, in float16; integers unchanged."""
    if not np.issubdtype(values.dtype, np.floating):
        return np.ascontiguousarray(values)
    single = np.ascontiguousarray(values, "<f4")
    return single.astype("<f2") if half and _fits_half(single) else single


def in_single(arrays: Arrays) -> dict[str, Floats]:
    """Return ``arrays`` in float32, and empty the dictionary. Arrays in float16 grow in place: copies would take more
    than twice the size of the page that they came from."""
    arrays.update(
        {name: array.copy() for name, array in arrays.items() if array.dtype == np.float16 and not array.flags.owndata}
    )
    return {name: _widen(arrays.pop(name)) for name in list(arrays)}


def _widen(values: NDArray[Any]) -> Floats:
    """Return float16 ``values`` as float32 in the same memory, which grows; return others unchanged."""
    if values.dtype != np.float16:
        return values
    shape, size = values.shape, values.size
    values.resize(2 * size, refcheck=False)
    single = values.view(np.float32)
    for stop in range(size, 0, -_BLOCK):  # from the end, so that no value is overwritten before it is read
        block = slice(max(0, stop - _BLOCK), stop)
        single[block] = values[block].copy()
    return single.reshape(shape)


def _fits_half(values: Floats) -> bool:
    """Return whether none of ``values`` is too large for float16."""
    return bool((np.abs(values) <= np.finfo(np.float16).max).all())
