"""Arrays and a header in one file that notices damage."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from nextchar.files import tensor_file

ARRAYS = {
    "a/b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bytes": np.arange(5, dtype=np.uint8),
    "empty": np.zeros((0, 4), np.float32),
    "number": np.array(7.0, np.float32),
}


def test_header_and_arrays_of_any_type_and_shape_come_back() -> None:
    header, arrays = tensor_file.from_bytes(tensor_file.to_bytes({"x": [1, None, "가"], "inf": float("inf")}, ARRAYS))
    assert header == {"x": [1, None, "가"], "inf": float("inf")}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(arrays[name], array)


def test_any_reader_of_safetensors_reads_the_arrays() -> None:
    arrays = load(tensor_file.to_bytes({}, ARRAYS))
    np.testing.assert_array_equal(arrays["a/b"], ARRAYS["a/b"])


def test_a_file_of_somebody_else_is_refused() -> None:
    with pytest.raises(ValueError, match="not written by nextchar"):
        tensor_file.from_bytes(save(ARRAYS))


def test_swapped_arrays_are_noticed() -> None:
    """The same bytes under other names: every tensor is sound, and the whole is not."""
    content = tensor_file.to_bytes({}, {"one": np.zeros(4, np.float32), "two": np.ones(4, np.float32)})
    swapped = content.replace(b'"one"', b'"???"').replace(b'"two"', b'"one"').replace(b'"???"', b'"two"')
    with pytest.raises(ValueError, match="checksum"):
        tensor_file.from_bytes(swapped)


@pytest.mark.parametrize("entry", ["dtype", "shape", "data_offsets"])
def test_an_index_without_an_entry_is_damaged(entry: str) -> None:
    content = tensor_file.to_bytes({}, {"a": np.zeros(3, np.float32)})
    damaged = content.replace(f'"{entry}"'.encode(), f'"{entry[:-1]}_"'.encode(), 1)
    with pytest.raises(ValueError, match=r"^the index of its arrays is damaged$"):
        tensor_file.from_bytes(damaged)
